"""`predictions import` and `predictions export`: a round trip in every form, and refusals as one sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cifar_core.runs import Run, network_missing, read_predictions, read_run
from cifar_core.workspace import Workspace


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("p.csv", "plain"),
        ("p.parquet", "plain"),
        ("p.npz", "plain"),
        ("p.CSV", "fiftyone"),
        ("p.parquet", "fiftyone"),
        ("p.npz", "cleanlab"),
    ],
)
def test_what_is_exported_is_imported_bit_by_bit(
    call: Any, shared: Workspace, finished: Run, tmp_path: Path, file: str, names: str
) -> None:
    where = ("--json", "--workspace", shared.root)
    code, out, err = call("predictions", "export", finished.id, tmp_path / file, "--epoch", 1, "--names", names, *where)
    assert code == 0 and f"Wrote 100 test pictures of run {finished.id}, epoch 1, to " in err
    written = json.loads(out.splitlines()[-1])
    assert written == {"run": finished.id, "epoch": 1, "split": "test", "n": 100, "file": str(tmp_path / file)}
    code, out, err = call("predictions", "import", tmp_path / file, "--dataset", "tiny", "--name", "again", *where)
    found = json.loads(out.splitlines()[-1])
    before, after = read_predictions(shared, finished.id, 1), read_predictions(shared, found["run"])
    assert code == 0 and (before.probs == after.probs).all() and before.hash == after.hash
    accuracy = float(np.mean(before.predicted == before.labels))
    assert found == {"run": found["run"], "n": 100, "accuracy": accuracy, "differing_labels": 0}
    assert "(again): 100 test pictures, accuracy" in err and "is not known" in err


def test_the_names_are_those_of_the_other_programs(call: Any, shared: Workspace, finished: Run, tmp_path: Path) -> None:
    where = ("--workspace", shared.root)
    call("predictions", "export", finished.id, tmp_path / "fiftyone.csv", "--names", "fiftyone", *where)
    table, predictions = pd.read_csv(tmp_path / "fiftyone.csv"), read_predictions(shared, finished.id)
    columns = ["filepath", "index", "ground_truth", "predictions", "confidence"]
    assert list(table) == [*columns, *(f"p_{name}" for name in predictions.class_names)]
    assert table["confidence"].to_numpy() == pytest.approx(predictions.probs.max(axis=1))
    call("predictions", "export", finished.id, tmp_path / "cleanlab.npz", "--names", "cleanlab", *where)
    with np.load(tmp_path / "cleanlab.npz", allow_pickle=False) as arrays:
        assert (arrays["labels"] == predictions.labels).all() and (arrays["pred_probs"] == predictions.probs).all()
        assert arrays["class_names"].tolist() == list(predictions.class_names)


def test_the_validation_part_is_exported_too(call: Any, shared: Workspace, finished: Run, tmp_path: Path) -> None:
    file = tmp_path / "v.csv"
    code, _, _ = call("predictions", "export", finished.id, file, "--split", "validation", "--workspace", shared.root)
    predictions = read_predictions(shared, finished.id, split="validation")
    table = pd.read_csv(file)
    assert code == 0 and table["id"].tolist() == predictions.ids.tolist() and set(table["split"]) == {"validation"}
    assert list(table)[:2] == ["id", "index"] and {"true", "predicted"} <= set(table)


@pytest.mark.fault(88)
def test_what_cannot_be_is_one_sentence(call: Any, shared: Workspace, finished: Run, tmp_path: Path) -> None:
    where = ("--json", "--workspace", shared.root)
    (tmp_path / "there.csv").write_text("id,airplane\n")
    for arguments, sentence in (
        (
            ("import", tmp_path / "there.csv", "--dataset", "tiny", "--name", "x"),
            "there.csv was refused: it has no column",
        ),
        (("import", tmp_path / "gone.csv", "--dataset", "tiny", "--name", "x"), "There is no file or folder gone.csv."),
        (("import", tmp_path, "--dataset", "tiny", "--name", "x"), "is not a file."),
        (("import", tmp_path / "there.csv", "--dataset", "none", "--name", "x"), "none"),
        (("import", tmp_path / "there.csv", "--dataset", "tiny", "--name", "x" * 99), "The name has 99 characters"),
        (("import", tmp_path / "there.csv", "--dataset", "tiny"), "Missing option '--name'"),
        (("export", finished.id, tmp_path / "there.csv"), "exists already: give another name with FILE or remove it."),
        (("export", finished.id, tmp_path / "x.xlsx"), "ends in .csv, .parquet or .npz, not in .xlsx."),
        (("export", finished.id, tmp_path / "x.csv", "--names", "cleanlab"), "the names of cleanlab are written to a"),
        (
            ("export", finished.id, tmp_path / "x.npz", "--names", "fiftyone"),
            "that ends in .csv or .parquet, not in .npz",
        ),
        (("export", finished.id, tmp_path / "x.csv", "--epoch", 9), "has no predictions of epoch 9"),
    ):
        code, out, err = call("predictions", *arguments, *where)
        assert (code, out) == (2, "") and sentence in err and "Traceback" not in err, err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there.csv"]


def test_commands_on_imported_predictions(call: Any, shared: Workspace, finished: Run, tmp_path: Path) -> None:
    where, file = ("--workspace", shared.root), tmp_path / "p.npz"
    call("predictions", "export", finished.id, file, *where)
    _, out, _ = call("predictions", "import", file, "--dataset", "tiny", "--name", "theirs", "--json", *where)
    run_id = json.loads(out.splitlines()[-1])["run"]
    _, out, _ = call("runs", "list", *where)
    (line,) = [line for line in out.splitlines() if line.startswith(run_id)]
    assert line.startswith(f"{run_id} (theirs)  finished  tiny  test accuracy") and "epoch" not in line
    _, out, _ = call("runs", "show", run_id, "--json", *where)
    shown = json.loads(out.splitlines()[-1])
    assert (shown["origin"], shown["config"], shown["events"]) == ("imported", None, [])
    _, out, _ = call("runs", "show", run_id, *where)
    assert "learning_rate" not in out
    code, _, err = call("compare", run_id, finished.id, *where)
    assert code == 0 and "is not known" in err
    code, out, _ = call("analyze", run_id, "--out", tmp_path / "worst", "--json", *where)
    best = read_predictions(shared, finished.id)
    assert json.loads(out.splitlines()[-1])["misclassified"] == int((best.predicted != best.labels).sum())
    for command in (("runs", "duplicate", run_id), ("train", "--continue", run_id), ("runs", "recompute", run_id)):
        code, _, err = call(*command, *where)
        assert code == 2 and network_missing(read_run(shared, run_id)) in err
