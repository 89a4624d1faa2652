"""Files of predictions for the tiny dataset, as other programs write them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cifar_core.data import Dataset


def made_up_logits(dataset: Dataset, *, seed: int = 0) -> np.ndarray:
    """Logits float64 [N, K] of a model that is right more often than not."""
    logits = np.random.default_rng(seed).normal(size=(len(dataset.test.labels), len(dataset.class_names)))
    logits[np.arange(len(logits)), dataset.test.labels] += 1.5
    return logits


def softmax(logits: np.ndarray) -> np.ndarray:
    """As anybody would write it."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def table_of(dataset: Dataset, probs: np.ndarray, *, prefix: str = "p_", **columns: Any) -> pd.DataFrame:
    """A row a picture: its id, the values of the classes, and further columns in front."""
    values = pd.DataFrame(probs, columns=[prefix + name for name in dataset.class_names])
    facts = pd.DataFrame({"id": dataset.test.ids.tolist(), **columns})
    return pd.concat([facts, values], axis=1)


def write_table(path: Path, table: pd.DataFrame) -> Path:
    """Write a table to a CSV or Parquet file, as pandas does it."""
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    return path
