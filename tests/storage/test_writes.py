"""Every action that writes into the workspace is done completely or not at all, wherever it fails or dies.

`tests.runs.training.crashes` does the same for a training. Each action below is tried with a fault at every call. After
each try everything else in the workspace is unchanged, the error is a sentence of this library, and another try
completes the action.
"""

import contextlib
import hashlib
import json
import os
import pickle
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cifar_core.data import dataset_job, delete_dataset, restore_dataset
from cifar_core.data.preparation import DataRequest
from cifar_core.data.prepare_process import prepare
from cifar_core.data.sources import cifar10, official_reader
from cifar_core.data.sources.cifar10 import OfficialFiles, get_cifar10
from cifar_core.data.sources.download import Connection, Remote, fetch
from cifar_core.errors import CifarCoreError, StorageError
from cifar_core.export import save_samples, zip_samples
from cifar_core.jobs.job import read_job
from cifar_core.jobs.process import do_job
from cifar_core.runs import delete_run, export_run, import_run, restore_run
from cifar_core.runs.control.trash import empty_trash
from cifar_core.storage import faults
from cifar_core.storage.atomic import TEMP_MARK
from cifar_core.storage.json_files import write_json
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.data.conftest import small_set, write_tar, write_zip
from tests.data.sources.test_cifar10 import CLASSES, batch, md5
from tests.export.test_pictures import Case
from tests.fault_injection import demand, forked, inject_everywhere
from tests.runs.exported_runs import RUN, STORED, packed_run, store

CONNECTION = Connection(schemes=("http",))
CONTENT = bytes(range(256)) * 3000  # three pieces of a download
_CHECK = re.compile(r"^data/[^/]+/check")
_MOMENT = re.compile(r"(?<=trash/)\d{8}-\d{6}-\d{3}-")
FIXTURES = STORED.parent.parent
Files = dict[str, bytes]
Do = Callable[[Workspace], object]


@dataclass(frozen=True)
class Action:
    """An action that writes, and where."""

    do: Do
    place: tuple[str, ...]  # beginnings of all paths in the workspace that it creates or removes
    between: str = "\n"  # beginning of the paths that a failed try may leave for the next one to continue


@contextlib.contextmanager
def serving(content: bytes) -> Iterator[str]:
    """The URL of a file on this machine, of which parts can be requested."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            with contextlib.suppress(OSError):  # the client has died
                self.wfile.write(content[start:])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Print nothing."""

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{web.server_port}/file"
    finally:
        web.shutdown()
        thread.join()
        web.server_close()


@dataclass(frozen=True)
class View:
    """The files of a workspace by who wrote them: path -> content, which is empty for a folder."""

    made: Files  # by the action
    rest: Files
    left: list[str]  # unfinished files


def view(workspace: Workspace, action: Action) -> View:
    """Without locks, states of jobs, checks (made again where absent) and the time in the names of what was deleted."""
    found = View({}, {}, [])
    for path in sorted(workspace.root.rglob("*")):
        name = _MOMENT.sub("", path.relative_to(workspace.root).as_posix())
        content = b"" if path.is_dir() else path.read_bytes()
        if TEMP_MARK in name:
            found.left.append(name)
        elif path.suffix == ".lock" or _CHECK.search(name) or name.startswith(("data/.jobs", action.between)):
            continue
        elif name.startswith(action.place):
            found.made[name] = content
        else:
            found.rest[name] = content
    return found


def attempt(workspace: Workspace, do: Do, plan: str) -> tuple[str, str, bool]:
    """Do it with a fault: how it ended (done, refused or died), the sentence, and whether the fault happened."""
    result = workspace.root.parent / "result"

    def work() -> int:
        faults.arm(plan)
        outcome, sentence = "done", ""
        try:
            do(workspace)
        except CifarCoreError as error:
            outcome, sentence = "refused", str(error)
        result.write_text(json.dumps([outcome, sentence, faults.was_injected()]))
        return 0

    code = forked(work)
    if code == faults.EXIT_CODE:
        return "died", "", True
    demand(code == 0, "an error of another library")
    outcome, sentence, struck = json.loads(result.read_text())
    return outcome, sentence, struck


def start_again(workspace: Workspace) -> None:
    """Open the workspace an hour later."""
    for path in workspace.root.rglob(f"{TEMP_MARK}*"):
        os.utime(path, (0, 0))
    open_workspace(workspace.root)


def case(template: Path, action: Action, whole: View, plan: str) -> bool:
    """One case: what must hold after a try; returns whether the fault happened."""
    workspace = fresh(template)
    before = view(workspace, action)
    outcome, sentence, struck = attempt(workspace, action.do, plan)
    demand(struck or outcome == "done", f"nothing failed, but it was {outcome}: {sentence}")
    if outcome == "refused":
        demand(sentence.endswith(".") and "\n" not in sentence, f"the sentence is {sentence!r}")
        demand("disk" in sentence or "No permission" in sentence, f"the sentence is {sentence!r}")
        demand(not view(workspace, action).left or "remove" in plan, f"left: {view(workspace, action).left}")
    elif outcome == "died":
        start_again(workspace)
    after = view(workspace, action)
    demand(
        after.made == whole.made or (outcome != "done" and after.made == before.made),
        f"incomplete: {sorted(after.made)}",
    )
    demand(after.rest == before.rest, "something else has changed")
    if after.made != whole.made:
        demand(attempt(workspace, action.do, "")[:2] == ("done", ""), "another try fails")
    start_again(workspace)
    demand(view(workspace, action) == whole, "after another try it is not complete")
    return struck


def fresh(template: Path) -> Workspace:
    """A new copy of a workspace, in the place of the last one."""
    root = template.with_name("workspace")
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template, root)
    return Workspace(root)


def try_everything(template: Path, action: Action, step: int) -> None:
    """All cases of an action."""
    workspace = fresh(template)
    assert attempt(workspace, action.do, "") == ("done", "", False)
    start_again(workspace)
    whole = view(workspace, action)
    assert not whole.left
    struck = inject_everywhere(lambda plan: case(template, action, whole, plan), step)
    assert any(struck.values())


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A workspace with a dataset, two runs that have ended, one in the trash, and settings."""
    workspace = open_workspace(tmp_path / "template")
    save_tiny(workspace, train=20, test=10)
    store(workspace)
    delete_run(workspace, RUN)
    store(workspace)
    shutil.copytree(FIXTURES / "schema-2", workspace.runs, dirs_exist_ok=True)
    (workspace.root / "settings.json").write_text('{"slots": 2}')
    return workspace.root


steps = pytest.mark.parametrize("step", [47, pytest.param(5, marks=pytest.mark.slow)])


@pytest.mark.fault(14, 60)
@steps
def test_importing_pictures(template: Path, tmp_path: Path, step: int) -> None:
    """By the job, which also writes its progress, and removes the archive of an upload once it is imported."""
    packed = write_zip(small_set(train=2, test=1), tmp_path / "mine.zip")

    def do(workspace: Workspace) -> None:
        upload = workspace.data / ".jobs" / "mine" / "upload"
        upload.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(packed, upload)
        write_request(workspace, DataRequest("import", str(upload), is_upload=True, shown="mine.zip"))
        do_job(dataset_job(workspace, "mine"), DataRequest, prepare)
        job = read_job(dataset_job(workspace, "mine"))
        if job is not None and job.state == "failed":
            raise StorageError(job.error)
        assert not upload.exists()

    try_everything(template, Action(do, ("data/mine",)), step)


def write_request(workspace: Workspace, request: DataRequest) -> None:
    """What `start_import` writes for the job, here without faults."""
    folder = workspace.data / ".jobs" / "mine"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "job.json").write_text(json.dumps({"schema_version": 1, **asdict(request)}))


@pytest.mark.fault(14, 63)
@steps
def test_downloading(template: Path, step: int) -> None:
    """A download continues after what was fetched before the fault."""

    def do(workspace: Workspace) -> None:
        remote = Remote(url, len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "Without a network: by hand.")
        fetch(remote, workspace.data / "file", lambda _done, _total: None, CONNECTION)

    with serving(CONTENT) as url:
        try_everything(template, Action(do, ("data/file",), "data/file.part"), step)


@pytest.mark.fault(14, 60, 63)
@steps
def test_getting_cifar10(template: Path, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Download, unpacking and saving."""
    files, archive = small_official(tmp_path)
    length, digest = len(archive), hashlib.sha256(archive).hexdigest()

    def read(root: Path, files: OfficialFiles, _progress: object) -> None:
        write_json(root / "files.json", asdict(files), durable=False)
        official_reader.read(root)

    monkeypatch.setattr(cifar10, "_read_in_subprocess", read)  # otherwise it takes seconds to load PyTorch
    with serving(archive) as url:
        remote = Remote(url, length, digest, "")
        do: Do = lambda workspace: get_cifar10(  # noqa: E731
            workspace, files=files, archive=remote, connection=CONNECTION
        )
        try_everything(template, Action(do, ("data/cifar10",), "data/.downloads"), step)


def small_official(place: Path) -> tuple[OfficialFiles, bytes]:
    """A few pictures as an official archive, and its description."""
    inside = {
        "data_batch_1": batch(6, 1)[0],
        "test_batch": batch(4, 3)[0],
        "batches.meta": pickle.dumps({"label_names": CLASSES}),
    }
    packed = write_tar({f"batches/{name}": content for name, content in inside.items()}, place / "small.tar.gz")
    archive = packed.read_bytes()
    train, test, meta = ((name, md5(content)) for name, content in inside.items())
    return OfficialFiles("cifar10", "CIFAR-10", packed.name, "batches", (train,), (test,), meta, "label_names"), archive


@pytest.mark.fault(14, 65)
@steps
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_saving_pictures(template: Path, form: str, step: int) -> None:
    few = Case(3)

    def folder(workspace: Workspace) -> None:
        save_samples(workspace, *few.arguments, label="", out=workspace.exports / "some")

    def packed(workspace: Workspace) -> None:
        zip_samples(*few.arguments, workspace.exports / "some.zip")

    try_everything(template, Action(folder if form == "folder" else packed, ("exports/some",)), step)


@pytest.mark.fault(14, 66)
@steps
def test_exporting_a_run(template: Path, step: int) -> None:
    try_everything(template, Action(lambda workspace: export_run(workspace, RUN), ("exports/",)), step)


@pytest.mark.fault(14)
@steps
def test_importing_a_run(template: Path, tmp_path: Path, step: int) -> None:
    shutil.rmtree(template / "runs" / RUN)
    packed = packed_run(open_workspace(tmp_path / "elsewhere"))
    identity = import_run(open_workspace(tmp_path / "third"), packed).run
    try_everything(template, Action(lambda workspace: import_run(workspace, packed), (f"runs/{identity}",)), step)


@pytest.mark.fault(14)
@pytest.mark.parametrize("what", ["dataset", "run", "trash"])
def test_removing(template: Path, what: str) -> None:
    action = {
        "dataset": Action(lambda workspace: delete_dataset(workspace, "tiny"), ("data/tiny", "data/.trash/")),
        "run": Action(lambda workspace: delete_run(workspace, RUN), (f"runs/{RUN}", "trash/")),
        "trash": Action(empty_trash, ("trash/",)),
    }[what]
    (template / "data" / ".trash").mkdir(exist_ok=True)
    try_everything(template, action, 1)


@pytest.mark.fault(14)
def test_restoring_a_run(template: Path) -> None:
    shutil.rmtree(template / "runs" / RUN)
    try_everything(template, Action(lambda workspace: restore_run(workspace, RUN), ("runs/", "trash/")), 1)


@pytest.mark.fault(14)
def test_restoring_a_dataset(template: Path) -> None:
    delete_dataset(open_workspace(template), "tiny")
    places = ("data/tiny", "data/.trash/")
    try_everything(template, Action(lambda workspace: restore_dataset(workspace, "tiny"), places), 1)
