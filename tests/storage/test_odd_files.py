"""Odd files and missing permissions, one at a time, anywhere in a workspace: lists go on, commands give a sentence."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cifar_core.commands.cli import cli
from cifar_core.data import dataset_state, list_datasets, open_dataset
from cifar_core.errors import CifarCoreError, StorageError
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.states import EndRequest
from cifar_core.runs import Status, empty_trash, export_bytes, list_runs, list_trash, restore_run, stop_all
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.rights import as_a_user
from tests.runs.conftest import ended_run, snapshot
from tests.runs.exported_runs import RUN, STORED, store


def clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def closed(path: Path) -> None:
    """As another user with a umask of 077 creates it."""
    if not path.exists():
        path.mkdir(parents=True)
    path.chmod(0)


def listed_only(path: Path) -> None:
    """A folder whose names can be listed, but whose files cannot be read."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o600)


def folder(path: Path) -> None:
    clear(path)
    (path / "inside").mkdir(parents=True)


def pipe(path: Path) -> None:
    clear(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def loop(path: Path) -> None:
    clear(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(path.name)


def nameless(path: Path) -> None:
    """Add a folder beside it whose name is not UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Path(os.fsdecode(os.fsencode(path.parent) + b"/n\xff\xfe")).mkdir()


FILES = (closed, folder, pipe, loop)
FOLDERS = (closed, listed_only, pipe, loop, nameless)
PLACES = {
    **{f"runs/{RUN}/{name}": FILES for name in ("config.json", "status.json", "facts.json", "about.json", "metrics.jsonl", "within-epochs.jsonl")},
    **{f"runs/{RUN}/{name}": FILES for name in ("worker.lock", "training.lock", "worker.log", "control-stop")},
    **{f"data/.jobs/mine/{name}": FILES for name in ("job.json", "state.json", "job.lock", "start.lock")},
    **dict.fromkeys((f"runs/{RUN}", "runs/.queue", "data/.jobs", "data/.jobs/mine", "data/.jobs/drawn10", "data/other"), FOLDERS),
    "data/other/meta.json": FILES,
    "trash/20261125-152931-123-gone": FOLDERS,
    "settings.json": FILES,
}  # fmt: skip
# The places at which most faults were found.
QUICK = (
    "data/.jobs",
    "data/.jobs/mine",
    "data/.jobs/mine/job.lock",
    f"runs/{RUN}/config.json",
)
CASES = [
    pytest.param(place, odd, marks=() if place in QUICK else pytest.mark.slow)
    for place, kinds in PLACES.items()
    for odd in kinds
]
COMMANDS = ("runs list", "runs list --json", "runs verify", f"runs show {RUN}", f"runs export {RUN}", "runs trash", "runs stop --all",
            f"runs resume {RUN}", "data list", "data list --json", f"analyze {RUN}")  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with something of every kind; each test gets a copy."""
    workspace = open_workspace(tmp_path_factory.mktemp("whole"))
    save_tiny(workspace, "other", train=20, test=10)
    shutil.copytree(STORED, workspace.trash / "20261125-152931-123-gone")
    store(workspace)
    ended_run(workspace)
    for name in ("mine", "drawn10"):
        (workspace.jobs / name).mkdir(parents=True)
        state = {"name": name, "kind": "import", "state": "failed", "error": "No picture."}
        for file in ("job.lock", "start.lock"):
            (workspace.jobs / name / file).touch()
        (workspace.jobs / name / "job.json").write_text('{"kind": "import"}', "utf-8")
        (workspace.jobs / name / "state.json").write_text(json.dumps(state), "utf-8")
    return workspace


@pytest.fixture
def copied(whole: Workspace, tmp_path: Path) -> Workspace:
    """A copy of `whole`."""
    shutil.copytree(whole.root, tmp_path / "copied")
    return Workspace(tmp_path / "copied")


@pytest.mark.fault(91)
@pytest.mark.parametrize(("place", "odd"), CASES, ids=lambda value: value if isinstance(value, str) else value.__name__)
def test_odd_files_are_listed_or_give_a_sentence(
    copied: Workspace, place: str, odd: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Commands set what Ctrl-C does, which only the main thread may.
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    odd(copied.root / place)

    def ask() -> None:
        for command in COMMANDS:
            result = CliRunner().invoke(cli, [*command.split(), "--workspace", str(copied.root)])
            assert isinstance(result.exception, CifarCoreError | SystemExit | None), (command, result.exc_info)
            if command.endswith(" list"):
                assert result.exit_code == 0, (command, result.exception)
        whole_runs = {run.id for run in list_runs(copied) if not run.problem}
        assert len(whole_runs - {RUN}) == 1, "the other run is listed"
        states = {state.name: state for state in list_datasets(copied)}
        assert {"drawn10", "cifar10", "other"} <= set(states)
        assert states["other"].state == ("broken" if "data/other" in place and odd is not nameless else "ready")

    as_a_user(ask)


@pytest.mark.fault(91)
@pytest.mark.parametrize("odd", [closed, listed_only, pipe, loop])
def test_a_job_that_cannot_be_read_is_shown_as_such(workspace: Workspace, odd: Callable[[Path], None]) -> None:
    odd(workspace.jobs / "mine")

    def ask() -> None:
        found = dataset_state(workspace, "mine")
        assert found.state == "absent"
        assert found.problem.startswith("Its progress cannot be read: ")
        assert "start.lock" in found.problem
        assert "mine" in {state.name for state in list_datasets(workspace)}

    as_a_user(ask)


@pytest.mark.fault(91)
def test_the_error_of_another_users_dataset_names_the_file_and_what_to_do(workspace: Workspace) -> None:
    save_tiny(workspace, "theirs", train=20, test=10)
    closed(workspace.data / "theirs")

    def ask() -> str:
        with pytest.raises(CifarCoreError) as caught:
            open_dataset(workspace, "theirs")
        return str(caught.value)

    sentence = as_a_user(ask)
    assert str(workspace.data / "theirs" / "meta.json") in sentence
    assert "let its owner allow it (chmod -R g+rwX)" in sentence
    assert "delete" not in sentence


def test_the_size_of_an_unreadable_run_is_an_error(workspace: Workspace) -> None:
    store(workspace)
    listed_only(workspace.runs / RUN)

    def ask() -> None:
        with pytest.raises(StorageError, match="No permission to read while looking at"):
            export_bytes(workspace, RUN)

    as_a_user(ask)


@pytest.mark.fault(91)
def test_emptying_the_trash_keeps_runs_of_other_users_whole(workspace: Workspace) -> None:
    """A refusal changes nothing, and does not stop the rest."""
    for name in ("20261125-152931-123-mine", "20261125-152931-124-theirs", "20261125-152931-125-mine-too"):
        shutil.copytree(STORED, workspace.trash / name)
    theirs = workspace.trash / "20261125-152931-124-theirs"
    before = snapshot(theirs)
    (theirs / "predictions").chmod(0o500)

    def ask() -> None:
        with pytest.raises(StorageError, match=r"removing the deleted run theirs .*predictions"):
            empty_trash(workspace)

    as_a_user(ask)
    assert [item.id for item in list_trash(workspace)] == ["theirs"]
    (theirs / "predictions").chmod(0o700)
    assert snapshot(theirs) == before
    restore_run(workspace, "theirs")


def test_stopping_all_stops_the_others_too(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = (ended_run(workspace, Status.QUEUED) for _ in range(2))
    asked = []

    def request_end(_workspace: Workspace, run_id: str, _request: EndRequest) -> LifeFolder:
        asked.append(run_id)
        if run_id == theirs:
            raise StorageError("It is theirs.")
        return run_folder(workspace, run_id)

    monkeypatch.setattr("cifar_core.runs.control.stop_all.request_end", request_end)
    monkeypatch.setattr("cifar_core.runs.control.stop_all._has_not_ended", lambda workspace, run_id: run_id == theirs)
    with pytest.raises(StorageError, match="It is theirs"):
        stop_all(workspace)
    assert sorted(asked) == sorted([ours, theirs])
