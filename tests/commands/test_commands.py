"""The command line for people and scripts: exit codes, one sentence on stderr, JSON as the last line."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import hyperparameters, make_config
from cifar_core.data import open_dataset
from cifar_core.runs import (
    Run,
    accuracy_caveats,
    create_run,
    list_runs,
    read_metrics,
    read_predictions,
    start_run,
    verify_run,
)
from cifar_core.runs.run_folder import run_folder
from cifar_core.samples import SampleFilter
from cifar_core.saved_views import save_view
from cifar_core.workspace import Workspace
from tests.conftest import ROOT, make_perfect, save_tiny
from tests.runs.conftest import TINY


def settings_as_options(settings: dict[str, Any]) -> list[str]:
    return [part for name, value in settings.items() for part in ("--" + name.replace("_", "-"), str(value))]


def test_train_then_show_then_analyze(call: Any, workspace: Workspace, tmp_path: Path) -> None:
    save_tiny(workspace)
    where = ("--workspace", workspace.root)
    code, out, err = call(
        "train", *settings_as_options({**TINY, "epochs": 3}), "--name", " two *words* ", "--json", *where
    )
    result = json.loads(out.splitlines()[-1])
    assert code == 0 and result["status"] == "finished"
    (run,) = list_runs(workspace)
    assert run.best is not None and run.id == result["run"]
    assert result["test_accuracy"] == run.best.test_accuracy and result["best_epoch"] == run.best.epoch
    assert result["train_seconds"] == pytest.approx(read_metrics(workspace, run.id)["seconds"].sum())
    assert result["images_per_second"] > 0
    assert [f"Epoch {epoch}/3" in err for epoch in (1, 2, 3)] == [True] * 3
    caveats = accuracy_caveats(run)
    assert len(caveats) == 1 and "Only 30 validation pictures" in caveats[0]
    assert result["caveats"] == caveats and caveats[0] in err

    code, out, _ = call("runs", "show", "latest", "--json", *where)
    shown = json.loads(out)
    assert code == 0 and shown["run"] == run.id and shown["config"]["batch_size"] == 32
    assert shown["best"]["epoch"] == run.best.epoch and shown["last"]["epoch"] == 3
    assert shown["name"] == "two *words*" and "widths" in shown["config"]
    for_people = call("runs", "show", "latest", *where)[1]
    assert shown["caveats"] == caveats and caveats[0] in for_people
    assert "  batch_size = 32\n" in for_people and "widths" not in for_people, "only what means something"

    code, out, err = call("analyze", "latest", "--top", 5, "--json", "--out", tmp_path / "worst", *where)
    analysis = json.loads(out.splitlines()[-1])
    assert analysis["caveats"] == caveats and caveats[0] in err
    found = read_predictions(workspace, run.id)
    wrong = np.flatnonzero(found.probs.argmax(1) != found.labels)
    assert code == 0 and analysis["misclassified"] == len(wrong)
    of_true = found.probs[np.arange(len(found.labels)), found.labels]
    worst = sorted(wrong, key=lambda index: (of_true[index], index))[:5]
    assert [item["index"] for item in analysis["top"]] == worst
    pixels = open_dataset(workspace, "tiny").test.images
    for path, index in zip(analysis["saved"], worst, strict=True):
        assert Path(path).parent == tmp_path / "worst"
        assert np.array_equal(np.asarray(Image.open(path)).transpose(2, 0, 1), pixels[index])


@pytest.mark.fault(41)
def test_all_bad_settings_are_named_and_create_no_run(call: Any, workspace: Workspace) -> None:
    code, out, err = call("train", "--epochs", 0, "--learning-rate", "nan", "--workspace", workspace.root)
    assert code == 2 and out == ""
    assert "epochs is '0'" in err and "learning_rate is 'nan'" in err and "Traceback" not in err
    assert list(workspace.runs.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "--chanels", "3"], "--channels"),
        (["train", "--preset", "orginal"], "did you mean 'original'?"),
        (["train", "--dataset", "nothing"], "no dataset named nothing"),
        (["train", "--dataset", "cifar10"], "data get cifar10"),
        (["train", "--name", "a\nb"], "The name holds a line break"),
        (["analyze", "latest"], "There is no run yet"),
        (["analyze", "nobody"], "There is no run 'nobody'"),
        (["analyze", "latest", "--top", "0"], "--top is 0"),
        (["runs", "stop", "../x"], "There is no run '../x'"),
        (["runs", "delete", "nobody"], "There is no run 'nobody'"),
        (["data", "get", "nothing"], "no built-in dataset nothing"),
        (["data", "import", "/nowhere/at/all", "--name", "mine"], "There is no file or folder"),
        (["nonsense"], "nonsense"),
    ],
)
def test_bad_input_is_one_sentence(call: Any, workspace: Workspace, arguments: list[str], said: str) -> None:
    tail = [] if arguments == ["nonsense"] else ["--workspace", workspace.root]
    code, out, err = call(*arguments, *tail)
    assert (code, out) == (2, "")
    assert said in err and "Traceback" not in err and err.startswith("Error: ")


def test_a_workspace_that_cannot_be_created_is_named(call: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = call("runs", "list", "--workspace", tmp_path / "file")
    assert code == 1 and str(tmp_path / "file") in err and "--workspace" in err


def test_failed_training_is_exit_code_1(call: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tiny(workspace)
    monkeypatch.setattr("cifar_core.commands.train.start_run", lambda space, run_id: break_and_start(space, run_id))
    code, out, err = call("train", "--dataset", "tiny", "--epochs", 1, "--json", "--workspace", workspace.root)
    assert code == 1 and json.loads(out)["status"] == "failed"
    assert "tiny is broken" in err and "Traceback" not in err


def break_and_start(workspace: Workspace, run_id: str) -> None:
    (workspace.data / "tiny" / "meta.json").unlink()
    start_run(workspace, run_id)


def test_list_and_verify(call: Any, shared: Workspace, finished: Run) -> None:
    where = ("--workspace", shared.root)
    code, out, _ = call("runs", "list", "--json", *where)
    assert code == 0 and finished.id in [run["run"] for run in json.loads(out)["runs"]]
    code, out, _ = call("data", "list", "--json", *where)
    assert code == 0 and [item["name"] for item in json.loads(out)["datasets"]] == ["drawn10", "cifar10", "tiny"]
    code, out, err = call("runs", "verify", finished.id, "--json", *where)
    assert code == 0 and json.loads(out) == {"checked": [finished.id], "problems": {}} and "whole" in err


def test_verify_names_the_fault_and_exits_1(call: Any, workspace: Workspace) -> None:
    run_id = create_run(workspace, make_config())
    (workspace.runs / run_id / "config.json").write_text("{")
    code, out, err = call("runs", "verify", "--json", "--workspace", workspace.root)
    assert code == 1 and "not JSON" in json.loads(out)["problems"][run_id][0] and "not JSON" in err
    assert verify_run(workspace, run_id)


def test_every_hyperparameter_is_an_option(call: Any) -> None:
    code, out, _ = call("train", "--help")
    assert code == 0
    for _, name, spec, _ in hyperparameters():
        assert "--" + name.replace("_", "-") in out
        assert " ".join(spec.help.split()[:3]) in " ".join(out.split())


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["runs", "list"]])
def test_commands_load_no_torch(arguments: list[str], tmp_path: Path) -> None:
    code = f"""
import sys
sys.argv = ["cifar_core", *{arguments!r}]
from cifar_core.__main__ import main
main()
sys.exit(10 if {{"torch", "torchvision", "sklearn", "streamlit"}} & set(sys.modules) else 0)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, env={"CIFAR_WORKSPACE": str(tmp_path), "PATH": ""})
    assert done.returncode == 0, done.stderr.decode()


def test_an_unforeseen_fault_shows_no_traceback(tmp_path: Path) -> None:
    code = """
import sys
import cifar_core.commands.runs as commands
def broken(workspace): raise ValueError("nobody foresaw this")
commands.list_runs = broken
sys.argv = ["cifar_core", "runs", "list", "--workspace", sys.argv[1]]
from cifar_core.__main__ import main
sys.exit(main())
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "nobody foresaw this" in done.stderr and "Traceback" not in done.stderr


def test_a_perfect_run_has_nothing_to_save(call: Any, shared: Workspace, finished: Run, workspace: Workspace) -> None:
    shutil.copytree(shared.data / "tiny", workspace.data / "tiny")
    shutil.copytree(shared.runs / finished.id, workspace.runs / finished.id)
    assert finished.best is not None
    make_perfect(run_folder(workspace, finished.id), finished.best.epoch)
    dataset = open_dataset(workspace, "tiny")
    save_view(workspace, dataset.fingerprint, "", "Cats", SampleFilter(true=("cat",)))
    code, out, err = call("analyze", "latest", "--json", "--workspace", workspace.root)
    assert code == 0 and "0 mistakes" in err
    assert "View Cats: 100.0\u00a0% of 10 right (72.2 to 100.0\u00a0%)." in err
    (view,) = json.loads(out)["views"]
    assert (view["name"], view["n"], view["previous"], view["difference"]) == ("Cats", 10, None, None)
    assert (json.loads(out)["misclassified"], json.loads(out)["saved"]) == (0, [])
    assert list(workspace.exports.iterdir()) == []


def test_without_a_command_the_help_is_shown(call: Any) -> None:
    _, out, err = call()
    assert "Commands:" in out and "Error" not in err
