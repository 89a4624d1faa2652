"""Arbitrary content in the files of runs, of the queue and of the machine's speed: a result or a CifarCoreError.

No reader changes a file, hides another run, takes long, or takes much memory.
"""

import io
import json
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_core.config import make_config
from cifar_core.errors import CifarCoreError
from cifar_core.lifecycle.queue import tickets
from cifar_core.lifecycle.status import read_state
from cifar_core.models import list_models
from cifar_core.runs import (
    epoch_ends,
    export_run,
    list_runs,
    list_trash,
    pause_run,
    queue_places,
    read_metrics,
    read_predictions,
    read_run,
    read_speed,
    stop_run,
    verify_run,
    worker_log_tail,
)
from cifar_core.runs.estimate.estimate import epoch_seconds
from cifar_core.runs.estimate.speed import SPEED_FILE, machine_name
from cifar_core.runs.hashed_tensors import DamagedError, check_hash, with_hash
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace, open_workspace
from tests.mutations import as_json, other_bytes, other_json
from tests.runs.conftest import snapshot
from tests.runs.exported_runs import STORED

NEWER = STORED  # of the present schema
OLDER = STORED.parent.parent / "schema-2" / "neat-ibis-htujd"
EVERY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
COSTS = {"per_step": 1e-3, "per_picture": 1e-6, "per_flop": 1e-12, "per_value": 0.0, "forward": 0.4}
SPEED = as_json(
    {
        "machine": machine_name(),
        "threads": 1,
        "start_up": 3.0,
        "known": {"x": 0.01},
        "costs": dict.fromkeys(list_models(), COSTS),
    }
)
RECORDS = ("config.json", "status.json", "about.json", "facts.json", "metrics.jsonl")
FILES = [(NEWER, name) for name in RECORDS]
FILES += [(NEWER, name) for name in ("predictions/test.npz", "predictions/test-0001.npy", "best/0002.safetensors")]
FILES += [(OLDER, name) for name in ("config.json", "predictions.npz", "history/test-0001.npy")]
MAX_SECONDS = 2.0  # for all readers of one run together; they take some 20 ms
MAX_MEMORY = 150  # MB that they may take in addition


def peak_mb() -> float:
    """The peak of this process's memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def readers(workspace: Workspace, run_id: str) -> Iterator[Callable[[], object]]:
    """All functions that read a run."""
    out = workspace.root.parent / "out.zip"
    yield lambda: read_run(workspace, run_id)
    yield lambda: read_metrics(workspace, run_id)
    yield lambda: epoch_ends(workspace, run_id)
    yield lambda: [problem.encode() for problem in verify_run(workspace, run_id)]
    yield lambda: worker_log_tail(workspace, run_id)
    for epoch in (None, 1, 3, 7):
        yield lambda epoch=epoch: read_predictions(workspace, run_id, epoch)  # type: ignore[misc]
    yield lambda: export_run(workspace, run_id, out)
    out.unlink(missing_ok=True)


def check_readers(workspace: Workspace, changed: str = NEWER.name) -> None:
    """Check that each reader gives a result or a one-line error, no file changes, and the other run can be read."""
    before, began, memory = snapshot(workspace.root), time.process_time(), peak_mb()
    listed = {run.id: run for run in list_runs(workspace)}
    (other,) = {OLDER.name, NEWER.name} & listed.keys() - {changed} or {changed}
    assert changed in listed and (other == changed or not listed[other].problem)
    assert "\n" not in listed[changed].problem
    queue_places(list(listed.values()), 1)
    for read in readers(workspace, changed):
        try:
            read()
        except CifarCoreError as error:
            assert str(error) and "\n" not in str(error), str(error)[:300]
    assert snapshot(workspace.root) == before
    assert time.process_time() - began < MAX_SECONDS
    assert peak_mb() - memory < MAX_MEMORY


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the stored runs of two schemas; the tests change one of them."""
    workspace = open_workspace(tmp_path_factory.mktemp("any") / "workspace")
    for stored in (OLDER, NEWER):
        shutil.copytree(stored, workspace.runs / stored.name)
        check_readers(workspace, stored.name)
    return workspace


@pytest.mark.fault(3, 5, 7, 8)
@pytest.mark.parametrize(("stored", "name"), FILES, ids=[f"{stored.parent.name} {name}" for stored, name in FILES])
@settings(EVERY, max_examples=25)
@given(data=st.data())
def test_any_file_of_a_run(both: Workspace, stored: Path, name: str, data: st.DataObject) -> None:
    folder = both.runs / stored.name
    good = (stored / name).read_bytes()
    kinds = other_json(good) if name.endswith(".json") else other_lines(good) if name in RECORDS else other_bytes(good)
    try:
        (folder / name).write_bytes(data.draw(kinds))
        check_readers(both, stored.name)
    finally:
        (folder / name).write_bytes(good)


@pytest.mark.parametrize("name", ["predictions/test.npz", "predictions/test-0001.npy"])
def test_an_error_of_numpy_with_three_lines_becomes_one_line(both: Workspace, name: str) -> None:
    """NumPy gives such an error for a header that is longer than it accepts."""
    path = both.runs / NEWER.name / name
    good = path.read_bytes()
    try:
        path.write_bytes(b"\x93NUMPY\x01\x00" + (10_001).to_bytes(2, "little") + bytes(10_001))
        check_readers(both)
        problems = verify_run(both, NEWER.name)
        assert any(
            "does not hold plain numbers" in line or "not a zip" in line.lower() for line in problems
        ) and not any("\n" in line for line in problems)
    finally:
        path.write_bytes(good)


def other_lines(content: bytes) -> st.SearchStrategy[bytes]:
    """Lines of JSON, one of them replaced."""
    lines = content.splitlines()
    place = st.integers(0, len(lines) - 1)
    one = place.flatmap(
        lambda at: other_json(lines[at]).map(lambda line: b"\n".join([*lines[:at], line, *lines[at + 1 :], b""]))
    )
    return one | other_bytes(content)


@pytest.mark.fault(32)
@settings(EVERY, max_examples=25)
@given(data=st.data())
def test_moves_of_a_run_with_any_status(both: Workspace, data: st.DataObject) -> None:
    """Stopping and pausing work or raise a CifarCoreError, and what they write can be read."""
    status = both.runs / NEWER.name / "status.json"
    good = status.read_bytes()
    named = st.sampled_from(["queued", "running", "paused", "finished", "stopped", "failed", "interrupted"])
    valid = named.map(lambda value: json.dumps({**json.loads(good), "status": value}).encode())
    try:
        status.write_bytes(data.draw(valid | other_json(good)))
        for move in (pause_run, stop_run):
            with suppress(CifarCoreError):
                move(both, NEWER.name)
                read_state(RunFolder(status.parent))
    finally:
        status.write_bytes(good)
        for name in ("control-stop", "control-pause", "worker.lock", "training.lock"):
            (status.parent / name).unlink(missing_ok=True)


@pytest.mark.fault(21)
@settings(EVERY, max_examples=25)
@given(
    names=st.lists(st.from_regex(r"[0-9]{0,30}-?[a-z0-9-]{0,20}", fullmatch=True) | st.text(max_size=30), max_size=5)
)
def test_any_tickets_in_the_queue(both: Workspace, names: list[str]) -> None:
    """Numbers of any length, runs that do not exist, and files that are not tickets."""
    home = both.runs / ".queue"
    home.mkdir()
    try:
        for name in names:
            with suppress(OSError, ValueError):  # not a possible file name
                (home / name).write_bytes(b"")
        assert all(isinstance(number, int) for number in tickets(both).values())
        check_readers(both)
    finally:
        shutil.rmtree(home)


@settings(EVERY, max_examples=25)
@given(name=st.text(max_size=40) | st.from_regex(r"[0-9]{8}-[0-9]{6}-[0-9]{3}-[a-z0-9-]{1,9}", fullmatch=True))
def test_any_folder_in_the_trash_and_beside_the_runs(both: Workspace, name: str) -> None:
    made = []
    for place in (both.trash, both.runs):
        with suppress(OSError, ValueError):
            (place / name).mkdir()
            made.append(place / name)
    try:
        assert len(list_trash(both)) <= 1
        check_readers(both)
    finally:
        for path in made:
            path.rmdir()


@settings(EVERY, max_examples=25)
@given(data=st.data())
def test_any_speed_file(both: Workspace, data: st.DataObject) -> None:
    """A speed that measuring can give is used; any other content counts as no speed."""
    path = both.root / SPEED_FILE
    path.write_bytes(data.draw(other_json(SPEED)))
    try:
        found = read_speed(both)
        if found is not None:
            for model in found.costs.keys() & set(list_models()):
                seconds = epoch_seconds(
                    found, make_config({"model": model}), classes=10, train=50_000, validation=0, test=10_000
                )
                assert 0 < seconds < float("inf")
    finally:
        path.unlink()


@pytest.mark.fault(8)
@settings(EVERY, max_examples=200)
@given(
    content=other_bytes(b"".join(with_hash((NEWER / "best/0002.safetensors").read_bytes()))) | st.binary(max_size=100)
)
def test_any_bytes_of_a_hashed_file(content: bytes) -> None:
    for required in (True, False):
        with suppress(DamagedError):
            check_hash(io.BytesIO(content), required=required)
