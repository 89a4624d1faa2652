"""A node of this machine without Ray, whose training is fake: it makes one write each time that somebody looks at it."""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cifar_core.cluster.remote import computation, steps
from cifar_core.cluster.remote.computation import RemoteComputation
from cifar_core.cluster.remote.seat import NodeLostError
from cifar_core.cluster.remote.service import NodeService
from cifar_core.config import make_config
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.place import Place
from cifar_core.lifecycle.requests import persons_request
from cifar_core.lifecycle.states import Status, TrainingProgress
from cifar_core.lifecycle.status import move, read_state, write_progress
from cifar_core.runs import create_run
from cifar_core.runs.records import TrainingRecord
from cifar_core.runs.run import DatasetFacts
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny

EPOCHS = 4
_HASH = "0" * 64
_FACTS = DatasetFacts(
    name="tiny",
    class_names=("cat", "dog"),
    mean=(0.5, 0.5, 0.5),
    std=(0.2, 0.2, 0.2),
    fingerprint=_HASH,
    train=1,
    validation=1,
    test=1,
    test_hash=_HASH,
)


def content_of(name: str, epoch: int) -> bytes:
    """What the fake training writes: the same for the same epoch, however it came there."""
    return hashlib.sha256(f"{name} {epoch}".encode()).digest() * 40


def metrics_of(epochs: int) -> bytes:
    return b"".join(b'{"epoch": %d}\n' % epoch for epoch in range(1, epochs + 1))


class FakeTraining:
    """In place of the training process of a node; with `dies_at` it dies before that epoch, without a word."""

    def __init__(self) -> None:
        self.starts = 0
        self.dies_at = 0
        self.is_deaf = False
        self.code = 0
        self._steps: Iterator[None] = iter(())
        self._ended = True
        self._told = False

    def start(self, folder: LifeFolder) -> None:
        self.starts += 1
        self._ended, self._told, self.code = False, False, 0
        self._steps = self._train(RunFolder(folder.path))

    def has_ended(self, _seconds: float) -> bool:
        if not self._ended and next(self._steps, "over") == "over":
            self._ended = True
        return self._ended

    def terminate(self) -> None:
        self._told = True

    def kill(self) -> None:
        if not self._ended:
            self._ended, self.code = True, -9

    def end(self) -> None:
        self.kill()

    def finish_log(self, _seconds: float) -> None:
        return

    def _train(self, folder: RunFolder) -> Iterator[None]:
        assert read_state(folder).status is Status.RUNNING
        done = len(folder.metrics.read_bytes().splitlines()) if folder.metrics.exists() else 0
        record = TrainingRecord(_FACTS, "cpu", 1, warnings=(f"It began after {done} epochs.",))
        (folder.path / "facts.json").write_text(json.dumps(asdict(record)))
        for epoch in range(done + 1, EPOCHS + 1):
            if epoch == self.dies_at:
                self.code = -9
                return
            with folder.log.open("a") as log:
                log.write(f"epoch {epoch}\n")
            write_progress(folder, TrainingProgress("training", epoch, EPOCHS, 1, 1))
            for name in ("predictions/test-{:04d}.npy", "best/{:04d}.safetensors", "checkpoints/{:04d}-0.safetensors"):
                path = folder.path / name.format(epoch)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content_of(name, epoch))
                yield
            with folder.metrics.open("ab") as metrics:
                metrics.write(metrics_of(epoch).splitlines(keepends=True)[-1])
            yield
            for path in [*folder.path.glob("best/*"), *folder.path.glob("checkpoints/*")]:
                if not path.name.startswith(f"{epoch:04d}"):
                    path.unlink()
                    yield
            request = persons_request(folder)
            if not self.is_deaf and (request is not None or self._told):
                move(folder, request.leads_to if request else Status.INTERRUPTED)
                return
        move(folder, Status.FINISHED, progress=TrainingProgress("finished", EPOCHS, EPOCHS, 1, 1))


@dataclass
class Answer:
    """The answer of a call, there when it is looked for a second time, or never."""

    give: Callable[[], Any]
    is_there: bool = True
    looks: int = 0

    def ready(self, _seconds: float) -> bool:
        self.looks += 1
        return self.is_there and self.looks > 1

    def result(self) -> Any:
        return self.give()


@dataclass
class LocalNode:
    """A service in this process. `dies_after` so many calls it is lost; `fail` may raise before or after a call."""

    service: NodeService
    training: FakeTraining
    dies_after: float = float("inf")
    is_silent: bool = False
    before: Callable[[str], None] = lambda _method: None
    after: Callable[[str], None] = lambda _method: None
    calls: list[str] = field(default_factory=list)

    def call(self, method: str, *arguments: Any) -> Answer:
        def give() -> Any:
            self.calls.append(method)
            if len(self.calls) > self.dies_after:
                raise NodeLostError("it is gone")
            self.before(method)
            found = getattr(self.service, method)(*arguments)
            self.after(method)
            return found

        return Answer(give, not self.is_silent)


class LocalSeat:
    """Gives one node after the other."""

    def __init__(self, *nodes: LocalNode) -> None:
        self.nodes = list(nodes)
        self.lost = 0
        self.released = False
        self.gone = ""

    def ask(self) -> LocalNode | None:
        return self.nodes[0] if self.nodes else None

    def lose(self) -> None:
        self.lost += 1
        self.nodes.pop(0)

    def why_gone(self) -> str:
        return self.gone

    def release(self) -> None:
        self.released = True


@dataclass
class RemoteRuns:
    """Runs of a workspace that are computed on nodes of this process."""

    workspace: Workspace
    place: Path
    made: list[NodeService] = field(default_factory=list)

    def node(self) -> LocalNode:
        """A new node with a folder of its own."""
        home = self.place / f"home-{len(self.made)}"
        home.mkdir()
        service, training = NodeService(home, 1, 0), FakeTraining()
        service._process = training  # type: ignore[assignment]
        self.made.append(service)
        return LocalNode(service, training)

    def run(self) -> RunFolder:
        """A run whose turn has come."""
        run_id = create_run(self.workspace, make_config({"dataset": "tiny"}), place=Place("ray", "10.0.0.5:6379"))
        folder = run_folder(self.workspace, run_id)
        move(folder, Status.RUNNING)
        return folder

    def compute(
        self, folder: RunFolder, seat: LocalSeat, look: Callable[[RemoteComputation], object] | None = None
    ) -> int:
        """Follow a run to its end, with a look after each step; returns the exit code."""
        following = RemoteComputation(seat)
        following.start(folder)
        for _ in range(5000):
            if following.has_ended(0):
                return following.code
            if look is not None:
                look(following)
        raise AssertionError("the run does not end")


@pytest.fixture
def remote_runs(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteRuns]:
    """Runs on nodes of this process, which are looked at without a pause."""
    monkeypatch.setattr(computation, "_LOOK_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(computation, "_FILES_SECONDS", 0.0)
    monkeypatch.setattr(steps, "_RETRY_STEP", 0.0)
    ticks = itertools.count()
    monkeypatch.setattr(computation.AwakeClock, "now", lambda _self: next(ticks) * 0.01)
    save_tiny(workspace)
    runs = RemoteRuns(workspace, tmp_path)
    yield runs
    for service in runs.made:
        service.leave()
