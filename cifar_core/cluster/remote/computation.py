"""The computation of a run on a node of a cluster, followed by the run's worker here.

The walk of a run reads from top to bottom: it gets a node, sends what the run needs, starts the training there, follows
it, and brings its files. It waits at each `yield`, so `has_ended` never blocks for longer than it was asked to, and the
threads of one process can follow several runs. A person's request travels with the next look at the run; a lost node is
replaced by another one, where the run goes on from the checkpoint that has come here.
"""

import contextlib
import math
import secrets
import time

from cifar_core.cluster.remote.fetching import Fetching
from cifar_core.cluster.remote.seat import Node, NodeLostError, Seat
from cifar_core.cluster.remote.sending import send_run
from cifar_core.cluster.remote.service import Found, Report
from cifar_core.cluster.remote.snapshot import whole_lines
from cifar_core.cluster.remote.steps import AwakeClock, Pause, Steps, Walk, ask
from cifar_core.errors import CifarCoreError, RunError, StorageError
from cifar_core.jobs.log import append_bounded, end_line
from cifar_core.lifecycle.final_status import move_or_retry
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.requests import KILLED, persons_request
from cifar_core.lifecycle.states import ACTIVE, EndRequest, Status, TrainingProgress
from cifar_core.lifecycle.status import read_state, write_progress
from cifar_core.runs.run_folder import RunFolder
from cifar_core.storage.disk_errors import storage_errors

MOST_LOSSES = 3  # after which a run is taken to another node
NO_NODE_SECONDS = 40.0  # to wait for a node that could take the run of a lost one
REACH_SECONDS = 5.0  # between two looks whether the cluster can be reached
END_SECONDS = 10.0  # for what a node still sends when the cluster is gone, or after a kill
_LOOK_SECONDS = (0.1, 0.5)  # between two looks at the run: at first, and later
_QUICK_SECONDS = 10.0  # how long "at first" is
_FILES_SECONDS = 1.0  # between two looks for new files
_SHOWN_SECONDS = 0.5  # between two signs of a phase in the status
_KILLED = -9  # exit code, as `Popen.returncode`


class _EndsError(Exception):
    """The run ends here, because it was asked to while no training of it ran, or because it cannot go on."""

    def __init__(self, end: Status, why: str) -> None:
        super().__init__(why)
        self.end = end


class RemoteComputation:
    """The computation of one run on a node, as `lifecycle/supervise.py: Computation`. May be used in any thread."""

    def __init__(self, seat: Seat) -> None:
        """Compute a run where `seat` has a place for it."""
        self._seat = seat

    def start(self, folder: LifeFolder) -> None:
        """Begin to compute a run."""
        self._folder = RunFolder(folder.path)
        self._fetching = Fetching(self._folder)
        self._clock = AwakeClock()
        self._terminate = False
        self._kill_by: float | None = None
        self._progress: TrainingProgress | None = None
        self._shown_at = self._reach_at = 0.0
        self._unreached, self._why_gone = 0, ""
        self._walk = Walk(self._whole_walk())

    @property
    def code(self) -> int:
        """Its exit code: that of the training on the node, where it had one."""
        return int(self._walk.result) if self._walk.is_over else _KILLED

    def has_ended(self, seconds: float) -> bool:
        """Whether all is here, and the run's status says how it ended, within so many seconds."""
        if self._kill_by is not None and self._clock.now() > self._kill_by:  # its node does not answer either
            return True
        return self._walk.go_on(seconds)

    def terminate(self) -> None:
        """Have the training told to end, as by SIGTERM."""
        self._terminate = True

    def kill(self) -> None:
        """Have the training killed."""
        if self._kill_by is None:
            self._kill_by = self._clock.now() + END_SECONDS

    def finish_log(self, seconds: float) -> None:
        """The log is complete once the run has ended."""

    def _whole_walk(self) -> Steps:
        """The walk with all its ends; its result is the exit code."""
        code = 1
        try:
            code = yield from self._compute()
        except _EndsError as ends:
            self._end(ends.end, str(ends))
            code = 0 if ends.end in (Status.STOPPED, Status.PAUSED) else 1
        except CifarCoreError as error:
            self._end(Status.FAILED, str(error))
        self._fetching.close()
        return code

    def _compute(self) -> Steps:
        """Compute the run on one node after the other, until one has brought it to its end."""
        why = ""
        for losses in range(MOST_LOSSES + 1):
            try:
                node = yield from self._find_node(after_loss=losses > 0)
                return (yield from self._compute_on(node))
            except NodeLostError as lost:
                why, self._why_gone = str(lost), self._seat.why_gone()
                if self._why_gone:
                    raise self._gone() from lost
                self._seat.lose()
                if self._kill_by is not None:
                    return _KILLED
        raise _EndsError(Status.INTERRUPTED, f"It lost its node {MOST_LOSSES + 1} times ({why}): resume it to go on.")

    def _find_node(self, *, after_loss: bool) -> Steps:
        """Wait for a node; after the loss of one, only while one of those that are there could take the run."""
        since = self._clock.now()
        while True:
            self._raise_if_ending()
            node = None
            try:
                node = self._seat.ask()
            except CifarCoreError as error:
                if not after_loss:
                    raise
                if self._clock.now() - since > NO_NODE_SECONDS:
                    why = f"Its node was lost, and no other one can take it: resume it later. {error}"
                    raise _EndsError(Status.INTERRUPTED, why) from error
            if node is not None:
                return node
            if self._is_cluster_gone():
                raise self._gone()
            if after_loss:
                self._show("waiting for another node, because its node was lost")
            yield Pause(2 * _LOOK_SECONDS[0])

    def _compute_on(self, node: Node) -> Steps:
        """Compute the run on a node to its end, and leave nothing of it there; returns the exit code."""
        try:
            report = yield from self._begin_and_follow(node)
        except CifarCoreError:
            yield from self._forget(node)
            raise
        code = self._finish(report)
        yield from self._forget(node)
        return code

    def _begin_and_follow(self, node: Node) -> Steps:
        """Let a node compute the run, which it may have already; returns the last `Report`, once all files are here."""
        found: Found = yield from ask(node, self._clock, "find", self._folder.run_id)
        if not found.started or not found.metrics.startswith(whole_lines(self._folder.metrics)):
            snapshot = yield from send_run(node, self._clock, self._folder, self._show_sending)
            self._fetching.sent(snapshot)
            yield from self._start(node)
        elif found.ended and found.state is not None and found.state.status is not Status.FINISHED:
            yield from self._fetching.bring_all(node, self._clock)
            yield from self._start(node)
        return (yield from self._follow(node))

    def _start(self, node: Node) -> Steps:
        """Start the training on the node, unless the run was asked to end meanwhile."""
        self._raise_if_ending()
        with storage_errors("reading status.json", to="read"):
            status = self._folder.status.read_bytes()
        yield from ask(node, self._clock, "start", secrets.token_hex(8), status)

    def _follow(self, node: Node) -> Steps:
        """Follow the training until it has ended and all its files are here; returns the last `Report`."""
        began, files_at, told = self._clock.now(), 0.0, ""
        gone_by = math.inf
        while True:
            if self._is_cluster_gone() and gone_by == math.inf:
                gone_by, self._terminate = self._clock.now() + END_SECONDS, True
            if self._clock.now() > gone_by:
                raise self._gone()
            order = "kill" if self._kill_by is not None else "terminate" if self._terminate else ""
            if order != told:
                told = order
                yield from ask(node, self._clock, order)
            wants_files = self._clock.now() - files_at >= _FILES_SECONDS
            report = yield from self._look(node, wants_files=wants_files)
            if wants_files:
                files_at = self._clock.now()
            if report.ended:
                break
            yield Pause(_LOOK_SECONDS[self._clock.now() - began > _QUICK_SECONDS])
        yield from self._fetching.bring_all(node, self._clock)
        report = yield from self._look(node, wants_files=False)
        if gone_by < math.inf and report.state.status is not Status.FINISHED:
            raise self._gone()
        return report

    def _look(self, node: Node, *, wants_files: bool) -> Steps:
        """Look at the run: its log and progress are shown here, new files are brought; returns the `Report`."""
        digest = self._fetching.digest if wants_files else None
        request = persons_request(self._folder)
        report: Report = yield from ask(node, self._clock, "poll", request, self._fetching.log_end, digest)
        self._fetching.take_log(report)
        progress = report.state.progress
        if report.state.status is Status.RUNNING and progress is not None and progress != self._progress:
            self._progress = progress
            with contextlib.suppress(StorageError, RunError):  # the run can go on without this progress being shown
                write_progress(self._folder, progress)
        if report.snapshot is not None:
            yield from self._fetching.bring(node, self._clock, report.snapshot)
        return report

    def _finish(self, report: Report) -> int:
        """Write how the run ended, where its training has written that; returns the exit code."""
        state = report.state
        if state.status not in ACTIVE:
            if state.progress is not None:
                with contextlib.suppress(StorageError, RunError):
                    write_progress(self._folder, state.progress)
            self._end(state.status, state.error, diverged=state.diverged)
        return report.code

    def _forget(self, node: Node) -> Steps:
        """Have a node remove the run; one that does not answer removes it later."""
        with contextlib.suppress(CifarCoreError, NodeLostError):
            yield from ask(node, self._clock, "forget")

    def _end(self, end: Status, why: str, *, diverged: bool = False) -> None:
        """Write how the run ended; where the disk refuses, its worker finds the reason in the log."""
        if not self._folder.path.is_dir():
            return
        try:
            move_or_retry(self._folder, end, why, diverged=diverged)
        except StorageError as error:
            append_bounded(self._folder.log, f"\n{end_line(end, why or str(error))}\n".encode())

    def _raise_if_ending(self) -> None:
        """End the run where it was asked to, while no training of it runs."""
        request = persons_request(self._folder)
        if request is None and (self._terminate or self._kill_by is not None):
            request = EndRequest.TERMINATE
        if request is not None:
            raise _EndsError(request.leads_to, KILLED[request] if request is EndRequest.TERMINATE else "")

    def _is_cluster_gone(self) -> bool:
        """Whether the cluster could not be reached at the last two looks, a few seconds apart."""
        now = self._clock.now()
        if now >= self._reach_at:
            self._reach_at = now + REACH_SECONDS
            self._why_gone = self._seat.why_gone()
            self._unreached = self._unreached + 1 if self._why_gone else 0
        return self._unreached > 1

    def _gone(self) -> _EndsError:
        return _EndsError(Status.INTERRUPTED, f"{self._why_gone} Start it again, then resume the run.")

    def _show_sending(self, what: str) -> None:
        """Show what is being sent; ends the run where it was asked to."""
        self._raise_if_ending()
        self._show(what)

    def _show(self, phase: str) -> None:
        """Show in the status what a run does that does not train."""
        now = time.monotonic()
        if now - self._shown_at < _SHOWN_SECONDS:
            return
        self._shown_at = now
        with contextlib.suppress(StorageError, RunError):
            before = read_state(self._folder).progress or TrainingProgress(phase)
            write_progress(self._folder, before.before_training(phase))
