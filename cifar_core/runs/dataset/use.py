"""What uses a dataset: said before it is deleted, and beside Undo after. Only its arguments are read."""

from collections.abc import Iterable

from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.lifecycle.states import Status
from cifar_core.runs.run import Run
from cifar_core.text import counted, first_names, one_line


def dataset_use(runs: Iterable[Run], name: str) -> list[str]:
    """What the deletion of a dataset means for the runs that train on it, that wait to, and that have ended.

    Args:
        runs: all of the workspace.
        name: of the dataset.

    Returns:
        a sentence for each kind of use; none where nothing uses it.
    """
    known = [run for run in runs if not run.problem]
    own = [run for run in known if run.config.data.dataset == name]
    active = [run for run in own if run.active]
    opened = [run.status is not Status.QUEUED and run.dataset is not None for run in active]
    training = [one_line(run.name) for run, has_it in zip(active, opened, strict=True) if has_it]
    waiting = [one_line(run.name) for run, has_it in zip(active, opened, strict=True) if not has_it]
    links = {run.id: run.linked_dataset.name for run in known if run.linked_dataset is not None}
    ended = sum(not run.active and run.best is not None and links.get(run.id, name) == name for run in own)
    linked = sum(links.get(run.id) == name for run in known if run.config.data.dataset != name)
    sentences = []
    if training:
        sentences.append(f"Training on it goes on to the end: {first_names(training)}.")
    if waiting:
        begins = "draws it again" if name == DRAWN10_NAME else "fails unless it is back"
        sentences.append(f"Waiting to train on it: {first_names(waiting)}. A run whose turn comes {begins}.")
    if ended:
        sentences.append(
            f"{counted(ended, 'run')} trained on it: numbers stay, but no picture is shown until it is back, or "
            "another dataset with the same pictures is linked."
        )
    if linked:
        sentences.append(
            f"{counted(linked, 'run')} linked to it: numbers stay, pictures only where their own dataset is here."
        )
    return sentences
