"""The requests that end a run, as its worker and its training process read them: one order, one SIGTERM, one limit."""

import itertools
import math
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from cifar_core.config import make_config
from cifar_core.lifecycle import requests
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.requests import KILLED, EndRequests, persons_request
from cifar_core.lifecycle.states import MOVES, EndRequest, Status
from cifar_core.lifecycle.supervise import LIMIT_SECONDS
from cifar_core.runs import create_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace


@pytest.fixture(autouse=True)
def restored_signal_handler() -> Iterator[None]:
    """Undo that `EndRequests` replaces the handler of SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, which stands still."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    return clock


@pytest.fixture
def folder(workspace: Workspace) -> LifeFolder:
    return run_folder(workspace, create_run(workspace, make_config({"max_seconds": 5})))


MAKE: dict[EndRequest, Callable[[LifeFolder, EndRequests], object]] = {
    EndRequest.STOP: lambda folder, _: folder.stop_file.touch(),
    EndRequest.PAUSE: lambda folder, _: folder.pause_file.touch(),
    EndRequest.GONE: lambda folder, _: shutil.rmtree(folder.path),
    EndRequest.TIME_LIMIT: lambda _, reader: setattr(reader.limit, "_end", -math.inf),
    EndRequest.TERMINATE: lambda _, reader: setattr(reader.termination, "received", True),
    EndRequest.ORPHANED: lambda _, reader: setattr(reader, "_parent", 1),
}


# A folder that is gone has no control files.
PAIRS = [pair for pair in itertools.combinations(EndRequest, 2) if pair[1] is not EndRequest.GONE]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_requests_the_first_of_the_list_counts(
    folder: LifeFolder, first: EndRequest, second: EndRequest
) -> None:
    """In the worker as in the training process; a person's stop comes before everything else."""
    reader = EndRequests(folder, parent=os.getppid())
    for request in (second, first):
        MAKE[request](folder, reader)
    assert reader.now() is first


@pytest.mark.parametrize("request_", EndRequest)
def test_a_request_leads_to_an_end_and_says_why_where_no_person_made_it(
    folder: LifeFolder, request_: EndRequest
) -> None:
    assert all(request_.leads_to in MOVES[status] for status in (Status.QUEUED, Status.RUNNING))
    by_a_person = request_ in (EndRequest.STOP, EndRequest.PAUSE)
    assert bool(EndRequests(folder).reason(request_)) is not by_a_person and KILLED[request_].endswith(".")


@pytest.mark.fault(31)
def test_a_stop_outweighs_a_pause_for_everybody(folder: LifeFolder) -> None:
    """For the worker, the training process, and the process that ends both."""
    folder.pause_file.touch()
    folder.stop_file.touch()
    worker, training = EndRequests(folder), EndRequests(folder, parent=os.getppid())
    assert [worker.now(), training.now(), persons_request(folder)] == [EndRequest.STOP] * 3
    assert EndRequest.STOP.leads_to is Status.STOPPED
    signal.raise_signal(signal.SIGTERM)
    assert training.now() is EndRequest.STOP, "the SIGTERM of the escalation does not make an interruption of it"


def test_a_request_is_noticed_within_the_poll_interval(folder: LifeFolder, now: list[float]) -> None:
    """The disk is not read after every small step; a signal is noticed without reading it."""
    reader = EndRequests(folder, parent=os.getppid())
    assert reader.now() is None
    folder.pause_file.touch()
    assert reader.now() is None
    now[0] += 0.05
    assert reader.now() is EndRequest.PAUSE
    folder.pause_file.unlink()
    signal.raise_signal(signal.SIGTERM)
    assert reader.now() is EndRequest.TERMINATE


@pytest.mark.fault(38)
@pytest.mark.parametrize("grace", [0.0, LIMIT_SECONDS])
def test_the_time_limit_counts_from_the_start_of_the_training(
    folder: LifeFolder, now: list[float], grace: float
) -> None:
    reader = EndRequests(folder, grace=grace)
    now[0] += 1000
    assert reader.now() is None and not reader.limit.has_started
    reader.limit.start()
    now[0] += 4.9 + grace
    assert reader.now() is None
    now[0] += 0.2
    assert reader.now() is EndRequest.TIME_LIMIT
    assert "it trained for its 5 seconds;" in reader.reason(EndRequest.TIME_LIMIT)


@pytest.mark.parametrize("text", ['{"settings": {}}', '{"settings": {"max_seconds": 0}}', "nonsense", "[1]", None])
def test_without_a_limit_no_time_is_too_long(folder: LifeFolder, now: list[float], text: str | None) -> None:
    folder.config.unlink()
    if text is not None:
        folder.config.write_text(text)
    reader = EndRequests(folder)
    assert reader.limit.has_started, "nobody has to look when the training begins"
    reader.limit.start()
    now[0] += 1e9
    assert reader.now() is None


def test_where_the_parent_is_unknown_no_process_is_an_orphan(
    folder: LifeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows, in a venv, the worker is not the parent of the training process, and no training would ever begin."""
    assert EndRequests(folder, parent=1).now() is EndRequest.ORPHANED
    monkeypatch.setattr(requests, "_POSIX", False)
    assert EndRequests(folder, parent=1).now() is None
