"""`data get` and `data import` report the state on the disk, not what an earlier try wrote."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cifar_core.__main__ import main
from cifar_core.data import (
    BUILT_IN_NAMES,
    FORMATS,
    dataset_job,
    delete_dataset,
    list_datasets,
    save_dataset,
    start_get,
    start_import,
)
from cifar_core.data.store import dataset_lock
from cifar_core.interrupts import ctrl_c_noted
from cifar_core.jobs import start
from cifar_core.jobs.job import JobStatus, read_job
from cifar_core.jobs.process import Reporter
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.data.conftest import small_set, write_zip
from tests.jobs.support import do_imports_at_once

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> Call:
    """Run a command in this process: (exit code, stdout, stderr)."""

    def called(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cifar_core", *map(str, arguments), "--workspace", str(workspace.root)])
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # the command sets its own
        with ctrl_c_noted():  # the command sets this as well
            code = main()
        output = capsys.readouterr()
        return code, output.out, output.err

    return called


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No process is started; lists the modules for which one was requested."""
    requested: list[str] = []
    monkeypatch.setattr(start, "spawn", lambda module, arguments, log: requested.append(module))
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())
    return requested


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """What happens each time the waiting command checks the state, in turn."""
    todo: list[Callable[[], None]] = []
    monkeypatch.setattr("cifar_core.commands.jobs._LOOK_SECONDS", 0.0)
    monkeypatch.setattr("cifar_core.commands.jobs._show", lambda job: todo.pop(0)())
    yield todo
    assert todo == [], "the command did not wait until the end"


@pytest.fixture
def lock() -> Iterator[ExitStack]:
    """Holds what is entered until `close` or the end."""
    with ExitStack() as stack:
        yield stack


def ended(workspace: Workspace, name: str, state: JobStatus, error: str = "") -> None:
    """Write the end of a dataset's job."""
    Reporter(dataset_job(workspace, name), "get").end(state, error=error)


def nothing() -> None:
    """A check at which nothing has changed."""


def interrupt() -> None:
    """Ctrl-C."""
    signal.raise_signal(signal.SIGINT)


def test_getting_a_broken_dataset_says_so(call: Call, workspace: Workspace, no_process: list[str]) -> None:
    save_tiny(workspace, "drawn10")
    (workspace.data / "drawn10" / "meta.json").write_text("{")
    code, out, err = call("data", "get", "drawn10", "--json")
    assert (code, out) == (2, "")
    assert err.startswith("Error: The dataset drawn10 is broken (") and "delete it and get it again" in err
    assert no_process == []


@pytest.mark.parametrize("state", ["cancelled", "failed", "running"])
def test_a_stored_dataset_is_ready_whatever_an_earlier_try_left(
    call: Call, workspace: Workspace, no_process: list[str], state: JobStatus
) -> None:
    start_get(workspace, "drawn10")
    ended(workspace, "drawn10", state, error="no disk")
    save_tiny(workspace, "drawn10")
    code, out, err = call("data", "get", "drawn10", "--json")
    assert code == 0 and json.loads(out)["state"] == "ready"
    assert err == "drawn10 is ready: 300 training and 100 test pictures, 10 classes.\n"


def test_getting_waits_while_a_training_run_draws(
    call: Call, workspace: Workspace, no_process: list[str], checks: list[Callable[[], None]], lock: ExitStack
) -> None:
    """The run holds the dataset's lock and has no job, or an old one."""
    start_get(workspace, "drawn10")
    ended(workspace, "drawn10", "failed", error="an old fault")
    no_process.clear()
    lock.enter_context(hold_lock(dataset_lock(workspace, "drawn10")))
    lock.callback(save_tiny, workspace, "drawn10")  # just before the lock is free
    checks += [nothing, nothing, lock.close]
    code, _, err = call("data", "get", "drawn10")
    assert (code, no_process) == (0, [])
    assert err == "drawn10 is ready: 300 training and 100 test pictures, 10 classes.\n"


def test_a_run_that_stops_drawing_is_not_ready(
    call: Call, workspace: Workspace, checks: list[Callable[[], None]], lock: ExitStack
) -> None:
    lock.enter_context(hold_lock(dataset_lock(workspace, "drawn10")))
    checks += [nothing, lock.close]
    code, out, err = call("data", "get", "drawn10", "--json")
    assert (code, out) == (1, "")
    assert err == "Error: drawn10 is not ready: its preparation ended early. Start it again.\n"


def test_notes_tells_counts_and_takes_tags_out_and_in(call: Call, workspace: Workspace, tmp_path: Path) -> None:
    ids = save_tiny(workspace).test.ids.tolist()
    code, out, err = call("data", "notes", "tiny", "--json")
    assert code == 0 and json.loads(out)["tags"] == {} and "No picture of tiny has a tag." in err
    table, copy = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text(f"id,tag\n{ids[0]},odd;dark\n{ids[1]},odd\n", "utf-8")
    code, out, err = call("data", "notes", "tiny", "--import", table, "--export", copy, "--json")
    facts = json.loads(out)
    assert (code, facts["added"], facts["tagged"], facts["tags"]) == (0, 3, 2, {"dark": 1, "odd": 2})
    assert copy.read_bytes().count(b"\n") == 4 and "odd  2 pictures" in err
    table.write_text("id,tag\nnowhere,odd\n", "utf-8")
    for option, file, sentence in (("--import", table, "no picture of dataset tiny"), ("--export", copy, "exists")):
        code, out, err = call("data", "notes", "tiny", option, file)
        assert code == 2 and err.startswith("Error: ") and sentence in err
    assert call("data", "notes", "tiny")[1] == "dark  1 picture\nodd  2 pictures\n"


def test_ctrl_c_stops_waiting_for_a_run(
    call: Call, workspace: Workspace, checks: list[Callable[[], None]], lock: ExitStack
) -> None:
    """The run goes on; a job that would start later is not cancelled in advance."""
    lock.enter_context(hold_lock(dataset_lock(workspace, "drawn10")))
    checks += [nothing, interrupt]
    code, _, err = call("data", "get", "drawn10")
    assert code == 1 and "Cancelled." in err
    assert not dataset_job(workspace, "drawn10").cancel_file.exists()


def test_ctrl_c_cancels_a_job_and_waits_for_its_end(
    call: Call, workspace: Workspace, no_process: list[str], checks: list[Callable[[], None]], lock: ExitStack
) -> None:
    start_get(workspace, "drawn10")
    lock.enter_context(hold_lock(dataset_lock(workspace, "drawn10")))
    lock.callback(ended, workspace, "drawn10", "cancelled")  # just before the lock is free
    checks += [nothing, interrupt, nothing, lock.close]
    code, _, err = call("data", "get", "drawn10")
    assert code == 1
    assert err.splitlines()[-1] == "Error: Getting drawn10 was cancelled; nothing was changed."
    assert dataset_job(workspace, "drawn10").cancel_file.exists()


def test_a_second_ctrl_c_leaves_at_once(
    call: Call, workspace: Workspace, no_process: list[str], checks: list[Callable[[], None]], lock: ExitStack
) -> None:
    start_get(workspace, "drawn10")
    lock.enter_context(hold_lock(dataset_lock(workspace, "drawn10")))
    checks += [interrupt, interrupt]
    assert call("data", "get", "drawn10")[0] == 1


def test_an_import_says_what_it_passed_over_or_why_it_failed(call: Call, workspace: Workspace, tmp_path: Path) -> None:
    """In processes of their own: one import succeeds, one is refused."""
    source = write_zip({**small_set(), "README": b""}, tmp_path / "a.zip")
    code, _, err = call("data", "import", source, "--name", "mine")
    assert code == 0
    assert err.splitlines() == [
        "train is the training part (6 files) and test is the test part (4 files); 2 classes.",
        "1 other file was passed over (README).",
        "There are 6 training pictures from train and 4 test pictures from test.",
        "mine is ready: 6 training and 4 test pictures, 2 classes.",
    ]
    source = write_zip({**small_set(), "train/cat/x.png": b"x"}, tmp_path / "b.zip")
    code, _, err = call("data", "import", source, "--name", "other")
    assert code == 2
    assert err.splitlines()[-2] == f"train/cat/x.png is not a {FORMATS} picture."
    assert err.splitlines()[-1].startswith("Error: Nothing was imported: 1 of 11 files cannot be used.")


def test_a_dataset_deleted_after_its_job_is_fetched_again(
    call: Call, workspace: Workspace, tmp_path: Path, no_process: list[str]
) -> None:
    """An earlier job that succeeded does not make it ready."""
    save_tiny(workspace, "drawn10")
    delete_dataset(workspace, "drawn10")
    start_import(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine")
    ended(workspace, "mine", "done")
    assert read_job(dataset_job(workspace, "mine")) is not None
    code, _, err = call("data", "get", "drawn10")
    assert code == 1 and "ended early" in err
    assert no_process == ["cifar_core.data.prepare_process", "cifar_core.data.prepare_process"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("~nobody-of-this-name/x", "There is no home folder"),
        ("/" + "x" * 5000, "cannot be opened (File name too long)"),
    ],
)
def test_odd_paths_are_bad_input(call: Call, path: str, said: str) -> None:
    code, out, err = call("data", "import", path, "--name", "mine")
    assert (code, out) == (2, "")
    assert err.startswith("Error: ") and said in err and err.count("\n") == 1


@pytest.mark.fault(80)
def test_a_cleaned_copy_by_command(call: Call, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said what leaves; a copy that cannot be made is an error, and nothing has to be dismissed afterwards."""
    do_imports_at_once(monkeypatch)
    dataset = save_tiny(workspace, "once")
    doubled = dataset.train.join(dataset.test.take(np.arange(5)))
    doubled = replace(doubled, ids=np.arange(305).astype(str))
    facts = {"title": "Twice", "class_names": dataset.class_names, "source": "Here."}
    save_dataset(workspace, "twice", doubled, dataset.test, **facts)
    code, out, err = call("data", "check", "twice", "--cleaned-copy", "copy", "--json")
    assert (code, json.loads(out)["cleaned_copy"]["train"]) == (0, 300)
    assert "5 training pictures are also test pictures: they leave the training part." in err
    assert "copy is ready: 300 training and 100 test pictures, 10 classes." in err
    code, _, err = call("data", "check", "once", "--cleaned-copy", "again")
    assert code == 2
    assert "No picture of once occurs twice: there is nothing to clean." in err
    code, _, err = call("data", "check", "twice", "--cleaned-copy", "copy")
    assert (code, "There is already a dataset named copy" in err) == (2, True)
    listed = [state.name for state in list_datasets(workspace) if state.name not in BUILT_IN_NAMES]
    assert listed == ["copy", "once", "twice"]


def test_a_dataset_is_exported_deleted_and_restored(call: Call, workspace: Workspace, tmp_path: Path) -> None:
    save_tiny(workspace)
    out = tmp_path / "mine.zip"
    code, printed, err = call("data", "export", "tiny", "--out", out, "--json")
    assert (code, json.loads(printed)) == (0, {"name": "tiny", "file": str(out)}), err
    code, _, err = call("data", "export", "tiny", "--out", out)
    assert code == 2 and "mine.zip exists already: give another name with --out" in err
    code, printed, err = call("data", "delete", "tiny", "--json")
    assert (code, json.loads(printed)) == (0, {"name": "tiny", "done": True})
    assert err == "Dataset tiny is in the trash; `data restore` brings it back.\n"
    assert call("data", "delete", "tiny")[0] == call("data", "export", "tiny")[0] == 2
    assert call("data", "restore", "tiny") == (0, "", "Dataset tiny was restored.\n")
    code, _, err = call("data", "restore", "tiny")
    assert code == 2 and err == "Error: There is no deleted dataset 'tiny'; the trash has none.\n"
    assert call("data", "import", out, "--name", "back")[0] == 0
    assert "back  ready  300 train, 100 test, 10 classes" in call("data", "list")[1]
