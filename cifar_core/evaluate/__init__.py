"""How good predictions are: every number is a pure function of `labels` int [N] and `probs` float [N, K].

Classes 0..K-1 are the columns of `probs`. The predicted class is the most probable one; on a tie the lowest index wins.
Reads and writes nothing.
"""

from cifar_core.evaluate.checks import check_class_names, check_matrix, check_predictions, check_probs
from cifar_core.evaluate.confusion import explain_matrix, most_confused
from cifar_core.evaluate.learning_curve import explain_curve
from cifar_core.evaluate.metrics import (
    Normalisation,
    accuracy,
    averages,
    class_report,
    confusion_matrix,
    log_loss,
    normalise_matrix,
    top_k_accuracy,
    wilson_interval,
)
from cifar_core.evaluate.scores import (
    LOSS_CLIP,
    Scores,
    confidence,
    entropy,
    margin,
    predicted_class,
    sample_loss,
    sample_scores,
    true_rank,
)

__all__ = [
    "LOSS_CLIP",
    "Normalisation",
    "Scores",
    "accuracy",
    "averages",
    "check_class_names",
    "check_matrix",
    "check_predictions",
    "check_probs",
    "class_report",
    "confidence",
    "confusion_matrix",
    "entropy",
    "explain_curve",
    "explain_matrix",
    "log_loss",
    "margin",
    "most_confused",
    "normalise_matrix",
    "predicted_class",
    "sample_loss",
    "sample_scores",
    "top_k_accuracy",
    "true_rank",
    "wilson_interval",
]
