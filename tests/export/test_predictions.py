"""All predictions without pictures, as CSV and Parquet: pandas reads back what was stored."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cifar_core.evaluate import sample_scores
from cifar_core.export import Names, epoch_file_name, predictions_csv, predictions_file, predictions_parquet
from cifar_core.runs import Predictions
from cifar_core.runs.imported.checks import check_rows
from cifar_core.runs.imported.given import Expected
from cifar_core.runs.imported.importing import read_file
from cifar_core.samples import EXPORTED_SCORES

TAGS = {"-test/00001.png": ("=odd", "ünscharf"), "-test/00003.png": ("odd",)}


def made_up(classes: int, count: int = 300) -> Predictions:
    """Predictions with ids and class names that spreadsheets would run, or that look like no value."""
    rng = np.random.default_rng(classes)
    names = ["=1+1", "NA", "true", *(f"class {number}" for number in range(3, classes))][:classes]
    ids = np.array([f"-test/{row:05d}.png" for row in range(count)])
    probs = rng.dirichlet(np.full(classes, 0.3), count).astype(np.float32)
    return Predictions(rng.integers(0, classes, count), probs, tuple(names), ids=ids, epoch=7, split="test")


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("classes", [2, 10, 100])
def test_pandas_reads_back_the_predictions(form: str, classes: int) -> None:
    found = made_up(classes)
    if form == "csv":
        table = pd.read_csv(io.BytesIO(predictions_csv(found, TAGS)), keep_default_na=False, na_values=[""])
        texts = {name: table[name].str.removeprefix("'").tolist() for name in ("id", "true", "predicted")}
    else:
        table = pd.read_parquet(io.BytesIO(predictions_parquet(found, TAGS)))
        texts = {name: table[name].tolist() for name in ("id", "true", "predicted")}
    names = np.array(found.class_names)
    probabilities = [f"p_{name}" for name in names]
    facts = ["id", "index", "epoch", "split", "true", "predicted", "correct", "tags"]
    assert table.columns.tolist() == [*facts, *probabilities, *EXPORTED_SCORES]
    predicted = found.probs.argmax(axis=1)
    assert texts == {
        "id": found.ids.tolist(),
        "true": names[found.labels].tolist(),
        "predicted": names[predicted].tolist(),
    }
    tags = table["tags"].fillna("").str.removeprefix("'").tolist()
    assert tags == ["; ".join(TAGS.get(name, ())) for name in found.ids]
    assert table["index"].tolist() == list(range(len(found.labels)))
    assert table["correct"].tolist() == (predicted == found.labels).tolist()
    assert (set(table["epoch"]), set(table["split"])) == ({7}, {"test"})
    assert (table[probabilities].to_numpy(np.float32) == found.probs).all()
    for name, values in sample_scores(found).items():
        if name in EXPORTED_SCORES:
            assert table[name].tolist() == values.tolist(), name


@pytest.mark.parametrize("classes", [2, 10, 100])
@pytest.mark.parametrize(
    ("ending", "names"),
    [
        (".csv", "plain"),
        (".csv", "fiftyone"),
        (".parquet", "plain"),
        (".parquet", "fiftyone"),
        (".npz", "plain"),
        (".npz", "cleanlab"),
    ],
)
def test_an_import_reads_back_the_predictions(classes: int, ending: str, names: Names, tmp_path: Path) -> None:
    found = made_up(classes)
    (tmp_path / "file").write_bytes(predictions_file(found, ending, names, TAGS))
    expected = Expected("made-up", found.class_names, found.ids)
    back = check_rows(read_file(tmp_path / "file", "file", expected), expected)
    assert (back.probs == found.probs).all() and back.notes == ()
    assert back.labels is not None and (back.labels == found.labels).all()


def test_file_names_tell_the_epoch() -> None:
    assert epoch_file_name("quiet-otter", 3, "predictions.csv") == "quiet-otter-epoch-3-predictions.csv"
