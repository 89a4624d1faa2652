"""`runs` on the command line, without a training: retry, duplicate, the trash, export and import."""

import json
import re
import shutil
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from cifar_core.commands import runs as runs_command
from cifar_core.config import make_config
from cifar_core.data import open_dataset
from cifar_core.errors import RunError
from cifar_core.jobs.job import JobState
from cifar_core.runs import LinkedDataset, Run, Status, create_run, list_runs, list_trash, read_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.runs.conftest import BAD_IDS, ended_run, snapshot
from tests.runs.exported_runs import RUN, store


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the runs that a command started; they get no process here."""
    ids: list[str] = []
    monkeypatch.setattr(runs_command, "start_run", lambda _workspace, run_id: ids.append(run_id))
    return ids


def test_the_runs_of_a_lesson_are_listed(call: Any, workspace: Workspace) -> None:
    save_tiny(workspace)
    config = make_config({"dataset": "tiny", "epochs": 1})
    create_run(workspace, config)
    mine = create_run(workspace, config, lesson="Rates", person="ada")
    code, out, _ = call("runs", "list", "--lesson", "Rates", "--json", "--workspace", workspace.root)
    (found,) = json.loads(out)["runs"]
    assert code == 0 and (found["run"], found["lesson"], found["person"]) == (mine, "Rates", "ada")
    code, _, err = call("runs", "list", "--lesson", "rates", "--workspace", workspace.root)
    assert code == 2 and "no run of a lesson 'rates'. There are: Rates." in err


def test_retry_and_duplicate(call: Any, workspace: Workspace, started: list[str]) -> None:
    old = ended_run(workspace, Status.FAILED, make_config({"seed": 3, "epochs": 4}))
    where = ("--workspace", workspace.root)
    code, out, err = call("runs", "retry", old, "--json", *where)
    first = json.loads(out.splitlines()[-1])
    assert code == 0 and first["made_from"] == old and f"with the settings of {old}" in err
    code, out, _ = call("runs", "duplicate", old, "--epochs", 9, "--no-flip", "--json", *where)
    second = json.loads(out.splitlines()[-1])
    assert code == 0 and started == [first["run"], second["run"]]
    settings = make_config({"seed": 3, "epochs": 4})
    assert read_run(workspace, first["run"]).config == settings
    assert read_run(workspace, second["run"]).config == make_config({**settings.flat(), "epochs": 9, "flip": False})


def test_a_run_that_diverged(call: Any, workspace: Workspace, started: list[str]) -> None:
    """What happened is shown, resuming is refused, and the retry takes a lower rate."""
    run_id, where = store(workspace), ("--workspace", workspace.root)
    folder, error = run_folder(workspace, run_id), "Training diverged in epoch 4: the loss is no longer a number."
    lines = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    losses = [{"train_loss": loss, "validation_accuracy": 0.6} for loss in (2.0, 0.5, 1.5)]
    folder.metrics.write_text("".join(json.dumps(line | loss) + "\n" for line, loss in zip(lines, losses, strict=True)))
    folder.status.write_text(json.dumps({"status": "failed", "error": error}))
    event = "Unstable from epoch 3: the training loss rose from 0.50 to 1.50; try a lower learning rate."
    shown = json.loads(call("runs", "show", run_id, "--json", *where)[1])
    assert (shown["diverged"], shown["error"], shown["events"]) == (True, error, [event])
    assert all(sentence in call("runs", "show", run_id, *where)[1].splitlines() for sentence in (error, event))
    code, _, err = call("runs", "resume", run_id, *where)
    assert code == 2 and f"`runs retry {run_id} --lower-rate`" in err
    save_tiny(workspace)
    code, out, err = call("runs", "retry", run_id, "--lower-rate", "--json", *where)
    (new,) = started
    rate = read_run(workspace, new).config.optimizer.learning_rate
    assert code == 0 and json.loads(out.splitlines()[-1]) == {"run": new, "made_from": run_id}
    assert 0.3 <= rate / read_run(workspace, run_id).config.optimizer.learning_rate <= 0.34
    assert f"with the settings of {run_id}, but a learning rate of {rate:g}." in err


def test_own_validation_pictures_that_are_set_aside_are_said(
    call: Any, workspace: Workspace, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the training, by `train` and `runs duplicate`; nothing is said where they are used."""
    save_tiny(workspace, validation=20)
    sentence = "A share of 0.2 of the training pictures validates, instead of the dataset's own 20 validation pictures."
    where = ("--workspace", workspace.root)
    monkeypatch.setattr("cifar_core.commands.train.create_run", mock.Mock(side_effect=RunError("Not made.")))
    for options, said in (([], False), (["--validation-share", 0.2], True), (["--no-own-validation"], True)):
        code, _, err = call("train", "--dataset", "tiny", *options, *where)
        assert code == 2 and ("instead of the dataset's own 20" in err) == said
    old = ended_run(workspace, config=make_config({"dataset": "tiny"}))
    for options, said in (([], False), (["--validation-share", 0.2], True)):
        code, _, err = call("runs", "duplicate", old, *options, *where)
        assert code == 0 and (sentence in err) == said


@pytest.mark.fault(41)
def test_a_bad_change_creates_no_run(call: Any, workspace: Workspace, started: list[str]) -> None:
    old = ended_run(workspace)
    before = snapshot(workspace.root)
    code, _, err = call(
        "runs", "duplicate", old, "--learning-rate", "0.1abc", "--batch-size", 0, "--workspace", workspace.root
    )
    assert code == 2 and "learning_rate is '0.1abc'" in err and "batch_size is '0'" in err and "Traceback" not in err
    assert snapshot(workspace.root) == before and started == []


def test_deleting_and_restoring(call: Any, workspace: Workspace) -> None:
    run_id = ended_run(workspace)
    where = ("--workspace", workspace.root)
    code, _, err = call("runs", "trash", *where)
    assert code == 0 and "The trash is empty." in err
    code, _, err = call("runs", "delete", run_id, *where)
    assert code == 0 and f"Run {run_id} is in the trash; `runs restore` brings it back." in err
    code, out, _ = call("runs", "trash", "--json", *where)
    assert code == 0 and json.loads(out.splitlines()[-1])["runs"][0]["run"] == run_id
    code, out, _ = call("runs", "restore", run_id, "--json", *where)
    assert code == 0 and json.loads(out.splitlines()[-1]) == {"run": run_id, "done": True}
    assert [run.id for run in list_runs(workspace)] == [run_id]
    call("runs", "delete", run_id, *where)
    code, _, err = call("runs", "trash", "--empty", *where)
    assert code == 0 and "1 run removed for good." in err
    assert list_trash(workspace) == [] == list_runs(workspace)


@pytest.mark.fault(86)
def test_a_dataset_in_use_is_said_before_its_deletion_and_a_copy_linked(call: Any, workspace: Workspace) -> None:
    run_id, where = store(workspace), ("--workspace", workspace.root)
    for name in ("tiny", "copy", "other"):
        dataset = save_tiny(workspace, name, seed=7 if name == "other" else 0)
        if name == "tiny":
            facts = run_folder(workspace, run_id).facts
            content = json.loads(facts.read_text())
            content["dataset"]["fingerprint"] = dataset.fingerprint
            facts.write_text(json.dumps(content))
    code, _, err = call("data", "delete", "tiny", *where)
    assert code == 0 and err.index("1 run trained on it: numbers stay") < err.index("tiny is in the trash")
    code, out, err = call("runs", "link", "latest", "copy", "--json", *where)
    assert code == 0 and json.loads(out) == {"run": run_id, "dataset": "copy"}
    assert f"Run {run_id} shows the pictures of copy where its own are gone." in err
    code, _, err = call("runs", "link", run_id, "other", *where)
    assert code == 2 and "only a dataset with the same fingerprint can be linked" in err and "Traceback" not in err
    assert read_run(workspace, run_id).linked_dataset == LinkedDataset("copy", dataset_of("copy", workspace))
    code, _, err = call("data", "delete", "copy", *where)
    assert code == 0 and "1 run trained on it" not in err and "1 run linked to it" in err


def dataset_of(name: str, workspace: Workspace) -> str:
    """Its fingerprint."""
    return open_dataset(workspace, name).fingerprint


def test_exporting_and_importing_a_run(call: Any, workspace: Workspace, tmp_path: Path) -> None:
    store(workspace)
    code, out, err = call("runs", "export", RUN, "--out", tmp_path / "a.zip", "--json", "--workspace", workspace.root)
    assert code == 0 and json.loads(out) == {"run": RUN, "file": str(tmp_path / "a.zip")}
    assert re.search(r"^Run rustic-gecko-44nud: [\d.]+ kB before packing.$", err, re.MULTILINE)
    elsewhere = ("--workspace", tmp_path / "elsewhere", "--json")
    code, out, err = call("runs", "import", tmp_path / "a.zip", *elsewhere)
    first = json.loads(out)
    assert code == 0 and first["new"] and f"Run {first['run']} was imported." in err
    code, out, err = call("runs", "import", tmp_path / "a.zip", *elsewhere)
    assert code == 0 and json.loads(out) == {"run": first["run"], "new": False}
    assert f"This workspace already has this run, as {first['run']}." in err


@pytest.mark.fault(58)
@pytest.mark.parametrize("file", ["gone.zip", "text.zip", "folder"])
def test_a_file_that_is_not_a_run_is_one_sentence(call: Any, workspace: Workspace, tmp_path: Path, file: str) -> None:
    (tmp_path / "text.zip").write_text("hello")
    (tmp_path / "folder").mkdir()
    before = snapshot(workspace.root)
    code, out, err = call("runs", "import", tmp_path / file, "--workspace", workspace.root)
    assert (code, out) == (2, "") and err.startswith("Error: ") and file in err and err.count("\n") == 1
    assert snapshot(workspace.root) == before


@pytest.mark.fault(44)
# Without those that click takes as options.
@pytest.mark.parametrize("run_id", [item for item in BAD_IDS if not item.startswith("-")])
@pytest.mark.parametrize(
    "verb", ["show", "stop", "pause", "resume", "retry", "duplicate", "delete", "restore", "export", "verify"]
)
def test_ids_that_no_run_has(call: Any, workspace: Workspace, verb: str, run_id: str) -> None:
    """One sentence, exit code 2, and nothing outside or inside the workspace is touched."""
    before = snapshot(workspace.root.parent)
    code, out, err = call("runs", verb, run_id, "--workspace", workspace.root)
    assert (code, out) == (2, "")
    assert err.startswith("Error: There is no run ") and err.count("\n") == 1
    assert snapshot(workspace.root.parent) == before


@pytest.mark.fault(7)
def test_damaged_predictions_name_the_command_that_recomputes_them(
    call: Any, shared: Workspace, finished: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workspace = open_workspace(tmp_path / "copy")
    shutil.copytree(shared.runs / finished.id, workspace.runs / finished.id)
    (workspace.runs / finished.id / "predictions" / "test.npz").write_bytes(b"")
    where = ("--workspace", workspace.root)
    code, _, err = call("analyze", "latest", *where)
    assert code == 2 and f"`runs recompute {finished.id}` computes them again" in err and "Traceback" not in err
    code, _, err = call("runs", "recompute", finished.id, *where)
    assert code == 2 and "no dataset named tiny" in err, "what it needs is named"
    asked: list[str] = []
    ends = [JobState("recompute", "done"), JobState("recompute", "failed", error="No."), JobState("", "cancelled")]
    monkeypatch.setattr(runs_command, "start_recompute", lambda _workspace, run_id: asked.append(run_id))
    monkeypatch.setattr(runs_command, "follow_job", lambda *_: ends.pop(0))
    code, out, err = call("runs", "recompute", "latest", "--json", *where)
    assert code == 0 and asked == [finished.id] and "has new predictions" in err
    assert json.loads(out.splitlines()[-1]) == {"run": finished.id, "done": True}
    for sentence in ("No.", "Recomputing was cancelled; nothing was changed."):
        assert call("runs", "recompute", "latest", *where) == (2, "", f"Error: {sentence}\n")
