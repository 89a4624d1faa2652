"""Starts the runs of a sweep: makes those that are not there, and lets those go on that are paused or interrupted."""

import contextlib
from collections import Counter
from dataclasses import asdict

from cifar_core.data import dataset_state, open_dataset
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.errors import ConfigError, DataError, RunError, StorageError, SweepError
from cifar_core.lifecycle.runner import Runner
from cifar_core.lifecycle.states import Status
from cifar_core.limits import read_limits
from cifar_core.runs import create_run, list_runs, resume_run, start_run
from cifar_core.runs.control.admission import require_person_limit
from cifar_core.runs.run_folder import run_folder
from cifar_core.runs.trials.kept import KeptRun, kept_file
from cifar_core.storage.atomic import make_folder
from cifar_core.storage.json_files import write_json
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.owner.candidate import Candidate, Stage, TrialRun
from cifar_core.sweeps.plan import SweepPlan, trial_config
from cifar_core.sweeps.trial_file import trial_nonce

MOST_RESUMES = 3  # of a run by one owner: what ends its process again and again would never come to an end
_MOST_UNSTARTED = 4  # launches in a row that fail
_MOST_REFUSED = 3  # candidates in a row that cannot be trained: then it is no matter of their settings


class Starter:
    """Starts runs, each as often as it may be, and says which it leaves alone."""

    def __init__(self, sweep: SweepFolder, plan: SweepPlan, runner: Runner) -> None:
        self._sweep, self._plan, self._runner = sweep, plan, runner
        self._started: set[str] = set()  # ids of runs that this owner has launched
        self._resumes: Counter[str] = Counter()
        self._refused = self._unstarted = 0  # in a row
        self.resumable: set[str] = set()  # ids of runs that no person has paused, so that they go on

    def can_start(self, run: TrialRun) -> bool:
        """Whether a run waits for this owner, and not for a person."""
        match run.stage:
            case Stage.ABSENT:
                return True
            case Stage.ACTIVE:  # perhaps made by an owner that died before it could start it
                is_queued = run.run is not None and run.run.status is Status.QUEUED
                return is_queued and run.id not in self._started and not self._is_alive(run)
            case Stage.PAUSED:
                return run.id in self.resumable and self._resumes[run.id] < MOST_RESUMES
            case Stage.INTERRUPTED:
                return self._resumes[run.id] < MOST_RESUMES
            case _:
                return False

    def _is_alive(self, run: TrialRun) -> bool:
        with contextlib.suppress(RunError):
            return self._runner.is_alive(run_folder(self._sweep.workspace, run.id))
        return False

    def refusal(self) -> str:
        """Why no run may be started now, in a sentence: the person has as many as are allowed; empty where one may.

        Raises:
            ConfigError: `settings.json` breaks a rule.
        """
        workspace = self._sweep.workspace
        if read_limits(workspace).runs_per_person:
            try:
                require_person_limit(workspace, self._plan.person, list_runs(workspace))
            except RunError as error:
                return str(error)
        return ""

    def start(self, candidate: Candidate, run: TrialRun) -> None:
        """Make, start or resume a run; one that cannot be made with its settings counts as failed.

        Raises:
            ConfigError, DataError: several candidates in a row could not be made, or the dataset is not there.
            SweepError: the dataset is another one now.
            StorageError: the disk refused.
        """
        is_new = run.stage in (Stage.ABSENT, Stage.ACTIVE)
        if run.stage is Stage.ABSENT and not self._make(candidate, run):
            return
        try:
            self._launch(run, is_new=is_new)
        except StorageError:  # the disk; or the worker that was to have it has just died, and there will be another
            self._unstarted += 1
            if self._unstarted >= _MOST_UNSTARTED:
                raise
        else:
            self._unstarted = 0

    def _launch(self, run: TrialRun, *, is_new: bool) -> None:
        workspace = self._sweep.workspace
        if is_new:
            with contextlib.suppress(RunError):  # it was launched before, and its worker is dead: it will be resumed
                start_run(workspace, run.id, self._runner)
            self._started.add(run.id)
            run.stage = Stage.ACTIVE
            return
        self._resumes[run.id] += 1
        with contextlib.suppress(RunError):  # an earlier process of it has not quite ended: tried again
            resume_run(workspace, run.id, self._runner)
            self.resumable.discard(run.id)
            run.stage = Stage.ACTIVE

    def _make(self, candidate: Candidate, run: TrialRun) -> bool:
        plan, number = self._plan, candidate.file.number
        self._require_dataset()
        try:
            create_run(
                self._sweep.workspace,
                trial_config(plan, candidate.file.settings, run.seed),
                nonce=trial_nonce(plan.id, number, run.seed),
                person=plan.person,
                lesson=plan.lesson,
                sweep=plan.id,
                trial=number,
                place=plan.options.place,
            )
        except (ConfigError, DataError) as error:
            self._refused += 1
            if self._refused >= _MOST_REFUSED:
                raise
            self._keep_as_failed(run, number, str(error))
            return False
        except RunError:  # the person has started another run meanwhile
            return False
        self._refused = 0
        return True

    def _require_dataset(self) -> None:
        """Refuse to go on without pictures (DataError), or with others than those of the runs before (SweepError)."""
        name = self._plan.settings["dataset"]
        if name == DRAWN10_NAME and dataset_state(self._sweep.workspace, name).state != "ready":
            return  # the run draws it
        if self._plan.fingerprint not in ("", open_dataset(self._sweep.workspace, name).fingerprint):
            raise SweepError(
                f"The dataset {name} is another one now than when sweep {self._plan.id} began (its fingerprint "
                "differs), so further runs could not be compared with those there are: start a new sweep."
            )

    def _keep_as_failed(self, run: TrialRun, number: int, why: str) -> None:
        path = kept_file(self._sweep.workspace, self._sweep.id, run.id)
        make_folder(path.parent)
        run.kept = KeptRun(run.id, number, run.seed, "failed", None, (), 0.0, refused=why)
        run.stage = Stage.ENDED
        write_json(path, asdict(run.kept))
