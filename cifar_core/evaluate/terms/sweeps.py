"""Words for a search over settings."""

from cifar_core.evaluate.terms.term import Term

TERMS: dict[str, Term] = {
    "sweep": Term(
        "Sweep",
        "Many runs that try settings",
        "A series of runs that differ in the settings that are varied; judged on the validation part, never on the test part.",
    ),
    "trial": Term(
        "Trial (candidate)",
        "One guess",
        "One combination of the varied settings, trained once with each seed. Several seeds count by their mean.",
    ),
    "sampler": Term(
        "Sampler",
        "Who proposes the next guess",
        "TPE (tree-structured Parzen estimator) learns from the trials so far where good settings lie; random search draws "
        "by chance; a grid tries every combination of listed values.",
    ),
    "pruner": Term(
        "Pruner, pruned",
        "Stopping hopeless runs early",
        "A run that is worse after an epoch than others were is stopped, which saves time: it is pruned. Median compares "
        "with the middle of the others; Hyperband gives many runs few epochs and the best of them more.",
    ),
    "parallel_coordinates": Term(
        "Parallel coordinates",
        "Every trial as one line",
        "An upright axis for each swept setting and one for the accuracy; each trial is a line through its values. Lines of "
        "the best colour that pass close together on an axis show which values work; spread over it, it hardly matters.",
    ),
    "importance": Term(
        "Importance (PED-ANOVA)",
        "Which setting matters",
        "How differently the better trials and all trials spread over the values of a setting, as a share of all settings. "
        "It says nothing of the direction, and with few trials it is a rough guide.",
        "variance of p_better(v) / p_all(v) over the values v, divided by the sum over the settings",
    ),
    "pareto_front": Term(
        "Pareto front",
        "The best for each time",
        "The trials that no other one beats in both accuracy and training time: more accuracy than one of them costs more "
        "time.",
    ),
    "winners_curse": Term(
        "Winner's curse",
        "The best of many was also lucky",
        "The best of many trials was chosen because its measurement came out high, so on average it is a little worse than "
        "it looks. The more trials are alike, the more of the lead is luck. Other seeds, and test pictures that chose "
        "nothing, show what it is worth.",
    ),
}
