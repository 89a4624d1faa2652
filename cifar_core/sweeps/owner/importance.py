"""How much each swept setting matters, by PED-ANOVA."""

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

from cifar_core.sweeps.importance import FEWEST, Importance


def compute_importance(study: optuna.Study) -> Importance | None:
    """PED-ANOVA over the finished trials; None before there are enough, or where they all have the same value.

    Watanabe, Bansal and Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces",
    IJCAI 2023.
    """
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(finished) < FEWEST or len({trial.value for trial in finished}) < 2:
        return None
    found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return Importance(len(finished), {name: min(max(share, 0.0), 1.0) for name, share in found.items()})
