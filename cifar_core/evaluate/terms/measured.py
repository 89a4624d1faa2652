"""Words for how good a network is, measured on a part of the pictures."""

from cifar_core.evaluate.terms.term import Term

TERMS: dict[str, Term] = {
    "accuracy": Term(
        "Accuracy",
        "How many it gets right",
        "The share of pictures whose class is predicted correctly. Where one class has most of the pictures, it says "
        "little: look at the recall of each class too.",
        "correct predictions / pictures",
    ),
    "precision": Term(
        "Precision",
        "When it says cat, how often it is one",
        "Of the pictures predicted as this class, the share that belong to it.",
        "correct predictions of the class / predictions of the class",
    ),
    "recall": Term(
        "Recall",
        "How many of the cats it finds",
        "Of the pictures of this class, the share predicted as it.",
        "correct predictions of the class / pictures of the class",
    ),
    "f1": Term(
        "F1",
        "Precision and recall as one number",
        "Harmonic mean of precision and recall: it is high only where both are.",
        "2 × precision × recall / (precision + recall)",
    ),
    "support": Term(
        "Support",
        "How many pictures the number stands on",
        "Pictures of the class. A share of few pictures moves far by chance.",
    ),
    "averages": Term(
        "Macro and weighted average",
        "One number for all classes",
        "The macro average counts each class alike, the weighted average each picture.",
    ),
    "interval": Term(
        "Confidence interval, 95 %",
        "How far chance alone may move it",
        "The range in which the value on all such pictures may lie: 95 % of such intervals contain it (Wilson). Few "
        "pictures make it wide.",
    ),
    "verdict": Term(
        "Fixed, broken",
        "What changed from one to the other",
        "Of two networks A and B, or two epochs of one, on the same pictures: fixed is wrong in A and right in B, broken "
        "is right in A and wrong in B. On the others both are right, or both are wrong.",
    ),
    "paired": Term(
        "Difference of accuracies",
        "How much better B is than A",
        "The accuracy of B less that of A on the same pictures, in percentage points. Its 95 % interval counts that both "
        "saw the same pictures (Newcombe 1998, method 10); where it holds 0, no difference is shown.",
        "(fixed − broken) / pictures",
    ),
    "mcnemar": Term(
        "p by chance alone (McNemar)",
        "How often a coin would do that",
        "If A and B were equally good, each picture that changed would be fixed or broken by the toss of a coin. p is "
        "how often the coin falls at least as unevenly: below 0.05, chance is a poor explanation. It speaks of these two "
        "trained networks: another seed gives another network.",
        "2 P(X ≤ min(fixed, broken)), X ~ Binomial(fixed + broken, 1/2), at most 1",
    ),
    "confusion": Term(
        "Confusion matrix",
        "What it takes for what",
        "A table with a row for each true class and a column for each predicted one: each cell counts the pictures. On "
        "the diagonal stand the correct predictions, everywhere else the mistakes.",
    ),
    "class": Term(
        "Class",
        "The kind of thing in the picture",
        "The answers that the network can give. It answers with one of them, whatever the picture shows. The true class "
        "is the one that the dataset says, and may itself be wrong.",
    ),
    "probability": Term(
        "Probability",
        "Its belief in each answer",
        "A number from 0 to 100 % that the network gives to each class; together they are 100 %. It predicts the class "
        "with the highest one, and may be sure and wrong.",
        "softmax of the last layer",
    ),
    "n": Term(
        "n",
        "How many pictures were counted",
        "The number of pictures that a share was measured on: of few pictures it moves far by chance.",
    ),
    "seed_noise": Term(
        "Seed noise",
        "How much of a result is luck",
        "Runs of one setting that differ in the seed alone still reach different accuracies. Their mean says what the "
        "setting is worth, its 95 % interval (Student's t) how well that is known. The difference of two single runs means "
        "something only where it is larger than such runs lie apart: repeat them with a few seeds to know.",
    ),
    "wrong_in": Term(
        "Wrong in n of k",
        "Bad luck, or hard?",
        "How many of the k runs that differ in the seed alone get a picture wrong. Wrong with every seed, the picture "
        "itself is hard, or its label is in doubt; wrong with one of them, it was that training's luck.",
    ),
}
