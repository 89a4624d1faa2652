"""`learning` on the command line: what people read, the table and the JSON, and what is refused in one sentence."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cifar_core.evaluate import LEARNING_COLUMNS
from cifar_core.runs import Run, read_predictions
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace
from tests.runs.exported_runs import RUN, store

SUMMARY = ("n", "never_learned", "forgotten", "unforgettable", "confidence", "variability", "correctness", "aum")


@pytest.fixture
def crafted(workspace: Workspace) -> Workspace:
    """A run without training records: of its 100 test pictures 20 are never right and 30 are forgotten once."""
    store(workspace)
    labels = read_predictions(workspace, RUN).labels
    courses = {20: "000", 30: "101", 50: "011"}
    right = np.array([[mark == "1" for mark in course] for n, course in courses.items() for _ in range(n)]).T
    for epoch, answers in enumerate(right, start=1):
        if run_folder(workspace, RUN).probs("test", epoch).exists():
            probs = 0.05 + 0.5 * np.eye(10)[np.where(answers, labels, (labels + 1) % 10)]
            np.save(run_folder(workspace, RUN).probs("test", epoch), probs.astype(np.float32))
    return workspace


def test_what_people_and_scripts_read(call: Any, crafted: Workspace, tmp_path: Path) -> None:
    file, where = tmp_path / "learned.csv", ("--workspace", crafted.root)
    code, out, _ = call("learning", RUN, "--split", "test", "--csv", file, "--json", *where)
    found = json.loads(out.splitlines()[-1])
    epochs = found["epochs"]
    assert code == 0 and found["split"] == "test" and found["run"] == RUN and len(epochs) >= 2
    assert list(found) == [
        "run",
        "split",
        "epochs",
        "note",
        *SUMMARY,
        "classes",
        "easiest",
        "most_ambiguous",
        "hardest",
    ]
    assert (found["n"], found["never_learned"], found["forgotten"]) == (100, 20, 30)
    assert found["unforgettable"] == 50
    table = pd.read_csv(io.BytesIO(file.read_bytes()), keep_default_na=False)
    assert list(table) == ["index", "id", "true", "predicted", "last_shown", *LEARNING_COLUMNS] and len(table) == 100
    assert found["confidence"] == pytest.approx(table["confidence"].mean())
    by_hand = table.sort_values("confidence", kind="stable")["id"].tolist()
    assert found["hardest"] == by_hand[:10] and len(found["easiest"]) == len(found["most_ambiguous"]) == 10
    assert [row["class"] for row in found["classes"]] == list(read_predictions(crafted, RUN).class_names)
    assert sum(row["never_learned"] for row in found["classes"]) == 20
    code, out, _ = call("learning", RUN, "--split", "test", *where)
    assert code == 0 and f"test pictures, n = 100, {len(epochs)} epochs." in out
    assert "20   20.0\u00a0%  never right" in out and "30   30.0\u00a0%  forgotten once or more" in out
    assert by_hand[0] in out and "Hardest: the lowest mean p(true class)" in out


def test_training_pictures_are_the_default(call: Any, finished: Run, shared: Workspace) -> None:
    code, out, err = call("learning", finished.id, "--json", "--workspace", shared.root)
    found = json.loads(out.splitlines()[-1])
    assert code == 0 and (found["split"], found["n"], found["epochs"]) == ("train", 270, [1, 2])
    assert f"Run {finished.id}, training pictures, n = 270, 2 epochs." in err


def test_a_damaged_epoch_is_said(call: Any, crafted: Workspace) -> None:
    run_folder(crafted, RUN).probs("test", 1).unlink()
    code, _, err = call("learning", RUN, "--split", "test", "--workspace", crafted.root)
    assert code == 0 and "The test predictions of epoch 1 are missing or damaged: it is not counted." in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((RUN,), "With --split test, its test pictures tell how they were learned."),
        ((RUN, "--split", "tset"), "split is 'tset', but must be one of train, test"),
        (("no-such-run",), "There is no run 'no-such-run' in this workspace"),
        ((RUN, "--split", "test", "--csv", "{there}"), "exists already: give another name with --csv"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(
    call: Any, crafted: Workspace, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "there").write_text("mine")
    given = [text.format(there=tmp_path / "there") for text in arguments]
    code, out, err = call("learning", *given, "--json", "--workspace", crafted.root)
    assert code == 2 and sentence in err and "Traceback" not in err and out == "" and err.count("\n") == 1
    assert (tmp_path / "there").read_text() == "mine"


def test_a_folder_that_may_not_be_written_still_answers(
    call: Any, crafted: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(run_folder(crafted, RUN).analyses, ignore_errors=True)
    run_folder(crafted, RUN).analyses.write_text("in the way")
    code, out, err = call("learning", RUN, "--split", "test", "--json", "--workspace", crafted.root)
    assert code == 0 and json.loads(out.splitlines()[-1])["n"] == 100
    assert "could not be kept" in err
