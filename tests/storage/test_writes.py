"""Whatever writes into the workspace is done completely or not at all, at whichever of its writes it fails or dies.

Training is looked at by `tests.runs.training.crashes` in the same way. Each work below is tried with a fault at every
call; after each try everything else in the workspace is as it was, the error is a sentence of ours, and once more makes
it whole.
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
from dataclasses import asdict, dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cifar_core.data import delete_dataset
from cifar_core.data.preparation import Request, read_job
from cifar_core.data.prepare_process import run_job
from cifar_core.data.sources import cifar10, official_reader
from cifar_core.data.sources.cifar10 import OfficialFiles, get_cifar10
from cifar_core.data.sources.download import Line, Remote, fetch
from cifar_core.errors import CifarCoreError, StorageError
from cifar_core.export import save_samples, zip_samples
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
from tests.runs.zips_of_runs import RUN, STORED, packed_run, store

LINE = Line(schemes=("http",))
CONTENT = bytes(range(256)) * 3000  # three pieces of a download
_MOMENT = re.compile(r"^trash/\d{8}-\d{6}-\d{3}-")
FIXTURES = STORED.parent.parent
Files = dict[str, bytes]
Do = Callable[[Workspace], object]


@dataclass(frozen=True)
class Work:
    """Something that writes, and where."""

    do: Do
    place: tuple[str, ...]  # beginnings of all paths in the workspace that it makes or removes
    between: str = "\n"  # the beginning of what a try may leave for the next one to go on with


@contextlib.contextmanager
def serving(content: bytes) -> Iterator[str]:
    """The address of a file on this machine, of which parts can be had."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            with contextlib.suppress(OSError):  # whoever asked has died
                self.wfile.write(content[start:])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

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
    """A workspace, sorted by whose the files are: paths in it with contents, folders with empty ones."""

    made: Files  # by the work
    rest: Files
    left: list[str]  # unfinished ones


def view(workspace: Workspace, work: Work) -> View:
    """Locks, and what is told of jobs, are left out; so is the moment in the names of deleted runs."""
    found = View({}, {}, [])
    for path in sorted(workspace.root.rglob("*")):
        name = _MOMENT.sub("trash/", path.relative_to(workspace.root).as_posix())
        content = b"" if path.is_dir() else path.read_bytes()
        if TEMP_MARK in name:
            found.left.append(name)
        elif path.suffix == ".lock" or name.startswith(("data/.jobs", work.between)):
            continue
        elif name.startswith(work.place):
            found.made[name] = content
        else:
            found.rest[name] = content
    return found


def attempt(workspace: Workspace, do: Do, plan: str) -> tuple[str, str, bool]:
    """Do it under a fault: how it ended (done, refused or died), the sentence, and whether the fault struck."""
    told = workspace.root.parent / "told"

    def work() -> int:
        faults.arm(plan)
        outcome, sentence = "done", ""
        try:
            do(workspace)
        except CifarCoreError as error:
            outcome, sentence = "refused", str(error)
        told.write_text(json.dumps([outcome, sentence, faults.was_injected()]))
        return 0

    code = forked(work)
    if code == faults.EXIT_CODE:
        return "died", "", True
    demand(code == 0, "an error that is none of ours")
    outcome, sentence, struck = json.loads(told.read_text())
    return outcome, sentence, struck


def start_again(workspace: Workspace) -> None:
    """Open the workspace an hour later."""
    for path in workspace.root.rglob(f"{TEMP_MARK}*"):
        os.utime(path, (0, 0))
    open_workspace(workspace.root)


def case(template: Path, work: Work, whole: View, plan: str) -> bool:
    """One case: what must hold after a try; whether the fault struck at all."""
    workspace = fresh(template)
    before = view(workspace, work)
    outcome, sentence, struck = attempt(workspace, work.do, plan)
    demand(struck or outcome == "done", f"nothing failed, but it was {outcome}: {sentence}")
    if outcome == "refused":
        demand(sentence.endswith(".") and "\n" not in sentence, f"the sentence is {sentence!r}")
        demand("disk" in sentence or "No permission" in sentence, f"the sentence is {sentence!r}")
        demand(not view(workspace, work).left or "remove" in plan, f"left: {view(workspace, work).left}")
    elif outcome == "died":
        start_again(workspace)
    after = view(workspace, work)
    demand(after.made == whole.made or (outcome != "done" and after.made == before.made), f"half: {sorted(after.made)}")
    demand(after.rest == before.rest, "something else has changed")
    if after.made != whole.made:
        demand(attempt(workspace, work.do, "")[:2] == ("done", ""), "once more, it fails")
    start_again(workspace)
    demand(view(workspace, work) == whole, "once more, it is not whole")
    return struck


def fresh(template: Path) -> Workspace:
    """A copy of a workspace, in the place of the one before."""
    root = template.with_name("workspace")
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template, root)
    return Workspace(root)


def try_everything(template: Path, work: Work, step: int) -> None:
    """All cases of a work."""
    workspace = fresh(template)
    assert attempt(workspace, work.do, "") == ("done", "", False)
    start_again(workspace)
    whole = view(workspace, work)
    assert not whole.left
    struck = inject_everywhere(lambda plan: case(template, work, whole, plan), step)
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


steps = pytest.mark.parametrize("step", [23, pytest.param(1, marks=pytest.mark.slow)])


@pytest.mark.fault(14, 60)
@steps
def test_importing_pictures(template: Path, tmp_path: Path, step: int) -> None:
    """By the job, which also tells how far it is; of an upload of ours the archive goes."""
    packed = write_zip(small_set(train=2, test=1), tmp_path / "mine.zip")

    def do(workspace: Workspace) -> None:
        upload = workspace.data / f"{TEMP_MARK}upload"
        shutil.copyfile(packed, upload)
        write_request(workspace, Request("import", str(upload), remove_source=True, shown="mine.zip"))
        run_job(workspace, "mine")
        job = read_job(workspace, "mine")
        if job is not None and job.state == "failed":
            raise StorageError(job.error)

    try_everything(template, Work(do, ("data/mine",)), step)


def write_request(workspace: Workspace, request: Request) -> None:
    """What `start_import` leaves for the job, written past the faults."""
    folder = workspace.data / ".jobs" / "mine"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "job.json").write_text(json.dumps({"schema_version": 1, **asdict(request)}))


@pytest.mark.fault(14, 63)
@steps
def test_downloading(template: Path, step: int) -> None:
    """What was fetched before a fault is gone on with."""

    def do(workspace: Workspace) -> None:
        remote = Remote(url, len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "Without a network: by hand.")
        fetch(remote, workspace.data / "file", lambda _done, _total: None, LINE)

    with serving(CONTENT) as url:
        try_everything(template, Work(do, ("data/file",), "data/file.part"), step)


@pytest.mark.fault(14, 60, 63)
@steps
def test_getting_cifar10(template: Path, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Download, unpacking and saving."""
    files, archive = small_official(tmp_path)

    def read(root: Path, files: OfficialFiles, _progress: object) -> None:
        write_json(root / "files.json", asdict(files), durable=False)
        official_reader.read(root)

    monkeypatch.setattr(cifar10, "_read_in_own_process", read)  # else it takes seconds to load torch
    with serving(archive) as url:
        do: Do = lambda workspace: get_cifar10(workspace, files=replace(files, url=url), line=LINE)  # noqa: E731
        try_everything(template, Work(do, ("data/cifar10",), "data/.downloads"), step)


def small_official(place: Path) -> tuple[OfficialFiles, bytes]:
    """A few pictures as the official archive, and how to know it."""
    inside = {
        "data_batch_1": batch(6, 1)[0],
        "test_batch": batch(4, 3)[0],
        "batches.meta": pickle.dumps({"label_names": CLASSES}),
    }
    packed = write_tar({f"batches/{name}": content for name, content in inside.items()}, place / "small.tar.gz")
    archive = packed.read_bytes()
    train, test, meta = ((name, md5(content)) for name, content in inside.items())
    digest = hashlib.sha256(archive).hexdigest()
    return OfficialFiles("", packed.name, len(archive), digest, "batches", (train,), (test,), meta), archive


@pytest.mark.fault(14, 65)
@steps
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_saving_pictures(template: Path, form: str, step: int) -> None:
    few = Case(3)

    def folder(workspace: Workspace) -> None:
        save_samples(workspace, *few.arguments, label="", out=workspace.exports / "some")

    def packed(workspace: Workspace) -> None:
        zip_samples(*few.arguments, workspace.exports / "some.zip")

    try_everything(template, Work(folder if form == "folder" else packed, ("exports/some",)), step)


@pytest.mark.fault(14, 66)
@steps
def test_exporting_a_run(template: Path, step: int) -> None:
    try_everything(template, Work(lambda workspace: export_run(workspace, RUN), ("exports/",)), step)


@pytest.mark.fault(14)
@steps
def test_importing_a_run(template: Path, tmp_path: Path, step: int) -> None:
    shutil.rmtree(template / "runs" / RUN)
    packed = packed_run(open_workspace(tmp_path / "elsewhere"))
    identity = import_run(open_workspace(tmp_path / "third"), packed).run
    try_everything(template, Work(lambda workspace: import_run(workspace, packed), (f"runs/{identity}",)), step)


@pytest.mark.fault(14)
@pytest.mark.parametrize("what", ["dataset", "run", "trash"])
def test_removing(template: Path, what: str) -> None:
    work = {
        "dataset": Work(lambda workspace: delete_dataset(workspace, "tiny"), ("data/tiny",)),
        "run": Work(lambda workspace: delete_run(workspace, RUN), (f"runs/{RUN}", "trash/")),
        "trash": Work(empty_trash, ("trash/",)),
    }[what]
    try_everything(template, work, 1)


@pytest.mark.fault(14)
def test_bringing_a_run_back(template: Path) -> None:
    shutil.rmtree(template / "runs" / RUN)
    try_everything(template, Work(lambda workspace: restore_run(workspace, RUN), ("runs/", "trash/")), 1)
