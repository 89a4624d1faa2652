"""Straight code that waits without blocking its thread: each `yield` gives what it waits for and gets what came."""

import time
from collections.abc import Generator
from typing import Any

from cifar_core.cluster.remote.seat import Awaited, Node, NodeLostError, NodeUnavailableError
from cifar_core.errors import CifarCoreError

SILENT_SECONDS = 30.0  # a node that has not answered a call for this long is lost,
RETRY_SECONDS = 15.0  # and one that could not be reached for this long
_RETRY_STEP = 1.0
Steps = Generator[Awaited, Any, Any]


class AwakeClock:
    """Seconds in which this process has run: silence of others proves nothing while it stood still itself."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._looked = time.monotonic()

    def now(self) -> float:
        """The seconds so far; to be asked often."""
        now = time.monotonic()
        self._seconds += min(1.0, now - self._looked)
        self._looked = now
        return self._seconds


class Pause:
    """A time in which nothing is asked."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def ready(self, seconds: float) -> bool:
        """Whether it is over within so many seconds."""
        left = self._until - time.monotonic()
        time.sleep(max(0.0, min(left, seconds)))
        return left <= seconds

    def result(self) -> None:
        """Nothing comes."""


class Walk:
    """Steps on their way."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._awaited: Awaited = Pause(0)
        self.is_over = False
        self.result: Any = None  # of steps that are over

    def go_on(self, seconds: float) -> bool:
        """Go on for at most so many seconds; whether the steps are over. Raises what they raise."""
        until = time.monotonic() + seconds
        while not self.is_over:
            if not self._awaited.ready(max(0.0, until - time.monotonic())):
                return False
            self._advance()
        return True

    def _advance(self) -> None:
        try:
            try:
                came = self._awaited.result()
            except (CifarCoreError, NodeLostError, NodeUnavailableError) as error:
                self._awaited = self._steps.throw(error)
            else:
                self._awaited = self._steps.send(came)
        except StopIteration as end:
            self.is_over, self.result = True, end.value


class _Patient:
    """A call to a node, which is lost where the answer does not come."""

    def __init__(self, call: Awaited, clock: AwakeClock) -> None:
        self._call = call
        self._clock = clock
        self._until = clock.now() + SILENT_SECONDS
        self._answered = False

    def ready(self, seconds: float) -> bool:
        """Whether the answer is there, or comes too late."""
        self._answered = self._call.ready(seconds)
        return self._answered or self._clock.now() >= self._until

    def result(self) -> Any:
        """The answer; NodeLostError where there is none."""
        if not self._answered:
            raise NodeLostError(f"it did not answer for {SILENT_SECONDS:.0f} seconds")
        return self._call.result()


def ask(node: Node, clock: AwakeClock, method: str, *arguments: Any) -> Steps:
    """Call a node until it answers; each method may be called twice with the same arguments.

    Raises:
        NodeLostError: it is gone, or did not answer in time.
        CifarCoreError: what the method raised.
    """
    since = clock.now()
    while True:
        try:
            return (yield _Patient(node.call(method, *arguments), clock))
        except NodeUnavailableError as error:
            if clock.now() - since > RETRY_SECONDS:
                raise NodeLostError(str(error)) from error
        yield Pause(_RETRY_STEP)
