"""Preparing data in a process of its own: it is started once, watched through files, and never "running" when dead."""

import contextlib
import itertools
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
    FORMATS,
    ImportOptions,
    continue_import,
    dataset_job,
    delete_dataset,
    drawing,
    forget_import,
    list_datasets,
    open_dataset,
    prepare_drawn10,
    read_findings,
    read_preview,
    start_get,
    start_import,
    start_look,
    unfinished_import,
)
from cifar_core.data.import_findings import PREVIEW_PICTURES
from cifar_core.data.preparation import DataRequest
from cifar_core.data.prepare_process import prepare
from cifar_core.data.sources.archive import Member
from cifar_core.data.sources.drawn10 import draw_drawn10
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.data.sources.own.reading import Reading
from cifar_core.data.store import dataset_lock
from cifar_core.errors import CifarCoreError, DataError, StorageError
from cifar_core.jobs import process, start
from cifar_core.jobs.job import (
    JobFolder,
    JobState,
    cancel_job,
    dismiss_job,
    is_alive,
    read_job,
    read_request,
    write_request,
    write_state,
)
from cifar_core.jobs.process import do_job
from cifar_core.jobs.progress import CancelledError
from cifar_core.processes import Program
from cifar_core.storage.atomic import TEMP_MARK, remove
from cifar_core.storage.faults import EXIT_CODE, FAULT_VARIABLE
from cifar_core.storage.json_files import write_json
from cifar_core.storage.locks import hold_lock, is_locked
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import ROOT, tiny_pictures
from tests.data.conftest import small_set, snapshot, write_zip
from tests.jobs.support import TIMEOUT, wait_for_end
from tests.lifecycle.conftest import until


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Start no process: the tests run the job in this one. The list has the modules that were to be started."""
    modules: list[str] = []
    monkeypatch.setattr(start, "spawn", lambda module, arguments, log: modules.append(module))
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())
    return modules


def run_job(workspace: Workspace, name: str) -> int:
    """What the process of the job does, in this one."""
    return do_job(dataset_job(workspace, name), DataRequest, prepare)


@pytest.fixture
def quick_drawing(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Drawing that takes no time; the list has an item for each time it was done."""
    drawn = []

    def generate(seed: int, train: int, test: int, progress: object = None, show: object = None) -> tuple[object, ...]:
        drawn.append(train)
        if callable(show):
            show(tiny_pictures(train)[0])
        if callable(progress):
            progress(train, train + test)
        return (*tiny_pictures(train), *tiny_pictures(test))

    monkeypatch.setattr(drawing, "generate", generate)
    monkeypatch.setattr(draw_drawn10, "__kwdefaults__", {"train": 40, "test": 20})
    return drawn


def wait_until_ended(workspace: Workspace, name: str) -> JobState:
    """The state of the job when it is over."""
    return wait_for_end(dataset_job(workspace, name))


def test_an_import_in_its_own_process(workspace: Workspace, tmp_path: Path) -> None:
    """The dataset is there at the end, with what was said about it."""
    source = write_zip({**small_set(), "README": b""}, tmp_path / "upload")
    start_import(workspace, source, "mine", shown="my\ncats.zip")
    assert read_job(dataset_job(workspace, "mine")) is not None
    state = wait_until_ended(workspace, "mine")
    assert (state.state, state.kind, state.error) == ("done", "import", "")
    assert state.report == read_findings(dataset_job(workspace, "mine")).report
    assert "1 other file was passed over (README)." in state.report
    assert open_dataset(workspace, "mine").source == "Imported from my cats.zip."
    assert source.exists()


@pytest.mark.fault(60)
def test_a_killed_job_is_failed_and_the_next_start_cleans_up(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No partial dataset is listed, the list says what happened, and the same import works afterwards."""
    children: list[subprocess.Popen[bytes]] = []
    spawn = start.spawn

    def spawn_and_keep(*arguments: object) -> "subprocess.Popen[bytes]":
        children.append(spawn(*arguments))  # type: ignore[arg-type]
        return children[-1]

    monkeypatch.setattr(start, "spawn", spawn_and_keep)
    source = write_zip(small_set(train=800), tmp_path / "a.zip")
    start_import(workspace, source, "mine")
    os.kill(children[0].pid, signal.SIGKILL)
    children[0].wait(TIMEOUT)
    state = wait_until_ended(workspace, "mine")
    assert state.state == "failed"
    assert "killed, or memory ran out" in state.error
    listed = {item.name: item for item in list_datasets(workspace)}["mine"]
    assert (listed.state, listed.problem) == ("absent", state.error)
    partial = workspace.data / ".tmp-mine-123-0a0b0c0d"
    other = workspace.data / ".tmp-mine-too-123-0a0b0c0d"
    partial.mkdir()
    other.mkdir()
    start_import(workspace, source, "mine")
    assert wait_until_ended(workspace, "mine").state == "done"
    assert not partial.exists()
    assert other.exists()


@pytest.mark.fault(63)
@pytest.mark.usefixtures("quick_drawing")
def test_getting_drawn10(workspace: Workspace, started: list[str]) -> None:
    """It is drawn once, however often it is requested."""
    start_get(workspace, "drawn10")
    assert started == ["cifar_core.data.prepare_process"]
    assert run_job(workspace, "drawn10") == 0
    state = read_job(dataset_job(workspace, "drawn10"))
    assert state == JobState("get", "done", "Drawing")
    start_get(workspace, "drawn10")
    assert len(started) == 1
    dataset = open_dataset(workspace, "drawn10")
    assert dataset.test.ids[3] == "test/cat/00003"
    assert "seed 0" in dataset.source


@pytest.fixture
def drawn_beside(monkeypatch: pytest.MonkeyPatch, quick_drawing: list[int]) -> None:
    """The process of the job is a thread of this one, which draws quickly."""

    def spawn(program: Program, arguments: list[str], log: Path) -> threading.Thread:
        job = JobFolder(Path(arguments[0].removeprefix("--job=")))
        thread = threading.Thread(target=do_job, args=(job, DataRequest, prepare))
        thread.start()
        until(lambda: is_locked(job.lock) or not thread.is_alive(), "it has its lock")
        return thread

    monkeypatch.setattr(start, "spawn", spawn)
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())
    monkeypatch.setattr("cifar_core.data.prepare_process.lower_priority", lambda: None)


@pytest.mark.usefixtures("drawn_beside")
def test_whoever_needs_drawn10_waits_for_its_one_drawer(workspace: Workspace, quick_drawing: list[int]) -> None:
    """Also one that was begun for nobody; the pictures that were just drawn lie in the folder of the job."""
    start_get(workspace, "drawn10", unasked=True)
    first = prepare_drawn10(workspace)
    assert prepare_drawn10(workspace).fingerprint == first.fingerprint
    assert quick_drawing == [40]
    preview = read_preview(dataset_job(workspace, "drawn10"))
    assert preview is not None and len(preview) == PREVIEW_PICTURES


@pytest.mark.usefixtures("drawn_beside")
def test_how_an_earlier_drawing_ended_is_no_failure_of_the_next(workspace: Workspace) -> None:
    """Somebody else is just starting that one; whoever waits for it can be told to end."""
    job = dataset_job(workspace, "drawn10")
    job.make()
    write_request(job, DataRequest("get"))

    def refuse(*_: int) -> None:
        raise CancelledError("The run was stopped.")

    with contextlib.ExitStack() as starting:
        starting.enter_context(hold_lock(job.start_lock))
        write_state(job, JobState("get"))
        with pytest.raises(CancelledError):
            prepare_drawn10(workspace, refuse)
        write_state(job, JobState("get", "failed", error="The disk is full."))
        held = starting.pop_all()
        held.callback(remove, job.request)  # called first, as by whoever starts a job
        threading.Timer(0.3, held.close).start()
        assert prepare_drawn10(workspace).name == "drawn10"
    delete_dataset(workspace, "drawn10")
    assert prepare_drawn10(workspace).name == "drawn10", "its job was done, and is begun again"


@pytest.mark.fault(95)
@pytest.mark.usefixtures("drawn_beside")
def test_a_full_disk_is_told_to_whoever_asked_and_to_nobody_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = "The disk is full while saving drawn10: free some space."

    def refuse(*_: object, **__: object) -> None:
        raise StorageError(full)

    monkeypatch.setattr("cifar_core.data.sources.drawn10.save_dataset", refuse)
    job = dataset_job(workspace, "drawn10")
    start_get(workspace, "drawn10", unasked=True)
    until(lambda: not is_alive(job), "it has failed")
    assert read_job(job) is None
    assert {state.name: state.problem for state in list_datasets(workspace)}["drawn10"] == ""
    with pytest.raises(DataError, match=full):
        prepare_drawn10(workspace)
    state = read_job(job)
    assert state is not None and (state.state, state.error) == ("failed", full)


def test_a_drawing_that_was_begun_for_nobody_is_wanted_once_a_person_asks(
    workspace: Workspace, started: list[str]
) -> None:
    job = dataset_job(workspace, "drawn10")
    start_get(workspace, "drawn10", unasked=True)
    assert read_request(job, DataRequest).unasked
    with hold_lock(job.lock):
        start_get(workspace, "drawn10", unasked=True)
        assert read_request(job, DataRequest).unasked
        start_get(workspace, "drawn10")
    assert not read_request(job, DataRequest).unasked
    assert started == ["cifar_core.data.prepare_process"]


HOLD_LOCK = """
import sys
from pathlib import Path
from cifar_core.storage.locks import hold_lock
with hold_lock(Path(sys.argv[1])) as acquired:
    print(acquired, flush=True)
    sys.stdin.read()
"""


@pytest.mark.fault(61, 63)
def test_a_job_in_progress_is_not_started_again(workspace: Workspace, tmp_path: Path, started: list[str]) -> None:
    """Another process holds the lock: the same import does nothing, another is refused, the list says preparing."""
    source = write_zip(small_set(), tmp_path / "a.zip")
    start_import(workspace, source, "mine")
    command = [sys.executable, "-c", HOLD_LOCK, str(dataset_lock(workspace, "mine"))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        state = read_job(dataset_job(workspace, "mine"))
        assert state is not None
        assert (state.state, state.phase) == ("waiting", "Starting")
        assert {item.name: item.state for item in list_datasets(workspace)}["mine"] == "preparing"
        start_import(workspace, source, "mine")
        with pytest.raises(DataError, match="Another dataset named mine is being prepared"):
            start_import(workspace, write_zip(small_set(), tmp_path / "b.zip"), "mine")
        assert len(started) == 1
        cancel_job(dataset_job(workspace, "mine"))
        holder.stdin.close()  # type: ignore[union-attr]
    assert (workspace.data / ".jobs" / "mine" / "cancel").exists()


@pytest.mark.fault(72)
def test_jobs_leave_no_zombie_and_no_temporary_file(workspace: Workspace, tmp_path: Path) -> None:
    """A server that runs for weeks imports now and then, also from uploads."""
    others = {child.pid for child in psutil.Process().children()}
    for number in range(2):
        source = write_zip(small_set(), workspace.data / f"{TEMP_MARK}upload-{number}")
        start_look(workspace, source, f"mine-{number}", upload=True)
        assert wait_until_ended(workspace, f"mine-{number}").state == "done"
        continue_import(workspace, f"mine-{number}", ImportOptions())
        assert wait_until_ended(workspace, f"mine-{number}").state == "done"
    end = time.monotonic() + TIMEOUT
    while (
        remaining := [child for child in psutil.Process().children() if child.pid not in others]
    ) and time.monotonic() < end:
        time.sleep(0.05)  # the last process is about to end
    assert remaining == []
    assert [item.name for item in workspace.data.iterdir() if item.name.startswith(TEMP_MARK)] == []


@pytest.mark.fault(61)
def test_two_imports_of_one_name_at_once_are_one(workspace: Workspace, tmp_path: Path) -> None:
    """One of them is refused; the dataset has the pictures of the other alone."""
    sources = [write_zip(small_set(train=count), tmp_path / f"{count}.zip") for count in (3, 4)]
    start, refusals = threading.Barrier(2), []

    def session(source: Path) -> None:
        start.wait()
        try:
            start_import(workspace, source, "mine")
        except DataError as error:
            refusals.append((source, str(error)))

    sessions = [threading.Thread(target=session, args=(source,)) for source in sources]
    for thread in sessions:
        thread.start()
    for thread in sessions:
        thread.join()
    ((refused, sentence),) = refusals
    assert re.search("Another dataset named mine is being prepared|already a dataset named mine", sentence)
    assert wait_until_ended(workspace, "mine").state == "done"
    (imported,) = set(sources) - {refused}
    assert len(open_dataset(workspace, "mine").train.labels) == 2 * int(imported.stem)


@pytest.mark.fault(60)
@pytest.mark.slow
@pytest.mark.parametrize("point", ["write", "fsync", "replace"])
def test_an_import_killed_at_any_write_leaves_no_partial_dataset(
    workspace: Workspace, tmp_path: Path, point: str
) -> None:
    """It is killed at the n-th write, for every n until it succeeds; then the next import works as the first."""
    import_pictures(workspace, write_zip(small_set(), tmp_path / "other.zip"), "other")
    other = snapshot(workspace.data / "other")
    source = write_zip(small_set(), tmp_path / "a.zip")
    command = [sys.executable, "-m", "cifar_core.data.prepare_process", f"--job={dataset_job(workspace, 'mine').path}"]
    for number in range(1, 100):
        job = dataset_job(workspace, "mine")
        job.make()
        write_json(job.request, {"kind": "import", "source": str(source)})
        code = subprocess.run(command, cwd=ROOT, env={**os.environ, FAULT_VARIABLE: f"{point}:{number}:die"}).returncode
        states = {state.name: state.state for state in list_datasets(open_workspace(workspace.root))}
        assert states["other"] == "ready"
        assert snapshot(workspace.data / "other") == other
        if "mine" in states and states["mine"] == "ready":  # it was killed after the dataset got its name
            assert open_dataset(workspace, "mine").fingerprint == open_dataset(workspace, "other").fingerprint
            delete_dataset(workspace, "mine")
        if code == 0:
            break
        assert code == EXIT_CODE
    assert number > 2
    start_import(workspace, source, "mine")
    assert wait_until_ended(workspace, "mine").state == "done"
    assert [item.name for item in workspace.data.iterdir() if item.name.startswith(TEMP_MARK)] == []


@pytest.mark.fault(60)
def test_an_import_that_the_machine_ends_is_named_and_goes_on(
    workspace: Workspace, tmp_path: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it had read; Cancel, or giving it up, removes that."""
    source = write_zip(small_set(train=10), tmp_path / "a.zip")
    import_pictures(workspace, source, "other")

    def end_after(files: int) -> int:
        true, reads = Reading.read, itertools.count()

        def read(reading: Reading, member: Member) -> None:
            if next(reads) == files:
                raise CancelledError("It was told to end.")
            true(reading, member)

        with monkeypatch.context() as patch:
            patch.setattr(Reading, "read", read)
            start_import(workspace, source, "mine")
            return run_job(workspace, "mine")

    assert end_after(7) == 0
    listed = {item.name: item for item in list_datasets(workspace)}["mine"]
    assert listed.state == "found" and "7 of 24 files are read already" in listed.how
    assert end_after(5) == 0 and "12 of 24 files" in unfinished_import(workspace, "mine")
    start_import(workspace, source, "mine")
    assert run_job(workspace, "mine") == 0 and not unfinished_import(workspace, "mine")
    mine, other = (snapshot(workspace.data / name) for name in ("mine", "other"))
    assert {file: mine[file] for file in other if file != "meta.json"} == {
        file: found for file, found in other.items() if file != "meta.json"
    }
    delete_dataset(workspace, "mine")
    assert end_after(7) == 0
    forget_import(workspace, "mine")
    assert not unfinished_import(workspace, "mine")
    assert "mine" not in [item.name for item in list_datasets(workspace)]


@pytest.mark.fault(63)
def test_a_download_in_progress_is_not_started_again(workspace: Workspace, started: list[str]) -> None:
    with hold_lock(dataset_lock(workspace, "cifar10")):
        start_get(workspace, "cifar10")
    assert started == []


@pytest.mark.fault(60)
def test_a_cancelled_import_leaves_nothing(workspace: Workspace, tmp_path: Path, started: list[str]) -> None:
    """The upload is removed too, and the import is not listed as failed."""
    before = snapshot(workspace.root)
    source = write_zip(small_set(), tmp_path / "upload")
    start_look(workspace, source, "mine", upload=True)
    (workspace.data / ".jobs" / "mine" / "cancel").touch()
    assert run_job(workspace, "mine") == 0
    state = read_job(dataset_job(workspace, "mine"))
    assert state is not None
    assert state.state == "cancelled"
    assert not source.exists() and not (dataset_job(workspace, "mine").path / "upload").exists()
    assert snapshot(workspace.root) == before
    assert "mine" not in [item.name for item in list_datasets(workspace)]


def test_a_refused_import_says_why_with_its_report(workspace: Workspace, tmp_path: Path, started: list[str]) -> None:
    """The command line and the page show it until it is dismissed."""
    source = write_zip({**small_set(), "train/cat/x.png": b"x"}, tmp_path / "a.zip")
    start_import(workspace, source, "mine")
    assert run_job(workspace, "mine") == 2
    state = read_job(dataset_job(workspace, "mine"))
    assert state is not None
    assert state.state == "failed"
    assert state.error.startswith("Nothing was imported: 1 of 11 files cannot be used. train/cat/x.png is not")
    assert state.report[1:] == ["1 file cannot be used:", f"train/cat/x.png is not a {FORMATS} picture."]
    assert source.exists()
    dismiss_job(dataset_job(workspace, "mine"))
    assert read_job(dataset_job(workspace, "mine")) is None
    assert "mine" not in [item.name for item in list_datasets(workspace)]


@pytest.mark.fault(60)
def test_a_crash_is_reported_with_the_last_line_of_the_log(
    workspace: Workspace, tmp_path: Path, started: list[str]
) -> None:
    """The process ended without writing its state."""
    start_import(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine")
    (workspace.data / ".jobs" / "mine" / "worker.log").write_bytes(b"Traceback ...\nRecursionError: \xff too much\n\n")
    state = read_job(dataset_job(workspace, "mine"))
    assert state is not None
    assert state.state == "failed"
    assert "RecursionError: \ufffd too much" in state.error


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kind": 1}', '{"schema_version": 1, "surprise": 1}'])
def test_unreadable_files_of_a_job(workspace: Workspace, tmp_path: Path, started: list[str], content: str) -> None:
    """A job whose state or request cannot be read counts as failed: it is listed and can be dismissed."""
    start_import(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine")
    folder = workspace.data / ".jobs" / "mine"
    (folder / "state.json").write_text(content)
    state = read_job(dataset_job(workspace, "mine"))
    assert state is not None
    assert state.state == "failed"
    (folder / "job.json").write_text(content)
    state = read_job(dataset_job(workspace, "mine"))
    assert state is not None
    assert (state.state, str(folder / "job.json") in state.error) == ("failed", True)
    with pytest.raises(CifarCoreError, match="cannot be read"):
        run_job(workspace, "mine")
    dismiss_job(dataset_job(workspace, "mine"))
    assert read_job(dataset_job(workspace, "mine")) is None


@pytest.mark.usefixtures("quick_drawing")
def test_what_cannot_be_started(workspace: Workspace, tmp_path: Path, started: list[str]) -> None:
    """Each has its own message, and no process is started."""
    source = write_zip(small_set(), tmp_path / "a.zip")
    draw_drawn10(workspace)
    for message, call in {
        "There is no built-in dataset mine, only drawn10 and cifar10": lambda: start_get(workspace, "mine"),
        "cannot be the name": lambda: start_import(workspace, source, "../mine"),
        "no file or folder": lambda: start_import(workspace, tmp_path / "absent", "mine"),
        "drawn10 is reserved for the built-in": lambda: start_import(workspace, source, "drawn10"),
        "cifar10 is reserved for the built-in": lambda: start_import(workspace, source, "cifar10"),
    }.items():
        with pytest.raises(DataError, match=message):
            call()
    (workspace.data / "drawn10" / "test_labels.npy").unlink()
    with pytest.raises(DataError, match=r"drawn10 is broken \(test_labels\.npy is missing\): delete it"):
        start_get(workspace, "drawn10")
    start_import(workspace, source, "mine")
    run_job(workspace, "mine")
    with pytest.raises(DataError, match="already a dataset named mine"):
        start_import(workspace, source, "mine")
    assert started == ["cifar_core.data.prepare_process"]


@pytest.mark.fault(61, 63)
def test_a_job_whose_lock_is_taken_does_nothing(
    workspace: Workspace, tmp_path: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two processes for one dataset, the second ends at once."""
    monkeypatch.setattr(process, "LOCK_SECONDS", 0.05)
    start_import(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine")
    with hold_lock(dataset_lock(workspace, "mine")):
        assert run_job(workspace, "mine") == 0
        assert "mine" not in [item.name for item in workspace.data.iterdir()]


def test_a_request_of_an_older_version_is_read(workspace: Workspace, tmp_path: Path, started: list[str]) -> None:
    """It has no display name."""
    start_import(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine", shown="b.zip")
    file = workspace.data / ".jobs" / "mine" / "job.json"
    request = json.loads(file.read_text())
    assert request.pop("shown") == "b.zip"
    file.write_text(json.dumps(request))
    assert run_job(workspace, "mine") == 0
    assert open_dataset(workspace, "mine").source == "Imported from a.zip."


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("~nobody-of-this-name/x", "^There is no home folder ~nobody-of-this-name: write the whole path"),
        ("/" + "x" * 5000, "^/x+… cannot be opened .File name too long.: give the path"),
        ("/tmp/a\0b", "^/tmp/a b cannot be opened .*null"),
        ("/dev/null/x", "^There is no file or folder /dev/null/x"),
        ("/dev/null", "^/dev/null is neither a file nor a folder"),
        ("absent\nhere", "^There is no file or folder /.*absent here"),
    ],
)
def test_impossible_paths_are_one_sentence(workspace: Workspace, started: list[str], typed: str, message: str) -> None:
    """Whatever a person types: no process is started."""
    with pytest.raises(DataError, match=message) as caught:
        start_import(workspace, Path(typed), "mine")
    assert len(str(caught.value)) < 450
    assert "\n" not in str(caught.value)
    assert started == []


def test_a_path_from_home(
    workspace: Workspace, tmp_path: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tilde is the home folder of the person."""
    write_zip(small_set(), tmp_path / "a.zip")
    monkeypatch.setenv("HOME", str(tmp_path))
    start_import(workspace, Path("~/a.zip"), "mine")
    assert run_job(workspace, "mine") == 0


NO_PERMISSION = """
import os, sys
from pathlib import Path
from cifar_core.data import start_import
from cifar_core.errors import CifarCoreError, DataError, StorageError
from cifar_core.jobs import process, start
from cifar_core.jobs.job import JobState, cancel_job, dismiss_job, read_job
from cifar_core.jobs.process import do_job
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
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become a user without permissions"
)
def test_a_folder_without_permission(workspace: Workspace) -> None:
    """A folder that cannot be listed or entered, a file that cannot be read: each is refused before the start."""
    with tempfile.TemporaryDirectory() as top:  # not tmp_path, whose parents other users may not enter
        Path(top).chmod(0o755)
        paths = [Path(top, "unlisted"), Path(top, "unreachable"), Path(top, "unlisted", "x"), Path(top, "file")]
        paths[0].mkdir(mode=0o700)
        paths[1].mkdir()
        paths[1].chmod(0o744)
        paths[3].touch(mode=0o600)
        command = [sys.executable, "-c", NO_PERMISSION, str(workspace.root), *map(str, paths)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        answer = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=TIMEOUT)
    expected = [
        f"You are not allowed to read {path}: change its permissions, or copy it to a folder of your own."
        for path in paths
    ]
    assert answer.stdout.splitlines() == expected, answer.stderr


@pytest.mark.fault(95)
def test_the_log_says_why_a_job_ended_if_its_state_cannot_be_written(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first error is reported, not the one that followed when the state was to be written."""
    (tmp_path / "a.zip").write_bytes(b"no archive")
    # This is for the process of the job only: the present one was started without it.
    monkeypatch.setenv(FAULT_VARIABLE, "replace:1+:enospc")
    start_import(workspace, tmp_path / "a.zip", "mine")
    state = wait_until_ended(workspace, "mine")
    assert state.state == "failed" and "a.zip is neither a folder nor a zip" in state.error
    monkeypatch.setenv(FAULT_VARIABLE, "replace:2+:enospc")
    start_import(workspace, write_zip(small_set(), tmp_path / "b.zip"), "mine")
    state = wait_until_ended(workspace, "mine")
    assert state.state == "failed" and "ended early" not in state.error and "disk is full" in state.error


@pytest.mark.fault(95)
def test_a_job_that_could_not_be_started_is_not_listed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StorageError("No process can be started.")

    monkeypatch.setattr(start, "spawn", refuse)
    with pytest.raises(StorageError, match="No process"):
        start_get(workspace, "drawn10")
    assert read_job(dataset_job(workspace, "drawn10")) is None
    assert {item.name: item.state for item in list_datasets(workspace)}["drawn10"] == "absent"
