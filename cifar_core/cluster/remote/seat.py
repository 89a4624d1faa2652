"""Where a run is computed, as its worker sees it: a process on a node that answers calls, and how it comes to one.

`cifar_core.cluster.ray` implements this with actors; tests with a process of this machine.
"""

from typing import Any, Protocol


class NodeLostError(Exception):
    """The process that had the run is gone, or has not answered for long."""


class NodeUnavailableError(Exception):
    """The process did not answer this call, but may answer the next one."""


class Awaited(Protocol):
    """What a step waits for."""

    def ready(self, seconds: float) -> bool:
        """Whether it is there within so many seconds."""

    def result(self) -> Any:
        """What came; an error of the library where the call raised one, NodeLostError, or NodeUnavailableError."""


class Node(Protocol):
    """A process on a node that computes one run at a time: `NodeService`, reached from here."""

    def call(self, method: str, *arguments: Any) -> Awaited:
        """Call a method of the service; returns at once."""


class Seat(Protocol):
    """How one run comes to a node, and to another one when that is lost; used by one thread."""

    def ask(self) -> Node | None:
        """The node that has a place for the run; None while it waits for one. Returns at once; asked again and again.

        Raises:
            CifarCoreError: it would wait in vain; the sentence says why.
        """

    def lose(self) -> None:
        """The node is lost: ask for another one from now on."""

    def why_gone(self) -> str:
        """Why no call will be answered any more, as a sentence; empty while the cluster can be reached."""

    def release(self) -> None:
        """The run needs its node no longer, or waits for none any more."""
