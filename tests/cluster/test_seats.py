"""Which run gets which actor: made when needed, used again, found again, lost, ended; on a cluster that is a list."""

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from cifar_core.cluster import seats as seats_module
from cifar_core.cluster.remote.seat import Awaited, NodeLostError
from cifar_core.cluster.seats import ActorSeat, ActorSeats, room_for
from cifar_core.errors import ClusterError
from cifar_core.lifecycle.place import Place
from tests.lifecycle.conftest import until

ONE_CPU = Place("ray", "10.0.0.1:6379", cpus=1)


@dataclass(frozen=True)
class Machine:
    cpus: int
    gpus: int = 0


@dataclass(eq=False)
class FakeActor:
    """Placed where there is room, first come, first served."""

    cluster: "FakeCluster"
    run: str = ""
    dead: bool = False
    silent: bool = False
    other_version: bool = False

    def is_ready(self, seconds: float) -> bool:
        if self.dead:
            raise NodeLostError("It is dead.")
        if self.other_version:
            raise ClusterError("Node b has Ray 1, but this machine has Ray 2.")
        return not self.silent and self in self.cluster.placed

    def call(self, method: str, *arguments: Any) -> Awaited:
        raise AssertionError("nothing is computed here")

    def end(self) -> None:
        self.dead = True


@dataclass
class FakeCluster:
    """Living actors hold a CPU each, whether they compute or not."""

    cpus: list[int]
    earlier: list[FakeActor] = field(default_factory=list)
    actors: list[FakeActor] = field(default_factory=list)
    gone: bool = False
    left: bool = False

    @property
    def placed(self) -> list[FakeActor]:
        living = [actor for actor in [*self.earlier, *self.actors] if not actor.dead]
        return living[: sum(self.cpus)]

    def nodes(self) -> list[Machine]:
        return [Machine(cpus) for cpus in self.cpus]

    def found(self) -> list[FakeActor]:
        for actor in self.earlier:
            actor.cluster = self
        return self.earlier

    def new(self) -> FakeActor:
        self.actors.append(FakeActor(self))
        return self.actors[-1]

    def why_gone(self) -> str:
        return "The cluster at a:1 does not answer any more." if self.gone else ""

    def close(self) -> None:
        self.left = True


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats_module, "_LOOK_SECONDS", 0.005)


def seats_on(cluster: FakeCluster, most: int = 100) -> ActorSeats:
    return ActorSeats(cluster, ONE_CPU, most, threading.Event())


def begin(seats: ActorSeats, run_id: str) -> ActorSeat:
    seat = seats.take(run_id)
    assert seat is not None
    return seat


def has_turn(seat: ActorSeat) -> bool:
    return seat.ask() is not None


def placed(seat: ActorSeat) -> FakeActor:
    """The actor of a seat, after the looks that it takes to make one."""
    assert has_turn(seat) or has_turn(seat)
    assert isinstance(seat.actor, FakeActor)
    return seat.actor


@pytest.mark.parametrize(
    ("nodes", "place", "room"),
    [
        ([Machine(2), Machine(1)], Place("ray"), 3),
        ([Machine(4), Machine(1)], Place("ray", cpus=2), 2),
        ([Machine(8, 1), Machine(8)], Place("ray", cpus=2, gpus=1), 1),
        ([Machine(1, 4)], Place("ray", cpus=1, gpus=1), 1),
        ([Machine(0, 4)], Place("ray", gpus=1), 0),
        ([], Place("ray"), 0),
    ],
)
def test_how_many_runs_fit(nodes: list[Machine], place: Place, room: int) -> None:
    assert room_for(nodes, place) == room


def test_as_many_seats_as_there_is_room_and_an_actor_is_used_again() -> None:
    cluster = FakeCluster([1, 1])
    seats = seats_on(cluster)
    first, second = begin(seats, "a"), begin(seats, "b")
    assert seats.free() == 0 and seats.take("c") is None
    actor = placed(first)
    assert actor is not placed(second)
    for _ in range(2):  # a second time changes nothing
        first.release()
    assert seats.free() == 1
    assert placed(begin(seats, "c")) is actor
    assert len(cluster.actors) == 2
    seats.close()


def test_no_more_seats_than_runs() -> None:
    seats = seats_on(FakeCluster([64]), most=3)
    assert seats.free() == 3
    seats.close()


def test_a_run_that_waits_takes_the_first_actor_that_is_free() -> None:
    """The cluster is full of others' work: its own new actor is not placed, but the actor of another run is idle."""
    cluster = FakeCluster([1, 1])
    seats = seats_on(cluster)
    first = begin(seats, "a")
    kept = placed(first)
    cluster.cpus.pop()  # somebody else takes it; the head still counts it
    second = begin(seats, "b")
    assert not has_turn(second) and not has_turn(second)
    assert len(cluster.actors) == 2
    first.release()
    assert placed(second) is kept
    assert cluster.actors[1].dead, "the one that was asked for in vain is not wanted any more"
    seats.close()


def test_a_lost_actor_is_not_used_again() -> None:
    cluster = FakeCluster([1])
    seats = seats_on(cluster)
    seat = begin(seats, "a")
    lost = placed(seat)
    lost.silent = True
    seat.release()
    assert lost.dead
    again = begin(seats, "a")
    assert placed(again) is not lost
    seats.close()


def test_a_run_that_has_lost_its_node_waits_for_another_one() -> None:
    cluster = FakeCluster([1, 1])
    seats = seats_on(cluster)
    first, second = begin(seats, "a"), begin(seats, "b")
    lost, kept = placed(first), placed(second)
    cluster.cpus.pop()
    first.lose()
    assert lost.dead and not has_turn(first)
    second.release()
    assert placed(first) is kept
    seats.close()


def test_an_actor_that_dies_before_it_is_placed_is_replaced() -> None:
    cluster = FakeCluster([1])
    seats = seats_on(cluster)
    seat = begin(seats, "a")
    assert not has_turn(seat)
    cluster.actors[0].dead = True
    assert placed(seat) is cluster.actors[1]
    seats.close()


def test_the_next_pool_finds_runs_that_still_train() -> None:
    """Each goes to its own run, also where it answers late; one without a run is for the next."""
    busy, idle, late = (FakeActor(None, run) for run in ("b", "", "c"))  # type: ignore[arg-type]
    late.silent = True
    cluster = FakeCluster([3], earlier=[busy, idle, late])
    seats = seats_on(cluster)
    assert placed(begin(seats, "a")) is idle
    assert placed(begin(seats, "b")) is busy
    third = begin(seats, "c")
    assert not has_turn(third)
    late.silent = False
    assert has_turn(third) and third.actor is late
    seats.close()


def test_an_actor_whose_run_nobody_takes_up_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats_module, "ORPHAN_SECONDS", 0.0)
    orphan = FakeActor(None, "deleted")  # type: ignore[arg-type]
    seats = seats_on(FakeCluster([1], earlier=[orphan]))
    until(lambda: orphan.dead, "it makes room")
    seats.close()


def test_an_idle_actor_makes_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats_module, "IDLE_SECONDS", 0.0)
    cluster = FakeCluster([1])
    seats = seats_on(cluster)
    seat = begin(seats, "a")
    actor = placed(seat)
    assert not actor.dead
    seat.release()
    until(lambda: actor.dead, "it is ended")
    seats.close()


def test_nodes_that_join_and_go_change_how_many_runs_are_begun() -> None:
    cluster, has_news = FakeCluster([1]), threading.Event()
    seats = ActorSeats(cluster, ONE_CPU, 100, has_news)
    cluster.cpus.append(2)
    assert has_news.wait(10)
    until(lambda: seats.free() == 3, "the second node is counted")
    cluster.cpus.clear()
    until(lambda: seats.free() == 0, "both are gone")
    seats.close()


def test_a_cluster_that_does_not_answer_ends_the_sweep_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats_module, "UNHEARD_SECONDS", 0.05)
    cluster = FakeCluster([1])
    seats = seats_on(cluster)
    cluster.gone = True
    with pytest.raises(ClusterError, match=r"at a:1 does not answer any more\. Start it again, then resume"):
        until(lambda: seats.free() < 0, "never")
    seats.close()


def test_a_node_of_another_version_ends_the_sweep_and_fails_no_run() -> None:
    cluster = FakeCluster([1])
    seats = seats_on(cluster)
    seat = begin(seats, "a")
    assert not has_turn(seat)
    cluster.actors[0].other_version = True
    assert not has_turn(seat)
    with pytest.raises(ClusterError, match="has Ray 1, but this machine has Ray 2"):
        seats.free()
    seats.close()


def test_nothing_is_asked_of_a_cluster_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a call might never come back, and a run that waits would not obey."""
    monkeypatch.setattr(seats_module, "QUIET_SECONDS", -1.0)
    cluster = FakeCluster([1])
    seats = seats_on(cluster)
    assert not has_turn(begin(seats, "a")) and not cluster.actors
    seats.close()


def test_a_closed_pool_ends_what_is_idle_and_leaves_what_trains() -> None:
    cluster = FakeCluster([2])
    seats = seats_on(cluster)
    idle, trains = begin(seats, "a"), begin(seats, "b")
    placed(idle), placed(trains)
    idle.release()
    seats.close()
    assert [actor.dead for actor in cluster.actors] == [True, False]
    assert cluster.left
