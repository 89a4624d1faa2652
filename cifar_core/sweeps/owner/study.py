"""The study of a sweep in the memory of its owner, rebuilt from the files of its trials and from their runs.

The same trials give the same study, whether it was just rebuilt or has grown: each proposal has a sampler of its own,
whose seed follows from the sweep's seed and the number of trials so far, and each value of each epoch goes through the
pruner once, in order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import Trial, TrialState, create_trial

from cifar_core.sweeps.owner.outcome import Outcome
from cifar_core.sweeps.owner.proposing import distributions_of, make_pruner, make_sampler, suggest, to_optuna
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.space import grid, in_effect

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Proposal:
    """A candidate that is to be tried."""

    number: int  # of the trial, from 1
    settings: Mapping[str, Any]  # those of the swept ones that have an effect
    repeats: int = 0  # how many trials before have the same settings
    replaces: int | None = None  # number of the lost trial that it repeats (shared study)


class Study:
    """Proposes settings, judges the epochs of those that are tried, and learns what became of them."""

    def __init__(self, plan: SweepPlan, study: optuna.Study | None = None) -> None:
        self._plan = plan
        self._study = study or optuna.create_study(study_name=plan.id, direction="maximize", pruner=make_pruner(plan))
        self._distributions = distributions_of(plan.space)
        is_grid = plan.options.sampler == "grid"
        self._fixed = grid(plan.space, plan.settings) if is_grid else list(plan.start_points)
        self._ids: dict[int, int] = {}  # number of a trial -> its id in Optuna
        self._judged: dict[int, int] = {}  # number of a trial -> how many of its epochs the pruner has seen

    def add(self, number: int, settings: Mapping[str, Any]) -> None:
        """Take in a trial that an earlier owner has proposed; trials are added in the order of their numbers.

        Args:
            number: of the trial, from 1; one that is left out is one whose file is damaged, and counts as failed.
            settings: the swept ones that it has.
        """
        while self._size < number - 1:
            self._study.add_trial(create_trial(state=TrialState.FAIL))
        params = {name: to_optuna(value) for name, value in settings.items()}
        distributions = {name: self._distributions[name] for name in params}
        self._study.add_trial(create_trial(state=TrialState.RUNNING, params=params, distributions=distributions))
        self._ids[number] = self._study.get_trials(deepcopy=False)[-1]._trial_id

    @property
    def _size(self) -> int:
        """How many trials there are, those included whose file is damaged."""
        return len(self._study.get_trials(deepcopy=False))

    def ask(self) -> Proposal | None:
        """The next candidate; None where there are as many as planned."""
        size = self._size
        if size >= self._plan.candidates:
            return None
        if size < len(self._fixed):
            self.add(size + 1, self._fixed[size])
            return self._proposal(size + 1, dict(self._fixed[size]))
        self._study.sampler = make_sampler(self._plan, f"{size}")
        trial = self._study.ask()
        self._ids[trial.number + 1] = trial._trial_id
        return self._proposal(trial.number + 1, self._choose(trial))

    def _proposal(self, number: int, settings: Mapping[str, Any], replaces: int | None = None) -> Proposal:
        params = {name: to_optuna(value) for name, value in settings.items()}
        lost = self.lost()
        before = self._study.get_trials(deepcopy=False)[: number - 1]
        repeats = sum(each.params == params and each.number + 1 not in lost for each in before)
        return Proposal(number, settings, repeats, replaces)

    def _choose(self, trial: Trial) -> dict[str, Any]:
        """Let Optuna choose the settings of a trial."""
        plan = self._plan
        chosen: dict[str, Any] = {}
        for dimension in plan.space:
            if dimension.name in in_effect(plan.space, chosen, plan.settings):
                chosen[dimension.name] = suggest(trial, dimension)
        return chosen

    def should_prune(self, number: int, values: Sequence[float]) -> bool:
        """Whether a trial that runs should end early.

        Args:
            number: of the trial.
            values: validation accuracy after each epoch so far; those that were seen before are not judged again.
        """
        seen = self._judged.get(number, 0)
        if len(values) <= seen:
            return False
        trial = Trial(self._study, self._ids[number])
        verdicts = []
        for epoch in range(seen + 1, len(values) + 1):
            trial.report(values[epoch - 1], epoch)
            verdicts.append(trial.should_prune())  # asked after each: Hyperband notes what a trial had at some epochs
        self._judged[number] = len(values)
        return any(verdicts)

    def tell(self, number: int, outcome: Outcome) -> None:
        """What became of a trial. One that diverged counts as bad, one that failed otherwise tells nothing."""
        self.should_prune(number, outcome.values)
        if outcome.status == "finished":
            self._study.tell(number - 1, outcome.value)
        else:
            bad = outcome.status == "pruned" or outcome.diverged
            self._study.tell(number - 1, state=TrialState.PRUNED if bad else TrialState.FAIL)

    def lost(self) -> frozenset[int]:
        """Numbers of trials that others repeat, because they took their owner for dead; none in a study of its own."""
        return frozenset()

    def elsewhere(self) -> int:
        """How many candidates others try or have tried; none in a study of its own."""
        return 0

    def waits(self) -> bool:
        """Whether a trial of others runs, which may come back to be repeated here; never in a study of its own."""
        return False

    def close(self) -> None:
        """Leave the study."""

    def frozen(self) -> optuna.Study:
        """Optuna's own study, to be read only."""
        return self._study
