"""A run of imported predictions beside one that was trained, and files of predictions as a person would bring them."""

import io
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from cifar_core.data import Dataset, open_dataset
from cifar_core.export import prediction_template
from cifar_core.runs import Run, import_predictions, read_run
from cifar_core.workspace import Workspace, open_workspace

RIGHT = 0.8  # share of the made-up predictions


class BesideImported(NamedTuple):
    """A workspace with two runs on the dataset `tiny`."""

    workspace: Workspace
    imported: Run  # "My model", predictions without a network
    trained: Run


@pytest.fixture(scope="session")
def beside_imported(finished: Run, shared: Workspace, tmp_path_factory: pytest.TempPathFactory) -> BesideImported:
    """A copy of the shared workspace with the finished run and one of imported predictions; not to be changed."""
    folder = tmp_path_factory.mktemp("imported")
    workspace = open_workspace(folder / "workspace")
    shutil.copytree(shared.data / "tiny", workspace.data / "tiny")
    shutil.copytree(shared.runs / finished.id, workspace.runs / finished.id)
    came = import_predictions(workspace, write_predictions(workspace, folder / "mine.csv"), "tiny", "My model")
    return BesideImported(workspace, read_run(workspace, came.run), finished)


def write_predictions(workspace: Workspace, path: Path, dataset: str = "tiny") -> Path:
    """Write made-up predictions for a dataset to a CSV, and return its path."""
    path.write_bytes(predictions_csv(open_dataset(workspace, dataset)))
    return path


def predictions_csv(dataset: Dataset, seed: int = 0) -> bytes:
    """The filled-in template: a share `RIGHT` of the pictures is right, none with a tie."""
    rng = np.random.default_rng(seed)
    labels, classes = np.asarray(dataset.test.labels), len(dataset.class_names)
    off = rng.integers(1, classes, len(labels)) * (rng.random(len(labels)) >= RIGHT)
    logits = rng.normal(size=(len(labels), classes))
    logits[np.arange(len(labels)), (labels + off) % classes] += 8
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    table = pd.read_csv(io.BytesIO(prediction_template(dataset)))
    table[table.columns[2:]] = probs
    return table.to_csv(index=False).encode()
