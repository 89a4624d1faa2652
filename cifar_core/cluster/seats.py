"""The seats of a pool: an actor on the cluster for each run that is followed, made when it is needed and used again.

An actor is a process on a node that computes one run at a time and stays warm between runs. Where no actor is idle, the
run waits until the cluster has room for a new one, or until another run's actor is idle. So what others use of the
cluster, a node that joins and one that goes need no care: only how many runs are begun follows from the nodes.
"""

import contextlib
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from cifar_core.cluster.remote.computation import RemoteComputation
from cifar_core.cluster.remote.seat import Node, NodeLostError
from cifar_core.cluster.remote.turn import RemoteTurn
from cifar_core.errors import ClusterError
from cifar_core.lifecycle.place import Place

MOST_SEATS = 256  # of one pool: each has a thread of this process that looks at its run ten times a second
IDLE_SECONDS = 20.0  # after which an actor without a run makes room for others
ORPHAN_SECONDS = 30.0  # in which the run of an actor of an earlier pool must be taken up, or the actor is ended
QUIET_SECONDS = 5.0  # without an answer from the cluster: nothing new is asked of it, since that might block,
UNHEARD_SECONDS = 20.0  # without an answer from the cluster: it is gone. Ray itself ends this process after 60 s.
_LOOK_SECONDS = 1.0  # between two looks at the nodes
_ANSWER_SECONDS = 2.0  # in which an actor whose run has ended must answer, or it is given up


class Actor(Node, Protocol):
    """A process on a node that computes one run at a time, and lives until it is ended."""

    @property
    def run(self) -> str:
        """Once it is ready: the id of the run that it had when this process found it; empty for a new one."""

    def is_ready(self, seconds: float) -> bool:
        """Whether it is placed and answers within so many seconds.

        Raises:
            NodeLostError: it is dead.
            ClusterError: it may not be used, such as one of another version.
        """

    def end(self) -> None:
        """End it, with all that it computes; returns at once, and does nothing where it cannot be reached."""


class Machine(Protocol):
    """A node of the cluster."""

    @property
    def cpus(self) -> int:
        """Its processors, used or not."""

    @property
    def gpus(self) -> int:
        """Its GPUs, used or not."""


class Cluster(Protocol):
    """Where actors are. Each method may raise ClusterError, and all but `new` may take as long as the network does."""

    def nodes(self) -> Sequence[Machine]:
        """Its living nodes."""

    def found(self) -> Sequence[Actor]:
        """The actors of an earlier pool of this name, whose process was killed."""

    def new(self) -> Actor:
        """A new actor, which is placed as soon as there is room."""

    def why_gone(self) -> str:
        """Why it cannot be used any more, as a sentence; empty while it can."""

    def close(self) -> None:
        """Wait a moment until the actors that are being ended are."""


def room_for(nodes: Sequence[Machine], place: Place) -> int:
    """How many runs that ask for this fit on these nodes at the same time."""
    cpus = place.cpus or 1
    return sum(min(node.cpus // cpus, node.gpus // place.gpus if place.gpus else node.cpus // cpus) for node in nodes)


class ActorSeat:
    """A seat (`remote/seat.py: Seat`) with the turn and the computation of its run there."""

    def __init__(self, seats: "ActorSeats", run_id: str) -> None:
        self.run_id = run_id
        self.actor: Actor | None = None  # once the run has had its turn
        self.turn, self.computation = RemoteTurn(self), RemoteComputation(self)
        self._seats = seats

    def ask(self) -> Actor | None:
        """Its actor, once there is one for it."""
        if self.actor is None:
            self._seats.obtain(self)
        return self.actor

    def lose(self) -> None:
        """Its actor is lost: the next one is another."""
        self._seats.lose(self)

    def why_gone(self) -> str:
        """Why the cluster cannot be used any more; empty while it can."""
        return self._seats.cluster.why_gone()

    def release(self) -> None:
        """Its run has ended, or waits no longer."""
        self._seats.give_back(self)


class ActorSeats:
    """As many seats as the cluster has room for, followed node by node."""

    def __init__(self, cluster: Cluster, place: Place, most: int, has_news: threading.Event) -> None:
        """Seats on a cluster; the actors of an earlier pool are found first.

        Args:
            cluster: of the place.
            place: what each run asks for.
            most: how many runs there will ever be.
            has_news: set whenever there is more room than before.

        Raises:
            ClusterError: it does not answer.
        """
        self.cluster = cluster
        self._place, self._most, self._has_news = place, min(most, MOST_SEATS), has_news
        self._lock = threading.Lock()
        self._seats: list[ActorSeat] = []  # those of runs that wait for an actor, or have one
        self._idle: list[tuple[float, Actor]] = []  # since when, monotonic seconds; the last used at the end
        self._asked: list[Actor] = []  # new ones that are not placed yet
        self._found: dict[str, Actor] = {}  # those of an earlier pool that have a run, by its id
        self._late: list[Actor] = []  # those of an earlier pool that have not answered yet
        self._room, self._heard, self._began = room_for(cluster.nodes(), place), time.monotonic(), time.monotonic()
        self._closed = threading.Event()
        self._why_gone = ""  # at the last look
        self._refusal: ClusterError | None = None  # why an actor may not be used
        until = time.monotonic() + _ANSWER_SECONDS
        self._late = [each for each in cluster.found() if not self._is_known(each, max(0.0, until - time.monotonic()))]
        threading.Thread(target=self._keep, name="nodes of the cluster", daemon=True).start()

    def free(self) -> int:
        """How many runs may be begun now.

        Raises:
            ClusterError: the cluster does not answer any more, or one of its nodes may not be used.
        """
        if self._refusal is not None:
            raise self._refusal
        if time.monotonic() - self._heard > UNHEARD_SECONDS:
            raise ClusterError(
                f"{self._why_gone} Start it again, then resume the sweep; `runs resume RUN --backend local` goes on "
                "with one of its runs here."
            )
        return max(0, min(self._room, self._most) - len(self._seats))

    def take(self, run_id: str) -> ActorSeat | None:
        """A seat for a run; None where the cluster has no room for one more."""
        with self._lock:
            if self.free() == 0:
                return None
            seat = ActorSeat(self, run_id)
            self._seats.append(seat)
            return seat

    def obtain(self, seat: ActorSeat) -> None:
        """Look for the actor of a seat: the one that has its run already, an idle one, or a new one that is placed."""
        if time.monotonic() - self._heard > QUIET_SECONDS:
            return
        with self._lock:
            self._late = [actor for actor in self._late if not self._is_known(actor, 0.0)]
            seat.actor = self._found.pop(seat.run_id, None) or self._from_idle() or self._from_new()
            waiting = sum(each.actor is None for each in self._seats)
            while len(self._asked) > waiting:
                self._asked.pop().end()
            if len(self._asked) < waiting:
                self._asked.append(self.cluster.new())

    def lose(self, seat: ActorSeat) -> None:
        """The actor of a seat is lost, or does not answer."""
        actor, seat.actor = seat.actor, None
        if actor is not None:
            actor.end()

    def give_back(self, seat: ActorSeat) -> None:
        """The run of a seat is over: its actor is for the next one, where it answers. A second time changes nothing."""
        actor, seat.actor = seat.actor, None
        is_well = actor is not None and not self._closed.is_set() and self._answers(actor)
        with self._lock:
            self._seats = [each for each in self._seats if each is not seat]
            if actor is not None and is_well:
                self._idle.append((time.monotonic(), actor))
        if actor is not None and not is_well:
            actor.end()

    def close(self) -> None:
        """End the actors without a run; those that have one finish it, for the next pool to fetch."""
        self._closed.set()
        with self._lock:
            for actor in [*self._asked, *(actor for _, actor in self._idle)]:
                actor.end()
            self._asked, self._idle = [], []
        self.cluster.close()

    def _answers(self, actor: Actor) -> bool:
        with contextlib.suppress(NodeLostError):
            return actor.is_ready(_ANSWER_SECONDS)
        return False

    def _from_idle(self) -> Actor | None:
        return self._idle.pop()[1] if self._idle else None

    def _from_new(self) -> Actor | None:
        for actor in list(self._asked):
            try:
                if not actor.is_ready(0.0):
                    continue
            except NodeLostError:  # its node went before it could begin
                self._asked.remove(actor)
            except ClusterError as error:
                self._refusal = error  # the sweep ends with it; a run that waits is asked to pause
            else:
                self._asked.remove(actor)
                return actor
        return None

    def _is_known(self, actor: Actor, seconds: float) -> bool:
        """Whether it is known within so many seconds what an actor of an earlier pool has; then it is kept for that."""
        try:
            if not actor.is_ready(seconds):
                return False
        except NodeLostError:
            return True  # it is dead
        if actor.run:
            self._found[actor.run] = actor
        else:
            self._idle.append((time.monotonic(), actor))
        return True

    def _keep(self) -> None:
        """Follow the nodes, and end actors that nobody needs."""
        while not self._closed.wait(_LOOK_SECONDS):
            try:
                self._why_gone = self.cluster.why_gone()
                room = room_for(self.cluster.nodes(), self._place)
            except ClusterError as error:
                self._why_gone = str(error)
            if self._why_gone:
                continue
            self._heard = time.monotonic()
            if room > self._room:
                self._has_news.set()
            self._room = room
            self._end_unneeded(self._heard)

    def _end_unneeded(self, now: float) -> None:
        with self._lock:
            old = [actor for since, actor in self._idle if now - since > IDLE_SECONDS]
            self._idle = [(since, actor) for since, actor in self._idle if now - since <= IDLE_SECONDS]
            if now - self._began > ORPHAN_SECONDS:
                old += [*self._found.values(), *self._late]
                self._found, self._late = {}, []
        for actor in old:
            actor.end()
