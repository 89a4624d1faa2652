"""Words for whether the probabilities of a network can be believed."""

from cifar_core.evaluate.terms.term import Term

TERMS: dict[str, Term] = {
    "nll": Term(
        "NLL (log loss)",
        "What its doubt costs",
        "Negative log-likelihood: the mean loss of all pictures. A confident mistake costs most; 0 is perfect.",
        "mean of −ln p(true class), p of at least 1e-12",
    ),
    "brier": Term(
        "Brier score",
        "How far its belief lies from the truth",
        "The squared distance of all probabilities from the answer that gives the true class 100 %, as a mean over the "
        "pictures. From 0 (perfect) to 2; it rewards being right and knowing how well one knows.",
        "mean of Σ (p of the class − 1 if it is the true one)² over the classes",
    ),
    "ece": Term(
        "ECE (expected calibration error)",
        "How far its promises are off, on average",
        "The pictures are put into 15 equal bins of their confidence. In each bin the accuracy is compared with the mean "
        "confidence; the ECE is the mean difference, each bin counting as often as it has pictures. At 0.05, what the "
        "network says and how often it is right lie 5 points apart. Chance alone makes it larger than 0: its 95 % "
        "interval begins at 0 where chance explains it.",
        "Σ pictures of the bin / all × |accuracy − mean confidence| over the bins",
    ),
    "mce": Term(
        "MCE (maximum calibration error)",
        "Its worst promise",
        "The largest difference of accuracy and mean confidence over the 15 bins of the ECE. A bin of few pictures often "
        "has it by chance.",
        "max |accuracy − mean confidence| over the bins with pictures",
    ),
    "temperature": Term(
        "Temperature scaling",
        "Telling it to be less sure of itself, or more",
        "All logits are divided by one number T, the temperature: above 1 the network becomes less sure, below 1 surer. "
        "The predicted classes stay. T is fitted on the validation part so that its NLL is lowest; where there is none, on "
        "the measured part, and what it brings is measured on two halves, each with the T of the other one. Of "
        "predictions averaged over views, the logarithm of the average takes the place of the logits.",
        "softmax(ln p / T)",
    ),
    "reliability": Term(
        "Reliability diagram",
        "How often it is right when it says how sure it is",
        "The pictures in 15 equal bins of their confidence: for each bin, how sure the network says it is and how often "
        "it is right. On the diagonal both are equal; below it the network is too sure, above it not sure enough.",
    ),
    "coverage": Term(
        "Threshold, coverage",
        "It answers only when it is sure",
        "With a threshold, a picture is answered only where the confidence is at least as high; the others are rejected, "
        "for a person to look at. The coverage is the share that is answered. A higher threshold answers fewer, and "
        "more of these answers are right.",
        "pictures with confidence ≥ threshold / pictures",
    ),
    "conformal": Term(
        "Conformal set",
        "All the classes it may be",
        "Instead of one class, all classes that are probable enough: the limit is chosen so that, of new pictures like "
        "those it was chosen on, at least 90 % have their true class in the set. This holds for all pictures together, not "
        "for each class. A set of many classes says that the network is in doubt; it may be empty too.",
        "classes with 1 − p at most the quantile of 1 − p(true class)",
    ),
}
