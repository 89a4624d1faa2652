"""Whatever lies in a zip, run, dataset, job or trash folder, every page and `runs` command answers and hides no run.

A value may be allowed by itself and yet be one that a page cannot show, such as a moment in the year 1. What import
accepts, and what reading accepts, must be what everything after it can handle.
"""

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_core.__main__ import main
from cifar_core.errors import CifarCoreError
from cifar_core.interrupts import ctrl_c_noted
from cifar_core.runs import Run, delete_run, export_run, import_run, list_runs, list_trash, read_run
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace, open_workspace
from tests.mutations import as_json, other_json, places
from tests.pages.support import OpenPage, said
from tests.pages.test_all_pages import PAGES
from tests.runs.conftest import ended_run, snapshot
from tests.runs.exported_runs import edit, members, rewrite

JSON_FILES = ("config.json", "status.json", "about.json", "facts.json")
FILES = (*JSON_FILES, "metrics.jsonl")
MOMENTS = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "9999-06-01T00:00:00+00:00",
    "2999-12-31T23:59:59+00:00",
    "1970-01-01T00:00:00+00:00",
    "1969-12-31T23:00:00-12:00",
    "2050-02-29T00:00:00Z",
    "2050-01-01T00:00:00+05:45",
    "20260101T00Z",
)
NUMBERS = (0, 1, -1, 0.5, 1.5, 1e-300, 1e300, 2**31, 2**53 - 1, 2**53, 2**63, 10**19, -0.0)
TEXTS = (
    "",
    "x" * 64,
    "x" * 2000,
    "![x](http://host/p.png)",
    ":material/x: $a$ <b>",
    "🦊" * 30,
    "../../etc",
    "con",
    "-",
    "'\"\\",
)
TRASH = st.sampled_from(
    [
        "99991231-235959-999-quiet-otter-7f3a",
        "00010101-000000-000-quiet-otter-7f3a",
        "19700101-000000-000-a",
        "20991231-235959-999-later",
        "20260229-000000-000-no-such-day",
        "20261128-120000-000-con",
        "notes",
        "-",
        "Ünïcode 🦊",
        "[x](y)",
    ]
) | st.from_regex(r"[0-9]{8}-[0-9]{6}-[0-9]{3}-[a-z0-9-]{1,9}", fullmatch=True)
COMMANDS = tuple(
    tuple(words.split())
    for words in (
        "runs list",
        "runs list --json",
        "runs show RUN",
        "runs show RUN --json",
        "runs show latest",
        "runs verify RUN",
        "runs trash",
        "runs trash --json",
        "runs export RUN",
        "runs stop RUN",
        "runs pause RUN",
        "runs resume no-such-run",
        "runs restore no-such-run",
        "runs delete RUN",
        "runs restore RUN",
        "analyze RUN --top 3",
    )
)
JOB = {
    "name": "job",
    "kind": "import",
    "state": "running",
    "phase": "Reading",
    "done": 3,
    "total": 9,
    "unit": "files",
    "seconds_left": 2.5,
    "error": "",
    "report": ["a.png is none"],
}
EVERY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@st.composite
def extreme(draw: st.DrawFn, content: Any) -> Any:
    """JSON with one or two of its values replaced by the ends of what their type holds."""
    changed = json.loads(json.dumps(content))
    there = [(holder, key) for holder, key in places(changed) if not isinstance(holder[key], dict | list)]
    for _ in range(draw(st.integers(1, 2)) if there else 0):
        holder, key = there[draw(st.integers(0, len(there) - 1))]
        kinds = (
            NUMBERS
            if isinstance(holder[key], int | float) and not isinstance(holder[key], bool)
            else (*TEXTS, *MOMENTS)
        )
        holder[key] = draw(st.sampled_from([*(MOMENTS if key == "created" else kinds), None]))
    return changed


def changed_file(name: str, good: bytes, *, wild: bool) -> st.SearchStrategy[bytes]:
    """A file of a run with other values; `wild` ones may be anything at all."""
    if name in JSON_FILES:
        mild = extreme(json.loads(good)).map(as_json)
        return mild | other_json(good) if wild else mild
    lines = good.splitlines()
    first = extreme(json.loads(lines[0])).map(as_json)
    return first.map(lambda line: b"\n".join([line, *lines[1:], b""]))


@pytest.fixture(scope="module")
def packed(finished: Run, shared: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of an honest run."""
    return export_run(shared, finished.id, tmp_path_factory.mktemp("zip") / "run.zip")


@pytest.fixture(scope="module")
def base(finished: Run, shared: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the dataset and an honest run."""
    workspace = open_workspace(tmp_path_factory.mktemp("base") / "workspace")
    shutil.copytree(shared.data, workspace.data, dirs_exist_ok=True)
    honest = workspace.runs / "honest"
    shutil.copytree(shared.runs / finished.id, honest)
    config = edit(id="honest")((honest / "config.json").read_bytes())  # another run than that of the zip
    (honest / "config.json").write_bytes(config)
    (honest / "about.json").write_text('{"name": "honest", "note": "one of many"}', "utf-8")
    return workspace


@contextlib.contextmanager
def guests(base: Workspace) -> Any:
    """The base for one example: what comes into it goes again."""
    before = {place: set(place.iterdir()) for place in (base.runs, base.trash, base.exports, base.data)}
    try:
        yield base
    finally:
        for place, items in before.items():
            for item in set(place.iterdir()) - items:
                shutil.rmtree(item) if item.is_dir() else item.unlink()


def command(workspace: Workspace, *arguments: str) -> str:
    """Run a command in this process; it gives a result or one sentence. Returns what it said."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["cifar_core", *arguments, "--workspace", str(workspace.root)]
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.object(sys, "excepthook", sys.excepthook),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        ctrl_c_noted(),
    ):
        code = main()
    assert code in (0, 1, 2), (arguments, code)
    assert "unexpected error" not in err.getvalue() and "Traceback" not in err.getvalue(), err.getvalue()
    return out.getvalue() + err.getvalue()


def answers(open_page: OpenPage, workspace: Workspace, run_id: str) -> None:
    """All pages and all `runs` commands answer, and the honest run is there in each list."""
    for page in PAGES:
        app = open_page(workspace, page, run=run_id)
        assert app.title, page
    for arguments in COMMANDS:
        told = command(workspace, *(word.replace("RUN", run_id) for word in arguments))
        assert arguments[1] != "list" or "honest" in told


def try_zip(open_page: OpenPage, base: Workspace, packed: Path, target: Path, changes: Mapping[str, bytes]) -> None:
    """A zip is refused and nothing changes, or its run is one that everything can deal with."""
    with guests(base) as workspace:
        before = snapshot(workspace.root)
        try:
            run_id = import_run(workspace, rewrite(packed, target, changes)).run
        except CifarCoreError:
            assert snapshot(workspace.root) == before
            return
        assert not read_run(workspace, run_id).problem
        answers(open_page, workspace, run_id)


def try_folder(open_page: OpenPage, base: Workspace, changes: Mapping[str, bytes]) -> None:
    """A run folder with other files is a run that can be read, or a line that says why it cannot."""
    with guests(base) as workspace:
        shutil.copytree(workspace.runs / "honest", workspace.runs / "odd")
        for name, content in changes.items():
            (workspace.runs / "odd" / name).write_bytes(content)
        assert {run.id: bool(run.problem) for run in list_runs(workspace)}["honest"] is False
        answers(open_page, workspace, "odd")


@pytest.fixture
def select_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Runs page with all of its rows ticked."""
    monkeypatch.setattr("pages.ui.runs.ticked_runs.follow_ticks", list)


@pytest.mark.fault(91)
@pytest.mark.parametrize("created", [MOMENTS[0], MOMENTS[1], MOMENTS[3]])
def test_a_run_zip_of_any_moment(
    open_page: OpenPage, select_all: None, base: Workspace, packed: Path, tmp_path: Path, created: str
) -> None:
    try_zip(
        open_page,
        base,
        packed,
        tmp_path / "a.zip",
        {"config.json": edit(created=created)(members(packed)["config.json"])},
    )


@pytest.mark.fault(91)
@settings(EVERY, max_examples=8)
@given(data=st.data())
def test_any_run_zip(
    open_page: OpenPage, select_all: None, base: Workspace, packed: Path, tmp_path: Path, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(FILES))
    changed = data.draw(changed_file(name, members(packed)[name], wild=False))
    try_zip(open_page, base, packed, tmp_path / "a.zip", {name: changed})


@pytest.mark.fault(91, 5)
@settings(EVERY, max_examples=6)
@given(data=st.data())
def test_any_run_folder(open_page: OpenPage, select_all: None, base: Workspace, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES))
    changed = data.draw(changed_file(name, (base.runs / "honest" / name).read_bytes(), wild=True))
    try_folder(open_page, base, {name: changed})


@pytest.mark.fault(91)
@settings(EVERY, max_examples=8)
@given(names=st.lists(TRASH, min_size=1, max_size=4, unique=True))
def test_any_folder_in_the_trash(open_page: OpenPage, base: Workspace, names: list[str]) -> None:
    with guests(base) as workspace:
        for name in names:
            (workspace.trash / name).mkdir()
        gone = ended_run(workspace)
        delete_run(workspace, gone)
        assert sorted(item.path.name for item in list_trash(workspace) if item.id != gone) == sorted(names)
        app = open_page(workspace, "runs")
        told = said(app).replace("\\", "")
        assert all(item.id in told for item in list_trash(workspace) if item.id.isascii())
        assert f"Trash · {len(names) + 1}" in [box.label for box in app.expander]
        for words in ("trash", "trash --json", "list", f"restore {gone}", "trash --empty"):
            command(workspace, "runs", *words.split())
        assert read_run(workspace, gone)
        assert all(item.problem for item in list_trash(workspace)), "all that can be brought back is gone"


@pytest.mark.fault(64, 91)
@settings(EVERY, max_examples=15)
@given(data=st.data())
def test_any_dataset_and_job(open_page: OpenPage, base: Workspace, data: st.DataObject) -> None:
    """The other dataset is there, whatever this one says of itself."""
    meta = json.loads((base.data / "tiny" / "meta.json").read_bytes())
    with guests(base) as workspace:
        shutil.copytree(workspace.data / "tiny", workspace.data / "odd")
        (workspace.data / "odd" / "meta.json").write_bytes(data.draw(extreme(meta).map(as_json)))
        job = workspace.jobs / "job"
        job.mkdir(parents=True)
        (job / "job.json").write_bytes(as_json({"kind": "import", "source": "/a.zip"}))
        (job / "state.json").write_bytes(data.draw(extreme(JOB).map(as_json)))
        with hold_lock(job / "job.lock") if data.draw(st.booleans()) else contextlib.nullcontext():
            for page in ("data", "home", "train"):
                app = open_page(workspace, page, dataset="odd")
                assert page == "train" or "tiny" in said(app).lower()
            for words in ("data list", "data list --json", "train --dataset odd --epochs 0"):
                assert "tiny" in command(workspace, *words.split()) or words.startswith("train")


@pytest.mark.slow
@pytest.mark.fault(91)
@settings(EVERY, max_examples=35)
@given(data=st.data())
def test_any_run_at_length(
    open_page: OpenPage, select_all: None, base: Workspace, packed: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """As above, with more examples, and with several files changed at a time."""
    names = data.draw(st.lists(st.sampled_from(FILES), min_size=1, max_size=3, unique=True))
    wild = data.draw(st.booleans())
    files = members(packed)
    changes = {name: data.draw(changed_file(name, files[name], wild=wild)) for name in names}
    if wild:
        try_folder(open_page, base, changes)
    else:
        try_zip(open_page, base, packed, tmp_path / "a.zip", changes)
