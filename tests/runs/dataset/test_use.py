"""What uses a dataset, in sentences: runs that train on it, wait to, have ended, or are linked to it."""

from dataclasses import replace

from cifar_core.config import make_config
from cifar_core.runs import DatasetFacts, EpochLine, LinkedDataset, Run, Status, dataset_use


def test_what_the_deletion_means_for_runs() -> None:
    """Names may repeat; one that starts has not opened the dataset yet; `drawn10` is drawn again by who needs it."""
    line = EpochLine(1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.01, 1.0, 100.0)
    facts = DatasetFacts("tiny", ("a", "b"), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "", 1, 1, 1)
    waits = Run("w", "same", "", Status.QUEUED, make_config({"dataset": "tiny"}), "")
    starts = replace(waits, id="s", name="starts", status=Status.RUNNING)
    trains = replace(waits, id="t", status=Status.RUNNING, dataset=facts, best=line)
    ended = replace(trains, id="e", status=Status.FINISHED)
    other = replace(ended, id="o", config=make_config({"dataset": "drawn10"}))
    linked = replace(ended, id="l", linked_dataset=LinkedDataset("copy", "0" * 64))
    runs = [waits, starts, trains, ended, other, linked, replace(ended, id="p", problem="It cannot be read.")]
    assert dataset_use(runs, "tiny") == [
        "Training on it goes on to the end: same.",
        "Waiting to train on it: same, starts. A run whose turn comes fails unless it is back.",
        "1 run trained on it: numbers stay, but no picture is shown until it is back, or another dataset with the "
        "same pictures is linked.",
    ]
    (drawn,) = dataset_use([replace(other, status=Status.QUEUED, best=None)], "drawn10")
    assert drawn.endswith("A run whose turn comes draws it again.")
    assert dataset_use(runs, "copy") == [
        "1 run linked to it: numbers stay, pictures only where their own dataset is here."
    ]
    assert not dataset_use([other], "tiny")
