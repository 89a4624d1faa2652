"""Words for single pictures: how each was learned, and what people say of them."""

from cifar_core.evaluate.terms.term import Term

TERMS: dict[str, Term] = {
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
}
