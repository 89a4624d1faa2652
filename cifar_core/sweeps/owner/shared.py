"""A study that several machines share, in a PostgreSQL database: each owner asks and tells there.

An owner shows that it lives by a heartbeat of each of its trials. The trials of one that died go stale, whoever sees
that first fails them, and each is queued again under a new number that is linked to the old one.
"""

import contextlib
import hashlib
import json
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import optuna
from optuna.exceptions import OptunaError
from optuna.storages import RDBStorage, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.exc import SQLAlchemyError

from cifar_core.errors import StorageError, SweepError
from cifar_core.sweeps.owner.outcome import Outcome
from cifar_core.sweeps.owner.proposing import FixedSampler, make_pruner, make_sampler
from cifar_core.sweeps.owner.study import Proposal, Study
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.space import range_text
from cifar_core.text import one_line
from cifar_core.workspace import Workspace

BEAT_SECONDS = 10  # between two heartbeats of a trial
GRACE_SECONDS = 40  # without one until a trial is stale; found so within BEAT_SECONDS, so within a minute of a death
_OPEN_TRIES = 5  # where several owners open a new database at once, one of them makes its tables
_OPEN_SECONDS = 0.5
# Of libpq; a connection whose other end has vanished is given up in about half a minute.
_CONNECTION = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
_DATABASE_ERRORS = (OptunaError, SQLAlchemyError, RuntimeError)
_REPLACES, _SURPLUS = "replaces", "surplus"  # user attributes of a trial
_SEARCHES, _FINGERPRINT = "searches", "fingerprint"  # user attributes of the study
_DONE = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class SharedStudy(Study):
    """One owner's part in a shared study."""

    def __init__(self, plan: SweepPlan, workspace: Workspace) -> None:
        """Join the study of a plan, or begin it.

        Raises:
            StorageError: the database does not answer.
            SweepError: a study of this name searches something else, or is on another dataset.
        """
        with _database(plan):
            study, self._storage = _open(plan)
            super().__init__(plan, study)
            _require_same(self._study, plan)
        self._workspace = workspace
        self._alive: set[int] = set()  # ids of our trials that are not done
        self._seen: set[int] = set()  # ids of others' trials whose heartbeat has begun
        self._trials: list[FrozenTrial] = []  # as they were at the last look
        self._next_look = 0.0  # monotonic seconds
        self._left = threading.Event()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def add(self, number: int, settings: Mapping[str, Any]) -> None:
        """Take up a trial again that an earlier owner has asked for.

        Raises:
            StorageError: the database does not answer.
            SweepError: the study does not have it.
        """
        with _database(self._plan):
            found = next((each for each in self._read() if each.number == number - 1), None)
        if found is None:
            raise SweepError(
                f"The shared study {self._plan.study!r} has no trial {number}, which this sweep has tried: it was "
                "deleted or is another one now. Start a new sweep."
            )
        self._ids[number] = found._trial_id
        self._judged[number] = len(found.intermediate_values)
        if found.state is TrialState.RUNNING:
            self._begin_beat(found._trial_id)

    def ask(self) -> Proposal | None:
        """The next candidate; None where all owners together have as many as planned, and none is queued again."""
        with _database(self._plan):
            trials = self._read()
            is_full = len(_planned(trials)) >= self._plan.candidates
            if is_full and not any(each.state is TrialState.WAITING for each in trials):
                return None
            known = FixedSampler({}) if len(_planned(trials)) < len(self._fixed) else None
            self._study.sampler = known or make_sampler(self._plan, f"{len(trials)} {self._plan.id}")
            trial = self._study.ask()
            self._begin_beat(trial._trial_id)
            if _REPLACES not in trial.user_attrs:
                rank = sum(each.number < trial.number for each in _planned(self._read()))
                if rank >= self._plan.candidates:  # another owner was faster
                    self._give_back(trial)
                    return None
                if rank < len(self._fixed):
                    self._study.sampler = FixedSampler(self._fixed[rank])
                elif known:
                    self._study.sampler = make_sampler(self._plan, f"{len(trials)} {self._plan.id}")
            number = trial.number + 1
            self._ids[number] = trial._trial_id
            settings = self._choose(trial)
            trial.set_user_attr("owner", self._plan.id)
            trial.set_user_attr("workspace", f"{self._workspace.root}")
            return self._proposal(number, settings, trial.user_attrs.get(_REPLACES))

    def _give_back(self, trial: optuna.Trial) -> None:
        trial.set_user_attr(_SURPLUS, True)
        self._alive.discard(trial._trial_id)
        self._study.tell(trial, state=TrialState.FAIL)

    def should_prune(self, number: int, values: Sequence[float]) -> bool:
        """As in a study of its own; one that others have taken over is not judged."""
        with _database(self._plan):
            return self._ids[number] in self._alive and super().should_prune(number, values)

    def tell(self, number: int, outcome: Outcome) -> None:
        """As in a study of its own; one that is done there stays as it is."""
        with _database(self._plan):
            if self._ids[number] not in self._alive:
                return
            self._study._storage.set_trial_user_attr(self._ids[number], "runs", list(outcome.runs))
            with contextlib.suppress(ValueError, optuna.exceptions.UpdateFinishedTrialError):  # it has just gone stale
                super().tell(number, outcome)
            self._alive.discard(self._ids[number])

    def lost(self) -> frozenset[int]:
        """Numbers of trials that are repeated, because their owner was taken for dead."""
        return frozenset(each.user_attrs[_REPLACES] for each in self._look() if _REPLACES in each.user_attrs)

    def elsewhere(self) -> int:
        """How many candidates other owners try or have tried."""
        ours = self._ids.values()
        return sum(each._trial_id not in ours for each in _planned(self._look()))

    def waits(self) -> bool:
        """Whether a trial of others is not done, which may come back to be repeated here."""
        ours = self._ids.values()
        return any(each.state not in _DONE and each._trial_id not in ours for each in self._look())

    def close(self) -> None:
        """Leave the study: what is not done there goes stale, unless this sweep is resumed before."""
        self._left.set()

    def _look(self) -> list[FrozenTrial]:
        """All trials, read again now and then; those of dead owners are queued again then."""
        if time.monotonic() >= self._next_look:
            with _database(self._plan):
                fail_stale_trials(self._study)
                self._trials = self._read()
                self._watch_others(self._trials)
            self._next_look = time.monotonic() + min(BEAT_SECONDS, GRACE_SECONDS)
        return self._trials

    def _watch_others(self, trials: Sequence[FrozenTrial]) -> None:
        """Begin the heartbeat of others' trials, since an owner may have died before it could do that itself."""
        running = {each._trial_id for each in trials if each.state is TrialState.RUNNING}
        for trial_id in running - self._alive - self._seen:
            self._storage.record_heartbeat(trial_id)
            self._seen.add(trial_id)

    def _read(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _begin_beat(self, trial_id: int) -> None:
        self._storage.record_heartbeat(trial_id)
        self._alive.add(trial_id)

    def _beat(self) -> None:
        """The heartbeat thread; a database that does not answer is met by the owner itself."""
        while not self._left.wait(BEAT_SECONDS):
            for trial_id in list(self._alive):
                with contextlib.suppress(*_DATABASE_ERRORS):
                    self._storage.record_heartbeat(trial_id)


def _open(plan: SweepPlan) -> tuple[optuna.Study, RDBStorage]:
    """The study, begun where it is not there, and its database."""
    for tries_left in reversed(range(_OPEN_TRIES)):
        try:
            storage = RDBStorage(
                plan.options.storage,
                {"pool_pre_ping": True, "connect_args": _CONNECTION},
                heartbeat_interval=BEAT_SECONDS,
                grace_period=GRACE_SECONDS,
                heartbeat_stale_trial_callback=_queue_again,
            )
            study = optuna.create_study(
                study_name=plan.study,
                storage=storage,
                direction="maximize",
                pruner=make_pruner(plan),
                load_if_exists=True,
            )
        except (OptunaError, SQLAlchemyError):
            if not tries_left:
                raise
            time.sleep(_OPEN_SECONDS)
        else:
            return study, storage
    raise AssertionError("the last try returns or raises")


def _queue_again(study: optuna.Study, trial: FrozenTrial) -> None:
    """Queue a stale trial again, under a new number."""
    replaces = {_REPLACES: trial.number + 1}
    again = create_trial(
        state=TrialState.WAITING, params=trial.params, distributions=trial.distributions, user_attrs=replaces
    )
    study.add_trial(again)


def _planned(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that count against the plan: one that repeats another is none."""
    return [each for each in trials if _REPLACES not in each.user_attrs and _SURPLUS not in each.user_attrs]


def _require_same(study: optuna.Study, plan: SweepPlan) -> None:
    """Refuse a study that compares other things; SweepError."""
    searched = [dict(plan.settings), [range_text(item) for item in plan.space], plan.options.seeds]
    digest = hashlib.sha256(json.dumps(searched, sort_keys=True).encode()).hexdigest()
    for name, value in ((_SEARCHES, digest), (_FINGERPRINT, plan.fingerprint)):
        if value and name not in study.user_attrs:
            study.set_user_attr(name, value)
    found = study.user_attrs
    if found[_SEARCHES] != digest:
        raise SweepError(
            f"The shared study {plan.study!r} searches other settings than this sweep: give this one another name."
        )
    if plan.fingerprint and found[_FINGERPRINT] != plan.fingerprint:
        raise SweepError(
            f"The shared study {plan.study!r} is on another dataset than {plan.settings['dataset']} here (its "
            "fingerprint differs), so its trials cannot be compared: use the same dataset, or another name."
        )


@contextlib.contextmanager
def _database(plan: SweepPlan) -> Iterator[None]:
    """Errors of the database as one sentence; its warnings are about heartbeats, which are recorded on purpose."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _DATABASE_ERRORS as error:
        parts = urlsplit(plan.options.storage)
        place = f"{parts.hostname or 'this machine'}{parts.path}"
        cause = one_line(str(error.__cause__ or error), 200)
        raise StorageError(
            f"The shared study in the database {place} cannot be used ({cause}): see that its server runs and lets "
            "this user in, then resume the sweep."
        ) from error
