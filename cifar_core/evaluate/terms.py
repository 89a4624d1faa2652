"""The one table of the words on the screens that are no score of a picture, and the glossary of all words.

What stands behind the "?" of a number of a whole split comes from here too. Of a setting, the table of hyperparameters
says what it is.
"""

from dataclasses import dataclass

from cifar_core.config import spec_of
from cifar_core.evaluate.scores import SCORES


@dataclass(frozen=True)
class Term:
    """A word of the field: in a student's words, and as the field says it."""

    title: str  # as the screens have it
    plain: str  # what a student would call it
    help: str  # what it means, as whole sentences
    formula: str = ""  # "" where it is no number


def glossary() -> list[Term]:
    """Every term and every score, in the order of their titles."""
    scores = [Term(score.title, score.plain, score.help, score.formula) for score in SCORES.values()]
    return sorted([*TERMS.values(), *scores], key=lambda term: term.title.casefold())


def find_terms(words: str) -> list[Term]:
    """The terms of the glossary with all of these words in them: first where the title has them, then plain words."""
    wanted = words.casefold().split()

    def has_all(text: str) -> bool:
        return all(word in text.casefold() for word in wanted)

    found = [term for term in glossary() if has_all(f"{term.title} {term.plain} {term.help} {term.formula}")]
    return sorted(found, key=lambda term: (not has_all(term.title), not has_all(term.plain)))


def _of_setting(name: str, plain: str) -> Term:
    spec = spec_of(name)
    return Term(spec.label, plain, spec.help)


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
    "training": Term(
        "Training part",
        "What it learns from",
        "The pictures that the network sees with their classes. That it knows these says nothing about others.",
    ),
    "validation": Term(
        "Validation part",
        "The practice exam",
        "Training pictures that are kept apart and not learned from. They choose the best epoch.",
    ),
    "test": Term(
        "Test part",
        "The exam",
        "Pictures that are neither learned from nor used to choose anything: only their numbers say how good the "
        "network is on new pictures.",
    ),
    "epoch": Term(
        "Epoch",
        "One round over the pictures",
        "The network has seen each picture of the training part once. After each epoch it is measured.",
    ),
    "best": Term(
        "Best epoch",
        "The round that is kept",
        "The epoch with the highest accuracy on the validation part; its weights are the ones that predict. Without a "
        "validation part it is the last one.",
    ),
    "tag": Term(
        "Tag",
        "Your own word on a picture",
        "It belongs to the picture in its dataset, so every run shows, filters and exports it. It stays when the dataset "
        "is deleted, and is there again when the same pictures are back.",
    ),
    "saved_view": Term(
        "Saved view",
        "A question that every run answers",
        "A filter of test pictures kept under a name. True class, id and tags fix its pictures, so every run is asked "
        "about the same ones: how many it gets right, or, where the filter asks for predicted classes or scores, how "
        "many such mistakes it makes. A run is marked where it is worse than the run before by more than chance "
        "explains. Of 40 views without any change, about one is marked all the same.",
    ),
    "forgetting": Term(
        "Forgetting event",
        "It knew it, then lost it",
        "A picture that is right after one epoch and wrong after the next was forgotten once; of epochs that did not show "
        "it, nothing is known. One that stays right from some epoch on was never forgotten.",
    ),
    "first_right": Term(
        "First right at",
        "When it first knew it",
        "The first epoch at which the picture was predicted correctly. Easy pictures are right early on.",
    ),
    "never_learned": Term(
        "Never learned",
        "It never knew it",
        "A picture that was wrong each time it was shown. Often it is hard, or its label is wrong.",
    ),
    "unforgettable": Term(
        "Unforgettable",
        "Once known, never lost",
        "A picture that was right from some epoch on and never wrong after that. A training needs few of them: many can "
        "be left out without a loss of accuracy (Toneva et al. 2019).",
    ),
    "data_map": Term(
        "Data map",
        "Easy, ambiguous and hard pictures on one map",
        "Each picture is a point: upwards how much the network believed in its true class on average over the epochs, "
        "across how much that went up and down. High and steady is easy, unsteady is ambiguous, low and steady is hard: "
        "look there for wrong labels (Swayamdipta et al. 2020).",
    ),
    "mean_p_true": Term(
        "Mean p(true class)",
        "How much it believed in the right answer, over the whole training",
        "The mean of p(true class) over the epochs. Papers on data maps call it the confidence of a picture.",
        "mean over the epochs of p(true class)",
    ),
    "variability": Term(
        "Variability",
        "How often it changed its mind",
        "How far p(true class) went up and down over the epochs: 0 where it stood still, at most 0.5.",
        "standard deviation over the epochs of p(true class)",
    ),
    "correctness": Term(
        "Correctness",
        "How often it knew it",
        "The share of the epochs at which the picture was predicted correctly.",
        "epochs at which it was right / epochs at which it was shown",
    ),
    "aum": Term(
        "AUM",
        "By how far the right answer was ahead or behind, over the whole training",
        "Area under the margin: the mean over the epochs of the logit of the true class less the highest other one. Far "
        "below 0 another class was ahead all the time: such a label may be wrong (Pleiss et al. 2020).",
        "mean over the epochs of z(true class) − highest other z",
    ),
    "training_records": Term(
        "Training records",
        "What it answered while it learned",
        "For each training picture, each time an epoch showed it: the probability of its label, the margin, the predicted "
        "class. They are noted in the training steps themselves, so each answer is to a varied (augmented) picture, with "
        "dropout, by the network of that moment: not what it answers to the picture as it is. They are kept with 11 "
        "significant bits, about 3 digits.",
    ),
    "overfitting": Term(
        "Overfitting",
        "Learning by heart",
        "The loss on the training part still falls, while that on the validation part rises: the network memorises its "
        "pictures, and gets no better on new ones.",
    ),
    "plateau": Term(
        "Plateau",
        "It has stopped getting better",
        "Over the last epochs the best accuracy has hardly moved. More epochs alone are unlikely to help.",
    ),
    "divergence": Term(
        "Divergence",
        "Its steps are so large that it loses its way",
        "The loss grows until it is no longer a number. A lower learning rate helps.",
    ),
    "n": Term(
        "n",
        "How many pictures were counted",
        "The number of pictures that a share was measured on: of few pictures it moves far by chance.",
    ),
    "preset": Term(
        "Preset",
        "A ready recipe",
        "A named set of all settings but the dataset. What you change afterwards is named beside it.",
    ),
    "augmentation": Term(
        "Augmentation",
        "The same picture, a little different each time",
        "Training pictures are flipped, shifted or partly covered at random, so that the network does not learn them by "
        "heart.",
    ),
    "learning_rate": _of_setting("learning_rate", "How large its steps are"),
    "batch_size": _of_setting("batch_size", "How many pictures between two steps"),
    "dropout": _of_setting("dropout", "Some neurons rest, so that none is relied on"),
    "schedule": _of_setting("schedule", "How its steps become smaller"),
    "seed": _of_setting("seed", "The number that fixes chance"),
    "imported": Term(
        "Imported predictions",
        "What a model from elsewhere answers",
        "Class probabilities that another program computed for the pictures of a dataset, imported from a file. They are "
        "looked at and compared like those of any run. There is no network and no training here, so nothing can be "
        "predicted with them or trained from them.",
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
    "parameters": Term(
        "Parameters (weights)",
        "What it can adjust",
        "The numbers inside the network that training changes.",
    ),
}
