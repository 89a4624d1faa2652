"""How good predictions are: every number is a pure function of predictions, which are checked when they are made.

A `CheckedPredictions` holds `labels` int [N], `probs` float [N, K] and the names of the classes, which are the columns
of `probs`. The predicted class is the most probable one; on a tie the lowest index wins. Reads and writes nothing.
"""

from cifar_core.evaluate.checks import check_class_names, check_probs
from cifar_core.evaluate.confusion import (
    ConfusionMatrix,
    Normalisation,
    confusion_matrix,
    explain_matrix,
    largest_confusion,
    most_confused,
    most_confused_classes,
    normalise_matrix,
)
from cifar_core.evaluate.data_map import (
    LEARNING_COLUMNS,
    REGIONS,
    Answers,
    LearningSummary,
    answers_to,
    learning_of_classes,
    learning_table,
    pictures_of,
    summarise_learning,
    unforgettable,
)
from cifar_core.evaluate.forgetting import explain_forgetting, forgetting_events
from cifar_core.evaluate.learning_curve import CurveJudgement, curve_events, judge_curve
from cifar_core.evaluate.metrics import (
    accuracy,
    averages,
    class_report,
    explain_averages,
    log_loss,
    top_k_accuracy,
    wilson_interval,
)
from cifar_core.evaluate.paired import (
    INTERVAL_METHOD,
    VERDICTS,
    Interval,
    PairedComparison,
    class_changes,
    compare_predictions,
    compare_right,
    comparison_sentence,
    verdicts,
)
from cifar_core.evaluate.predictions import CheckedPredictions
from cifar_core.evaluate.scores import SCORES, Score, sample_scores
from cifar_core.evaluate.terms import TERMS, Term, find_terms, glossary

__all__ = [
    "INTERVAL_METHOD",
    "LEARNING_COLUMNS",
    "REGIONS",
    "SCORES",
    "TERMS",
    "VERDICTS",
    "Answers",
    "CheckedPredictions",
    "ConfusionMatrix",
    "CurveJudgement",
    "Interval",
    "LearningSummary",
    "Normalisation",
    "PairedComparison",
    "Score",
    "Term",
    "accuracy",
    "answers_to",
    "averages",
    "check_class_names",
    "check_probs",
    "class_changes",
    "class_report",
    "compare_predictions",
    "compare_right",
    "comparison_sentence",
    "confusion_matrix",
    "curve_events",
    "explain_averages",
    "explain_forgetting",
    "explain_matrix",
    "find_terms",
    "forgetting_events",
    "glossary",
    "judge_curve",
    "largest_confusion",
    "learning_of_classes",
    "learning_table",
    "log_loss",
    "most_confused",
    "most_confused_classes",
    "normalise_matrix",
    "pictures_of",
    "sample_scores",
    "summarise_learning",
    "top_k_accuracy",
    "unforgettable",
    "verdicts",
    "wilson_interval",
]
