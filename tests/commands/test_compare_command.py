"""`compare` on the command line: a crafted pair of prediction files gives exactly the crafted lists."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cifar_core.evaluate.paired import paired_difference
from cifar_core.runs import read_predictions
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace
from tests.runs.exported_runs import RUN, STORED, store

OTHER = "other-gecko-44nud"
COUNTS = {"fixed": 30, "broken": 10, "both wrong": 15, "both right": 45}


@pytest.fixture
def verdicts(workspace: Workspace) -> list[str]:
    """The verdicts of the 100 test pictures of two runs that answer as crafted."""
    store(workspace)
    shutil.copytree(STORED, workspace.runs / OTHER)
    best = read_predictions(workspace, RUN)
    names = np.random.default_rng(0).permutation(np.repeat(list(COUNTS), list(COUNTS.values())))
    for run_id, right in ((RUN, ("broken", "both right")), (OTHER, ("fixed", "both right"))):
        predicted = np.where(np.isin(names, right), best.labels, (best.labels + 1) % 10)
        np.save(run_folder(workspace, run_id).probs("test", best.epoch), np.eye(10, dtype=np.float32)[predicted])
    return list(names)


def test_a_crafted_pair(call: Any, workspace: Workspace, verdicts: list[str], tmp_path: Path) -> None:
    file, where = tmp_path / "pair.csv", ("--workspace", workspace.root)
    code, out, err = call("compare", RUN, OTHER, "--csv", file, "--json", *where)
    found = json.loads(out.splitlines()[-1])
    assert code == 0 and {name.replace(" ", "_"): count for name, count in COUNTS.items()}.items() <= found.items()
    assert (found["n"], found["accuracy_a"], found["accuracy_b"]) == (100, 0.55, 0.75)
    assert found["difference"] == pytest.approx(list(paired_difference(30, 10, 15, 45)))
    assert found["mcnemar_p"] == pytest.approx(0.00222, abs=1e-5)
    assert "B is better by 20.0 points (95 % interval 7.8 to 31.3); by chance alone p = 0.002." in err
    for side, right in (("calibration_a", 0.55), ("calibration_b", 0.75)):  # each picture is answered with p = 1
        wrong = 1 - right
        expected = {"nll": wrong * -np.log(1e-12), "brier": 2 * wrong, "ece": wrong, "mce": wrong}
        assert found[side] == pytest.approx(expected)
    assert "B  ECE 0.250, Brier score 0.500, NLL 6.908 (lower is better)" in err
    table = pd.read_csv(io.BytesIO(file.read_bytes()), keep_default_na=False)
    best = read_predictions(workspace, RUN)
    assert list(table) == ["id", "true", "predicted_a", "predicted_b", "verdict", "tags"]
    assert table["verdict"].tolist() == verdicts and table["id"].tolist() == best.ids.tolist()
    assert table["true"].tolist() == [best.class_names[label] for label in best.labels]
    assert ((table["predicted_b"] == table["true"]) == table["verdict"].isin(["fixed", "both right"])).all()
    code, out, _ = call("compare", OTHER, f"{OTHER}@{best.epoch}", *where)
    assert code == 0 and "A and B are right on the same pictures: no difference on 100" in out
    assert f"A  {OTHER}@{best.epoch}  75.0\u00a0% right" in out and "n = 100: 0 fixed, 0 broken, 25 both wrong" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((RUN, f"{OTHER}@x"), "names no epoch: write RUN@3 for epoch 3"),
        ((RUN, f"{OTHER}@9"), "has no predictions of epoch 9"),
        ((RUN, "no-such-run"), "There is no run 'no-such-run' in this workspace"),
        ((RUN, OTHER, "--csv", "{there}"), "exists already: give another name with --csv"),
        ((RUN, OTHER, "--csv", "{there}/x/y.csv"), "There is no folder"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    call: Any, workspace: Workspace, verdicts: list[str], tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "there").write_text("mine")
    given = [text.format(there=tmp_path / "there") for text in arguments]
    code, out, err = call("compare", *given, "--json", "--workspace", workspace.root)
    assert code == 2 and sentence in err and "Traceback" not in err and out == ""
    assert (tmp_path / "there").read_text() == "mine"
