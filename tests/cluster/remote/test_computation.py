"""The walk of a run on a node: every file comes, none too early; requests, losses and kills lead where they should."""

import random
from collections.abc import Callable

import pytest

from cifar_core.cluster.remote import computation
from cifar_core.cluster.remote.computation import RemoteComputation
from cifar_core.cluster.remote.seat import NodeUnavailableError
from cifar_core.errors import ConfigError
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import read_state
from cifar_core.runs.records import read_training_record
from cifar_core.runs.run_folder import RunFolder
from tests.cluster.remote.conftest import EPOCHS, LocalNode, LocalSeat, RemoteRuns, content_of, metrics_of

PREDICTIONS, BEST = "predictions/test-{:04d}.npy", "best/{:04d}.safetensors"


def results(folder: RunFolder) -> dict[str, bytes]:
    """The files that the fake training has written, as far as they are here."""
    kept = {"config.json", "status.json", "place.json", "facts.json"}
    found = {path.relative_to(folder.path).as_posix(): path for path in folder.path.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name not in kept and "log" not in name}


def finished(epochs: int = EPOCHS) -> dict[str, bytes]:
    """What they are after so many epochs."""
    last = {name.format(epochs): content_of(name, epochs) for name in (BEST, "checkpoints/{:04d}-0.safetensors")}
    every = {PREDICTIONS.format(epoch): content_of(PREDICTIONS, epoch) for epoch in range(1, epochs + 1)}
    return {**last, **every, "metrics.jsonl": metrics_of(epochs)}


def after(calls: int, do: Callable[[], object]) -> Callable[[RemoteComputation], None]:
    """A look that does something once, after so many others."""
    count = 0

    def look(_following: RemoteComputation) -> None:
        nonlocal count
        count += 1
        if count == calls:
            do()

    return look


def after_epoch(folder: RunFolder, epoch: int, do: Callable[[RemoteComputation], object]) -> Callable[..., None]:
    """A look that does something once, when the log here has an epoch."""
    done: list[bool] = []

    def look(following: RemoteComputation) -> None:
        if not done and folder.metrics.exists() and len(folder.metrics.read_bytes().splitlines()) >= epoch:
            done.append(True)
            do(following)

    return look


def test_a_run_comes_back_whole_and_leaves_nothing(remote_runs: RemoteRuns) -> None:
    node, folder = remote_runs.node(), remote_runs.run()
    seen = []

    def no_lie(_following: RemoteComputation) -> None:
        """Whenever somebody reads the run, each epoch of its log has its results, and the last one its weights."""
        log = folder.metrics.read_bytes() if folder.metrics.exists() else b""
        epochs = len(log.splitlines())
        assert log == metrics_of(epochs)
        for epoch in range(1, epochs + 1):
            assert (folder.path / PREDICTIONS.format(epoch)).read_bytes() == content_of(PREDICTIONS, epoch)
        assert not epochs or (folder.path / BEST.format(epochs)).exists()
        assert not epochs or folder.facts.exists()
        seen.append(epochs)

    assert remote_runs.compute(folder, LocalSeat(node), no_lie) == 0
    assert results(folder) == finished()
    state = read_state(folder)
    assert (state.status, state.progress and state.progress.phase) == (Status.FINISHED, "finished")
    assert sorted(set(seen)) == list(range(EPOCHS + 1))  # they came while it trained
    assert folder.log.read_text() == "".join(f"epoch {epoch}\n" for epoch in range(1, EPOCHS + 1))
    root = node.service._workspace.root
    assert list((root / "runs").iterdir()) == []
    assert all(path.is_symlink() for path in (root / "data" / "tiny").iterdir())


def test_a_stop_reaches_the_training_as_a_file(remote_runs: RemoteRuns) -> None:
    node, folder = remote_runs.node(), remote_runs.run()
    look = after_epoch(folder, 2, lambda _following: folder.stop_file.touch())
    assert remote_runs.compute(folder, LocalSeat(node), look) == 0
    assert read_state(folder).status is Status.STOPPED
    done = len(folder.metrics.read_bytes().splitlines())
    assert 2 <= done < EPOCHS
    assert finished(done).items() <= results(folder).items()


def test_a_stop_before_the_training_begins_is_obeyed_at_once(remote_runs: RemoteRuns) -> None:
    node, folder = remote_runs.node(), remote_runs.run()
    node.before = lambda method: folder.pause_file.touch() if method == "prepare" else None
    assert remote_runs.compute(folder, LocalSeat(node)) == 0
    assert read_state(folder).status is Status.PAUSED
    assert node.training.starts == 0


def test_a_lost_node_is_replaced_and_the_end_is_the_same(remote_runs: RemoteRuns) -> None:
    first, second, folder = remote_runs.node(), remote_runs.node(), remote_runs.run()
    look = after_epoch(folder, 2, lambda _following: setattr(first, "dies_after", len(first.calls)))
    seat = LocalSeat(first, second)
    assert remote_runs.compute(folder, seat, look) == 0, read_state(folder).error
    assert (seat.lost, first.training.starts, second.training.starts) == (1, 1, 1)
    assert results(folder) == finished()
    record = read_training_record(folder)
    assert record is not None and record.warnings == ("It began after 2 epochs.",)  # from what had come here


def test_a_run_that_loses_every_node_says_so(remote_runs: RemoteRuns) -> None:
    nodes = [remote_runs.node() for _ in range(4)]
    for node in nodes:
        node.dies_after = 6
    folder = remote_runs.run()
    assert remote_runs.compute(folder, LocalSeat(*nodes, remote_runs.node())) == 1
    state = read_state(folder)
    assert state.status is Status.INTERRUPTED
    assert state.error == "It lost its node 4 times (it is gone): resume it to go on."


def test_a_run_that_no_other_node_can_take_waits_and_then_ends(remote_runs: RemoteRuns) -> None:
    node, folder = remote_runs.node(), remote_runs.run()
    node.dies_after = 8

    class Full(LocalSeat):
        def ask(self) -> LocalNode | None:
            if not self.nodes:
                raise ConfigError(["No node has 64 CPUs."])
            return super().ask()

    assert remote_runs.compute(folder, Full(node)) == 1
    state = read_state(folder)
    assert state.status is Status.INTERRUPTED
    assert "No node has 64 CPUs." in state.error


def follow_until_killed(folder: RunFolder, node: LocalNode, is_there: Callable[[], object]) -> None:
    """Be the worker of a run until something is there, then no more."""
    killed = RemoteComputation(LocalSeat(node))
    killed.start(folder)
    while not is_there():
        assert not killed.has_ended(0)


def test_a_new_worker_goes_on_with_the_training_that_the_node_has(remote_runs: RemoteRuns) -> None:
    node, folder = remote_runs.node(), remote_runs.run()
    follow_until_killed(folder, node, folder.metrics.exists)
    for _ in range(7):
        node.service.poll(None, 0, None)  # it trains on while nobody follows it
    assert remote_runs.compute(folder, LocalSeat(node)) == 0
    assert node.training.starts == 1
    assert results(folder) == finished()


def test_a_run_that_ended_meanwhile_is_fetched(remote_runs: RemoteRuns) -> None:
    node, folder = remote_runs.node(), remote_runs.run()
    follow_until_killed(folder, node, lambda: node.training.starts)
    while not node.service.poll(None, 0, None).ended:
        pass
    assert remote_runs.compute(folder, LocalSeat(node)) == 0
    assert node.training.starts == 1
    assert results(folder) == finished()


def test_a_stopped_run_is_resumed_where_the_node_has_it(remote_runs: RemoteRuns) -> None:
    node, folder = remote_runs.node(), remote_runs.run()
    follow_until_killed(folder, node, folder.metrics.exists)
    node.training.terminate()
    while not node.service.poll(None, 0, None).ended:
        pass
    assert remote_runs.compute(folder, LocalSeat(node)) == 0
    assert node.training.starts == 2
    assert results(folder) == finished()


def test_what_the_node_has_is_dropped_where_the_run_has_gone_on_here(remote_runs: RemoteRuns) -> None:
    node, folder = remote_runs.node(), remote_runs.run()
    follow_until_killed(folder, node, folder.metrics.exists)
    folder.metrics.write_bytes(b'{"epoch": 1, "trained": "here"}\n')
    assert remote_runs.compute(folder, LocalSeat(node)) == 0
    assert node.training.starts == 2
    assert folder.metrics.read_bytes().startswith(b'{"epoch": 1, "trained": "here"}\n')


def test_a_cluster_that_is_gone_ends_the_run_with_its_reason(remote_runs: RemoteRuns) -> None:
    node, folder = remote_runs.node(), remote_runs.run()
    seat = LocalSeat(node)

    def cut(_following: RemoteComputation) -> None:
        seat.gone, node.is_silent = "The cluster does not answer any more.", True

    assert remote_runs.compute(folder, seat, after_epoch(folder, 1, cut)) == 1
    state = read_state(folder)
    assert state.status is Status.INTERRUPTED
    assert state.error == "The cluster does not answer any more. Start it again, then resume the run."


def test_what_the_node_still_says_is_brought_when_the_cluster_is_gone(
    remote_runs: RemoteRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computation, "REACH_SECONDS", 0.0)
    node, folder = remote_runs.node(), remote_runs.run()
    seat = LocalSeat(node)
    look = after_epoch(folder, 1, lambda _following: setattr(seat, "gone", "The head is gone."))
    assert remote_runs.compute(folder, seat, look) == 1
    assert read_state(folder).status is Status.INTERRUPTED
    done = len(folder.metrics.read_bytes().splitlines())
    assert 1 <= done < EPOCHS
    assert finished(done).items() <= results(folder).items()


def test_a_training_that_dies_leaves_its_reason_to_the_worker(remote_runs: RemoteRuns) -> None:
    node, folder = remote_runs.node(), remote_runs.run()
    node.training.dies_at = 3
    assert remote_runs.compute(folder, LocalSeat(node)) == -9
    assert read_state(folder).status is Status.RUNNING  # the worker says why, from the code and the log
    assert folder.metrics.read_bytes() == metrics_of(2)


@pytest.mark.parametrize("silent", [False, True])
def test_a_kill_is_obeyed_whether_the_node_answers_or_not(remote_runs: RemoteRuns, silent: bool) -> None:
    node, folder = remote_runs.node(), remote_runs.run()
    node.training.is_deaf = True

    def kill(following: RemoteComputation) -> None:
        node.is_silent = silent
        following.kill()

    assert remote_runs.compute(folder, LocalSeat(node), after_epoch(folder, 1, kill)) == -9


def test_a_deleted_run_ends_on_its_node(remote_runs: RemoteRuns) -> None:
    node, folder = remote_runs.node(), remote_runs.run()

    def delete(following: RemoteComputation) -> None:
        folder.path.rename(folder.path.with_name("elsewhere"))
        following.terminate()

    assert remote_runs.compute(folder, LocalSeat(node), after_epoch(folder, 1, delete)) in (0, 1)
    assert not folder.path.exists()
    assert node.service.run_id == ""


def test_a_full_disk_here_ends_the_run_with_its_reason(remote_runs: RemoteRuns, arm: Callable[[str], None]) -> None:
    node, folder = remote_runs.node(), remote_runs.run()
    look = after_epoch(folder, 1, lambda _following: arm("replace:3:enospc"))
    assert remote_runs.compute(folder, LocalSeat(node), look) == 1
    state = read_state(folder)
    assert state.status is Status.FAILED
    assert "disk is full" in state.error


@pytest.mark.parametrize("seed", range(2))
def test_calls_that_fail_and_may_have_been_done_are_repeated(remote_runs: RemoteRuns, seed: int) -> None:
    node, folder, chance = remote_runs.node(), remote_runs.run(), random.Random(seed)

    def fail(_method: str) -> None:
        if chance.random() < 0.2:
            raise NodeUnavailableError("the network is down")

    node.before = node.after = fail
    assert remote_runs.compute(folder, LocalSeat(node)) == 0
    assert node.training.starts == 1
    assert results(folder) == finished()
