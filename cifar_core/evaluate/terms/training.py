"""Words for a training: its parts, its settings, its course."""

from cifar_core.evaluate.terms.term import Term, of_setting

TERMS: dict[str, Term] = {
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
    "learning_rate": of_setting("learning_rate", "How large its steps are"),
    "batch_size": of_setting("batch_size", "How many pictures between two steps"),
    "dropout": of_setting("dropout", "Some neurons rest, so that none is relied on"),
    "schedule": of_setting("schedule", "How its steps become smaller"),
    "seed": of_setting("seed", "The number that fixes chance"),
    "imported": Term(
        "Imported predictions",
        "What a model from elsewhere answers",
        "Class probabilities that another program computed for the pictures of a dataset, imported from a file. They are "
        "looked at and compared like those of any run. There is no network and no training here, so nothing can be "
        "predicted with them or trained from them.",
    ),
    "parameters": Term(
        "Parameters (weights)",
        "What it can adjust",
        "The numbers inside the network that training changes.",
    ),
}
