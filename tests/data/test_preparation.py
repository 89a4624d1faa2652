"""Preparing data in a process of its own: started once, watched from the disk, and never "running" when dead."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

from cifar_core.data import (
    JobState,
    cancel_job,
    delete_dataset,
    drawing,
    forget_job,
    list_datasets,
    open_dataset,
    preparation,
    prepare_drawn10,
    prepare_process,
    read_job,
    start_get,
    start_import,
)
from cifar_core.data.sources.drawn10 import draw_drawn10
from cifar_core.data.sources.importing import import_pictures
from cifar_core.data.store import dataset_lock
from cifar_core.errors import DataError, StorageError
from cifar_core.storage.atomic import TEMP_MARK
from cifar_core.storage.faults import EXIT_CODE, VARIABLE
from cifar_core.storage.json_files import write_json
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import ROOT, tiny_pictures
from tests.data.conftest import small_set, snapshot, write_zip

PATIENCE = 60.0  # seconds; on a quiet machine a job of these tests takes one or two


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No process is started: the tests run the job in this one. Says for which modules one was wanted."""
    wanted: list[str] = []
    monkeypatch.setattr(preparation, "spawn", lambda module, arguments, log: wanted.append(module))
    monkeypatch.setattr(preparation, "_wait_for_lock", lambda process, lock: None)
    return wanted


@pytest.fixture
def quick_drawing(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Drawing that takes no time; counts how often it is done."""
    done = []

    def generate(seed: int, train: int, test: int, progress: object = None) -> tuple[object, ...]:
        done.append(train)
        if callable(progress):
            progress(train, train + test)
        return (*tiny_pictures(train), *tiny_pictures(test))

    monkeypatch.setattr(drawing, "generate", generate)
    monkeypatch.setattr(draw_drawn10, "__kwdefaults__", {"train": 40, "test": 20})
    return done


def ended(workspace: Workspace, name: str) -> JobState:
    """The state once the job is over."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        state = read_job(workspace, name)
        if state is not None and state.state != "running":
            return state
        time.sleep(0.05)
    pytest.fail(f"the job did not end within {PATIENCE:.0f} s: {read_job(workspace, name)}")


def test_an_import_in_its_own_process(workspace: Workspace, tmp_path: Path) -> None:
    """From the start to the dataset; an upload is removed afterwards."""
    source = write_zip({**small_set(), "README": b""}, tmp_path / "upload")
    start_import(workspace, source, "mine", remove_source=True, shown="my\ncats.zip")
    assert read_job(workspace, "mine") is not None
    state = ended(workspace, "mine")
    assert (state.state, state.kind, state.error) == ("done", "import", "")
    assert state.report == ["1 files beside train and test were passed over (README)."]
    assert open_dataset(workspace, "mine").source == "Imported from my cats.zip."
    end = time.monotonic() + PATIENCE  # it goes after the last word, with the process
    while source.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not source.exists()


@pytest.mark.fault(60)
def test_a_killed_job_is_failed_and_the_next_start_cleans_up(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No half dataset is seen, the list says what happened, and the same import works again."""
    children: list[subprocess.Popen[bytes]] = []
    spawn = preparation.spawn

    def spawn_and_keep(*arguments: object) -> "subprocess.Popen[bytes]":
        children.append(spawn(*arguments))  # type: ignore[arg-type]
        return children[-1]

    monkeypatch.setattr(preparation, "spawn", spawn_and_keep)
    source = write_zip(small_set(train=800), tmp_path / "a.zip")
    start_import(workspace, source, "mine")
    os.kill(children[0].pid, signal.SIGKILL)
    children[0].wait(PATIENCE)
    state = ended(workspace, "mine")
    assert state.state == "failed"
    assert "killed, or memory ran out" in state.error
    listed = {item.name: item for item in list_datasets(workspace)}["mine"]
    assert (listed.state, listed.problem) == ("absent", state.error)
    half = workspace.data / ".tmp-mine-123-0a0b0c0d"
    other = workspace.data / ".tmp-mine-too-123-0a0b0c0d"
    half.mkdir()
    other.mkdir()
    start_import(workspace, source, "mine")
    assert ended(workspace, "mine").state == "done"
    assert not half.exists()
    assert other.exists()


@pytest.mark.fault(63)
@pytest.mark.usefixtures("quick_drawing")
def test_getting_drawn10(workspace: Workspace, started: list[str]) -> None:
    """Asked for twice it is done once; asked for when there, not at all."""
    start_get(workspace, "drawn10")
    assert started == ["cifar_core.data.prepare_process"]
    assert prepare_process.run_job(workspace, "drawn10") == 0
    state = read_job(workspace, "drawn10")
    assert state == JobState("drawn10", "get", "done", "Drawing")
    start_get(workspace, "drawn10")
    assert len(started) == 1
    dataset = open_dataset(workspace, "drawn10")
    assert dataset.test.ids[3] == "test/cat/00003"
    assert "seed 0" in dataset.source


def test_prepare_drawn10_draws_once(workspace: Workspace, quick_drawing: list[int]) -> None:
    """Then opens; both give the same."""
    told: list[tuple[int, int]] = []
    first = prepare_drawn10(workspace, lambda done, total: told.append((done, total)))
    assert prepare_drawn10(workspace).fingerprint == first.fingerprint
    assert (quick_drawing, told) == ([40], [(40, 60)])


HOLD = """
import sys
from pathlib import Path
from cifar_core.storage.locks import hold_lock
with hold_lock(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


@pytest.mark.fault(61, 63)
def test_what_is_on_its_way_is_not_started_again(workspace: Workspace, tmp_path: Path, started: list[str]) -> None:
    """Another process holds the lock: getting does nothing, another import is told so, the list says preparing."""
    source = write_zip(small_set(), tmp_path / "a.zip")
    start_import(workspace, source, "mine")
    command = [sys.executable, "-c", HOLD, str(dataset_lock(workspace, "mine"))]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        state = read_job(workspace, "mine")
        assert state is not None
        assert (state.state, state.phase) == ("running", "Starting")
        assert {item.name: item.state for item in list_datasets(workspace)}["mine"] == "preparing"
        start_import(workspace, source, "mine")
        with pytest.raises(DataError, match="Another dataset named mine is being prepared"):
            start_import(workspace, write_zip(small_set(), tmp_path / "b.zip"), "mine")
        assert len(started) == 1
        cancel_job(workspace, "mine")
        holder.stdin.close()  # type: ignore[union-attr]
    assert (workspace.data / ".jobs" / "mine" / "cancel").exists()


@pytest.mark.fault(72)
def test_jobs_leave_no_zombie_and_no_temporary_file(workspace: Workspace, tmp_path: Path) -> None:
    """As a server that lives for weeks and imports now and then, uploads among them."""
    others = {child.pid for child in psutil.Process().children()}
    for number in range(4):
        source = write_zip(small_set(), workspace.data / f"{TEMP_MARK}upload-{number}")
        start_import(workspace, source, f"mine-{number}", remove_source=True)
        assert ended(workspace, f"mine-{number}").state == "done"
    end = time.monotonic() + PATIENCE
    while (
        left := [child for child in psutil.Process().children() if child.pid not in others]
    ) and time.monotonic() < end:
        time.sleep(0.05)  # the last one is just about to end
    assert left == []
    assert [item.name for item in workspace.data.iterdir() if item.name.startswith(TEMP_MARK)] == []


@pytest.mark.fault(61)
def test_two_imports_of_one_name_at_once_are_one(workspace: Workspace, tmp_path: Path) -> None:
    """One is told so; the dataset is the other's, without a picture of the first."""
    sources = [write_zip(small_set(train=count), tmp_path / f"{count}.zip") for count in (3, 4)]
    start, told = threading.Barrier(2), []

    def session(source: Path) -> None:
        start.wait()
        try:
            start_import(workspace, source, "mine")
        except DataError as error:
            told.append((source, str(error)))

    sessions = [threading.Thread(target=session, args=(source,)) for source in sources]
    for thread in sessions:
        thread.start()
    for thread in sessions:
        thread.join()
    ((refused, sentence),) = told
    assert re.search("Another dataset named mine is being prepared|already a dataset named mine", sentence)
    assert ended(workspace, "mine").state == "done"
    (winner,) = set(sources) - {refused}
    assert len(open_dataset(workspace, "mine").train.labels) == 2 * int(winner.stem)


@pytest.mark.fault(60)
@pytest.mark.slow
@pytest.mark.parametrize("point", ["write", "fsync", "replace"])
def test_an_import_that_dies_anywhere_leaves_no_half_dataset(workspace: Workspace, tmp_path: Path, point: str) -> None:
    """Killed at the n-th write for every n, until it comes through; then the next import is as if nothing had been."""
    import_pictures(workspace, write_zip(small_set(), tmp_path / "other.zip"), "other")
    other = snapshot(workspace.data / "other")
    source = write_zip(small_set(), tmp_path / "a.zip")
    command = [sys.executable, "-m", "cifar_core.data.prepare_process", f"--workspace={workspace.root}", "--name=mine"]
    for number in range(1, 100):
        folder = preparation.job_folder(workspace, "mine")
        write_json(folder / "job.json", {"kind": "import", "source": str(source), "remove_source": False})
        code = subprocess.run(command, cwd=ROOT, env={**os.environ, VARIABLE: f"{point}:{number}:die"}).returncode
        states = {state.name: state.state for state in list_datasets(open_workspace(workspace.root))}
        assert states["other"] == "ready"
        assert snapshot(workspace.data / "other") == other
        if "mine" in states and states["mine"] == "ready":  # it had its name before the end
            assert open_dataset(workspace, "mine").fingerprint == open_dataset(workspace, "other").fingerprint
            delete_dataset(workspace, "mine")
        if code == 0:
            break
        assert code == EXIT_CODE
    assert number > 2
    start_import(workspace, source, "mine")
    assert ended(workspace, "mine").state == "done"
    assert [item.name for item in workspace.data.iterdir() if item.name.startswith(TEMP_MARK)] == []


@pytest.mark.fault(63)
def test_what_another_session_downloads_is_not_downloaded_again(workspace: Workspace, started: list[str]) -> None:
    with hold_lock(dataset_lock(workspace, "cifar10")):
        start_get(workspace, "cifar10")
    assert started == []


@pytest.mark.fault(60)
def test_a_cancelled_import_leaves_nothing(workspace: Workspace, tmp_path: Path, started: list[str]) -> None:
    """Not the upload either, and it is not listed as a failure."""
    before = snapshot(workspace.root)
    source = write_zip(small_set(), tmp_path / "upload")
    start_import(workspace, source, "mine", remove_source=True)
    (workspace.data / ".jobs" / "mine" / "cancel").touch()
    assert prepare_process.run_job(workspace, "mine") == 0
    state = read_job(workspace, "mine")
    assert state is not None
    assert state.state == "cancelled"
    assert not source.exists()
    assert snapshot(workspace.root) == before
    assert "mine" not in [item.name for item in list_datasets(workspace)]


def test_a_refused_import_says_why_with_its_report(workspace: Workspace, tmp_path: Path, started: list[str]) -> None:
    """As the command line and the page show it, until it is forgotten."""
    source = write_zip({**small_set(), "train/cat/x.png": b"x"}, tmp_path / "a.zip")
    start_import(workspace, source, "mine")
    assert prepare_process.run_job(workspace, "mine") == 2
    state = read_job(workspace, "mine")
    assert state is not None
    assert state.state == "failed"
    assert state.error.startswith("Nothing was imported: 1 of 11 files cannot be used. train/cat/x.png is not")
    assert state.report == ["train/cat/x.png is not a PNG, JPEG, WEBP or BMP picture."]
    assert source.exists()
    forget_job(workspace, "mine")
    assert read_job(workspace, "mine") is None
    assert "mine" not in [item.name for item in list_datasets(workspace)]


@pytest.mark.fault(60)
def test_words_of_a_crash(workspace: Workspace, tmp_path: Path, started: list[str]) -> None:
    """The last line of the log, where the process ended without writing its end."""
    start_import(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine")
    (workspace.data / ".jobs" / "mine" / "worker.log").write_bytes(b"Traceback ...\nRecursionError: \xff too much\n\n")
    state = read_job(workspace, "mine")
    assert state is not None
    assert state.state == "failed"
    assert "RecursionError: \ufffd too much" in state.error


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kind": "fetch"}', '{"schema_version": 1, "surprise": 1}'])
def test_unreadable_files_of_a_job(workspace: Workspace, tmp_path: Path, started: list[str], content: str) -> None:
    """A state nobody can read counts as dead, and so does a request: both are shown, and can be dismissed."""
    start_import(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine")
    folder = workspace.data / ".jobs" / "mine"
    (folder / "state.json").write_text(content)
    state = read_job(workspace, "mine")
    assert state is not None
    assert state.state == "failed"
    (folder / "job.json").write_text(content)
    state = read_job(workspace, "mine")
    assert state is not None
    assert (state.state, str(folder / "job.json") in state.error) == ("failed", True)
    with pytest.raises(DataError, match="cannot be read"):
        prepare_process.run_job(workspace, "mine")
    forget_job(workspace, "mine")
    assert read_job(workspace, "mine") is None


def test_what_cannot_be_started(
    workspace: Workspace, tmp_path: Path, started: list[str], quick_drawing: list[int]
) -> None:
    """Each in a sentence, before any process."""
    source = write_zip(small_set(), tmp_path / "a.zip")
    prepare_drawn10(workspace)
    for words, call in {
        "cannot be got": lambda: start_get(workspace, "mine"),
        "cannot be the name": lambda: start_import(workspace, source, "../mine"),
        "no file or folder": lambda: start_import(workspace, tmp_path / "absent", "mine"),
        "drawn10 is kept for its own": lambda: start_import(workspace, source, "drawn10"),
        "cifar10 is kept for its own": lambda: start_import(workspace, source, "cifar10"),
    }.items():
        with pytest.raises(DataError, match=words):
            call()
    (workspace.data / "drawn10" / "test_labels.npy").unlink()
    with pytest.raises(DataError, match=r"drawn10 is broken \(test_labels\.npy is missing\): delete it"):
        start_get(workspace, "drawn10")
    start_import(workspace, source, "mine")
    prepare_process.run_job(workspace, "mine")
    with pytest.raises(DataError, match="already a dataset named mine"):
        start_import(workspace, source, "mine")
    assert started == ["cifar_core.data.prepare_process"]


@pytest.mark.fault(61, 63)
def test_a_job_whose_lock_is_taken_does_nothing(
    workspace: Workspace, tmp_path: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes for one dataset: the second leaves at once."""
    monkeypatch.setattr(prepare_process, "LOCK_SECONDS", 0.05)
    start_import(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine")
    with hold_lock(dataset_lock(workspace, "mine")):
        assert prepare_process.run_job(workspace, "mine") == 0
        assert "mine" not in [item.name for item in workspace.data.iterdir()]


def test_a_request_of_an_older_version_is_read(workspace: Workspace, tmp_path: Path, started: list[str]) -> None:
    """It knew no name to show."""
    start_import(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine", shown="b.zip")
    file = workspace.data / ".jobs" / "mine" / "job.json"
    request = json.loads(file.read_text())
    assert request.pop("shown") == "b.zip"
    file.write_text(json.dumps(request))
    assert prepare_process.run_job(workspace, "mine") == 0
    assert open_dataset(workspace, "mine").source == "Imported from a.zip."


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("~nobody-of-this-name/x", "^There is no home folder ~nobody-of-this-name: write the whole path"),
        ("/" + "x" * 5000, "^/x+… cannot be opened .File name too long.: give the path"),
        ("/tmp/a\0b", "^/tmp/a b cannot be opened .*null"),
        ("/dev/null/x", "^There is no file or folder /dev/null/x"),
        ("/dev/null", "^/dev/null is neither a file nor a folder"),
        ("absent\nhere", "^There is no file or folder /.*absent here"),
    ],
)
def test_paths_that_cannot_be_are_one_sentence(
    workspace: Workspace, started: list[str], typed: str, words: str
) -> None:
    """Whatever a person may type; nothing is started."""
    with pytest.raises(DataError, match=words) as caught:
        start_import(workspace, Path(typed), "mine")
    assert len(str(caught.value)) < 450
    assert "\n" not in str(caught.value)
    assert started == []


def test_a_path_from_home(
    workspace: Workspace, tmp_path: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tilde is the person's own folder."""
    write_zip(small_set(), tmp_path / "a.zip")
    monkeypatch.setenv("HOME", str(tmp_path))
    start_import(workspace, Path("~/a.zip"), "mine")
    assert prepare_process.run_job(workspace, "mine") == 0


NO_PERMISSION = """
import os, sys
from pathlib import Path
from cifar_core.data import start_import
from cifar_core.errors import DataError, StorageError
from cifar_core.workspace import open_workspace
workspace = open_workspace(sys.argv[1])
os.setuid(65534)
for name in sys.argv[2:]:
    try:
        start_import(workspace, Path(name), "mine")
    except DataError as error:
        print(error)
"""


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody without rights"
)
def test_a_folder_without_permission(workspace: Workspace) -> None:
    """Listing it, reaching what is in it, reading a file: each is refused in a sentence before a process starts."""
    with tempfile.TemporaryDirectory() as top:  # not tmp_path: pytest's folders are closed to others as a whole
        Path(top).chmod(0o755)
        places = [Path(top, "unlisted"), Path(top, "unreachable"), Path(top, "unlisted", "x"), Path(top, "file")]
        places[0].mkdir(mode=0o700)
        places[1].mkdir()
        places[1].chmod(0o744)
        places[3].touch(mode=0o600)
        command = [sys.executable, "-c", NO_PERMISSION, str(workspace.root), *map(str, places)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        answer = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=PATIENCE)
    expected = [
        f"There is no permission to read {place}: change that, or copy it to a place of yours." for place in places
    ]
    assert answer.stdout.splitlines() == expected, answer.stderr


@pytest.mark.fault(95)
def test_why_a_job_ended_is_told_where_its_state_cannot_be_written(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first error is the cause, not the one that followed from it when that was to be written."""
    (tmp_path / "a.zip").write_bytes(b"no archive")
    monkeypatch.setenv(VARIABLE, "replace:1+:enospc")  # of the job: this process was started without
    start_import(workspace, tmp_path / "a.zip", "mine")
    state = ended(workspace, "mine")
    assert state.state == "failed" and "a.zip is neither a folder nor a zip" in state.error
    monkeypatch.setenv(VARIABLE, "replace:2+:enospc")
    start_import(workspace, write_zip(small_set(), tmp_path / "b.zip"), "mine")
    state = ended(workspace, "mine")
    assert state.state == "failed" and "ended early" not in state.error and "disk is full" in state.error


@pytest.mark.fault(95)
def test_a_job_that_could_not_be_started_is_not_listed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StorageError("No process can be started.")

    monkeypatch.setattr(preparation, "spawn", refuse)
    with pytest.raises(StorageError, match="No process"):
        start_get(workspace, "drawn10")
    assert read_job(workspace, "drawn10") is None
    assert {item.name: item.state for item in list_datasets(workspace)}["drawn10"] == "absent"
