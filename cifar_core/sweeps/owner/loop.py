"""The loop of a sweep's owner: looks at its runs, prunes, tells the study what became of them, starts the next ones.

Each step is written before it is done, and can be done again: the file of a candidate before a run of it is made, its
mark before a run of it is stopped. So an owner that is killed anywhere is followed by one that goes on from the disk.
"""

import contextlib
import time
from dataclasses import replace
from typing import Protocol

from cifar_core.config import spec_of
from cifar_core.errors import RunError, StorageError
from cifar_core.jobs.process import Reporter
from cifar_core.lifecycle.runner import Runner
from cifar_core.lifecycle.states import EndRequest
from cifar_core.runs import stop_run
from cifar_core.runs.control.actions import request_end
from cifar_core.runs.trials.kept import keep_trial_values
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.importance import write_importance
from cifar_core.sweeps.owner.candidate import Candidate, Stage, TrialRun, new_candidate
from cifar_core.sweeps.owner.importance import compute_importance
from cifar_core.sweeps.owner.starting import Starter
from cifar_core.sweeps.owner.study import Study
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.trial_file import TrialFile, read_trial_files, write_trial
from cifar_core.text import counted

LOOK_SECONDS = 0.5  # at most between two looks at the runs: their epochs are judged this late
PAUSE_SECONDS = 8.0  # for which an owner that ends waits for its runs to pause; it is ended itself after 10 s
_IMPORTANCE_SECONDS = 5.0  # at least between two computations


class Pool(Runner, Protocol):
    """A runner with as many workers as the sweep may keep busy."""

    def free(self) -> int:
        """How many workers have no run now."""

    def wait(self, seconds: float) -> None:
        """Wait until a worker reports an end, at most so long."""

    def close(self) -> None:
        """No further runs."""


class Owner:
    """Sees one sweep through."""

    def __init__(self, sweep: SweepFolder, plan: SweepPlan, study: Study, pool: Pool, reporter: Reporter) -> None:
        self._sweep, self._plan, self._study, self._pool, self._reporter = sweep, plan, study, pool, reporter
        self._starter = Starter(sweep, plan, pool)
        self._open: dict[int, Candidate] = {}  # those that are not done, by number
        self._done = 0  # runs of the others
        self._importance_at = 0.0  # monotonic seconds, when it may be computed again

    def run(self) -> str:
        """Try candidates until all are done; returns why it ended before, in a sentence, or nothing.

        Raises:
            CancelledError: it was asked to end; its runs were asked to pause.
            CifarCoreError: it cannot go on; its runs were asked to pause.
        """
        ends = time.monotonic() + 3600 * self._plan.options.hours if self._plan.options.hours else float("inf")
        try:
            self._take_in()
            while True:
                self._drop_lost()
                self._look()
                self._report()
                if time.monotonic() >= ends:
                    self._pause_all()
                    return self._time_is_over()
                all_proposed = self._start_some()
                if all_proposed and not self._is_busy() and not self._study.waits():
                    return self._why_unfinished()
                self._pool.wait(LOOK_SECONDS)
        except BaseException:
            self._pause_all()
            raise
        finally:
            self._pool.close()
            self._study.close()

    def _take_in(self) -> None:
        """Read what earlier owners have left."""
        for number, file in read_trial_files(self._sweep).items():
            if isinstance(file, str):  # it counts as failed; its runs stay what they are
                self._done += self._plan.options.seeds
                continue
            self._study.add(number, file.settings)
            candidate = self._add(file)
            candidate.read(self._sweep)
            for run in candidate.runs:
                is_paused = run.run is not None and (run.stage is Stage.PAUSED or run.run.ending is EndRequest.PAUSE)
                if is_paused:  # by the end of the last owner, or by a person before this one was asked for
                    self._starter.resumable.add(run.id)

    def _add(self, file: TrialFile) -> Candidate:
        candidate = new_candidate(self._sweep, file, one_first=self._plan.options.pruner != "none")
        self._open[file.number] = candidate
        return candidate

    def _drop_lost(self) -> None:
        """Leave the candidates alone that others repeat, because they took this owner for dead."""
        for number in self._study.lost() & self._open.keys():
            candidate = self._open.pop(number)
            candidate.file = replace(candidate.file, lost=True)
            write_trial(self._sweep, candidate.file)
            self._done += len(candidate.runs)
            for run in candidate.runs:
                with contextlib.suppress(RunError):  # it is not there, or has ended
                    stop_run(self._sweep.workspace, run.id)

    def _look(self) -> None:
        """Read the runs of the candidates that are not done, prune, and tell the study of those that are done now."""
        for number, candidate in list(self._open.items()):
            candidate.read(self._sweep)
            for run in candidate.runs:
                if run.stage is Stage.ENDED and run.run is not None and not run.is_kept:
                    keep_trial_values(self._sweep.workspace, run.run)
                    run.is_kept = True
            outcome = candidate.outcome
            if outcome is not None:
                self._study.tell(number, outcome)
                self._done += len(candidate.runs)
                del self._open[number]
            elif candidate.first.stage is Stage.ACTIVE:
                self._prune(candidate)
        self._weigh()

    def _prune(self, candidate: Candidate) -> None:
        """Stop the first run of a candidate where the pruner says so, or has said so before an owner was killed."""
        first, file = candidate.first, candidate.file
        values = first.run.validation_curve if first.run else ()
        if not file.pruned and self._study.should_prune(file.number, values):
            candidate.file = replace(file, pruned=True)
            write_trial(self._sweep, candidate.file)
        if candidate.file.pruned and first.run is not None and first.run.ending is None:
            with contextlib.suppress(RunError):  # it has just ended
                stop_run(self._sweep.workspace, first.id)

    def _weigh(self, *, last: bool = False) -> None:
        """Compute again how much each setting matters, where that is due."""
        if last or time.monotonic() >= self._importance_at:
            found = compute_importance(self._study.frozen())
            if found is not None:
                write_importance(self._sweep, found)
            self._importance_at = time.monotonic() + _IMPORTANCE_SECONDS

    def _report(self) -> None:
        ended = sum(run.stage is Stage.ENDED for candidate in self._open.values() for run in candidate.runs)
        self._reporter.check_cancel()
        planned = self._plan.options.runs - self._plan.options.seeds * self._study.elsewhere()
        self._reporter("Trying settings", self._done + ended, planned, "runs")

    def _start_some(self) -> bool:
        """Keep the workers busy: first with what was begun, then with the next candidates.

        Returns:
            whether there is no next candidate; False while none may start, as before a worker whose run ended is free.
        """
        for candidate in list(self._open.values()):
            self._start_runs(candidate)
        while self._may_start():
            proposed = self._study.ask()
            if proposed is None:
                return True
            file = TrialFile(
                proposed.number, proposed.settings, self._seeds(proposed.repeats), replaces=proposed.replaces
            )
            write_trial(self._sweep, file)
            self._start_runs(self._add(file))
        return False

    def _start_runs(self, candidate: Candidate) -> None:
        for run in candidate.wanted:
            if self._starter.can_start(run) and self._may_start():
                self._starter.start(candidate, run)

    def _may_start(self) -> bool:
        """Whether a worker is free, and the person may have one more run; asked before each, since each counts."""
        return self._pool.free() > 0 and not self._starter.refusal()

    def _seeds(self, repeats: int) -> tuple[int, ...]:
        """The seeds of a candidate; where its combination was tried before, the next ones, which say something new."""
        seeds = self._plan.options.seeds
        first = self._plan.settings["seed"] + seeds * repeats
        return tuple((first + step) % (int(spec_of("seed").high) + 1) for step in range(seeds))

    def _is_busy(self) -> bool:
        """Whether a run trains or waits, or may still be started."""
        return any(
            run.stage is Stage.ACTIVE or self._starter.can_start(run)
            for candidate in self._open.values()
            for run in candidate.wanted
        )

    def _why_unfinished(self) -> str:
        """Why nothing goes on although a candidate is not done; nothing where all are."""
        self._weigh(last=True)
        left = [run for candidate in self._open.values() for run in candidate.wanted if run.stage is not Stage.ENDED]
        if not left:
            return ""
        names = ", ".join(run.id for run in left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
        if all(run.stage is Stage.PAUSED for run in left):
            return f"Only paused runs are left ({names}): resume the sweep to go on with them."
        return (
            f"{counted(len(left), 'run')} cannot go on ({names}): see why in the log, then resume the sweep; a run "
            "that is deleted is left out."
        )

    def _time_is_over(self) -> str:
        self._weigh(last=True)
        return (
            f"Its time is over ({self._plan.options.hours:g} h) with {self._done} of "
            f"{counted(self._plan.options.runs, 'run')} done: resume it to go on for as long again."
        )

    def _pause_all(self) -> None:
        """Ask all runs to pause, and wait a moment until they have; those that do not obey are ended by others."""
        asked = []
        for run in self._active():
            with contextlib.suppress(RunError, StorageError):  # it has just ended; or a full disk: its workers go on
                asked.append(request_end(self._sweep.workspace, run.id, EndRequest.PAUSE))
        self._pool.enforce(asked)
        until = time.monotonic() + PAUSE_SECONDS
        while asked and self._active() and time.monotonic() < until:
            self._pool.wait(LOOK_SECONDS)

    def _active(self) -> list[TrialRun]:
        """The runs that train or wait now."""
        for candidate in self._open.values():
            candidate.read(self._sweep)
        return [run for candidate in self._open.values() for run in candidate.runs if run.stage is Stage.ACTIVE]
