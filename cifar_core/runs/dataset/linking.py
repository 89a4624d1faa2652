"""Links a run to another dataset with its test pictures, so that they are shown though its own dataset is gone."""

from cifar_core.data import Dataset, hash_of_pictures, list_datasets, open_dataset
from cifar_core.errors import CifarCoreError, DataError, RunError
from cifar_core.runs.about import write_link
from cifar_core.runs.dataset.opening import in_order_of_run
from cifar_core.runs.listing import read_run
from cifar_core.runs.run import LinkedDataset, Run
from cifar_core.workspace import Workspace


def link_dataset(workspace: Workspace, run_id: str, name: str) -> None:
    """Let a dataset show the pictures of a run. It is used where the run's own dataset is gone or another one now.

    The run's numbers stay as they are. A link to the run's own dataset removes the link.

    Args:
        workspace: where both are.
        run_id: of the run.
        name: of a dataset with the fingerprint of the run's; or with the same test pictures, that is the same pixels
            and the same class for each id, in whatever order pictures and classes stand.

    Raises:
        DataError: the dataset is absent or broken.
        RunError: no such run, it cannot be changed, or the dataset has other pictures; the sentence says why.
    """
    run, dataset = read_run(workspace, run_id), open_dataset(workspace, name)
    _require_same_pictures(workspace, run, dataset)
    own = run.dataset is not None and (name, dataset.fingerprint) == (run.dataset.name, run.dataset.fingerprint)
    write_link(workspace, run.id, None if own else LinkedDataset(name, dataset.fingerprint))


def linkable_datasets(workspace: Workspace, run: Run) -> list[str]:
    """Names of the datasets that `link_dataset` accepts for a run, those with its fingerprint first."""
    if run.dataset is None:
        return []
    facts, same, by_id = run.dataset, [], []
    for state in list_datasets(workspace):
        if state.state != "ready":
            continue
        if state.fingerprint == facts.fingerprint:
            same.append(state.name)
        elif (state.test, state.classes) == (facts.test, len(facts.class_names)) and _fits(workspace, run, state.name):
            by_id.append(state.name)
    return same + by_id


def _fits(workspace: Workspace, run: Run, name: str) -> bool:
    try:
        _require_same_pictures(workspace, run, open_dataset(workspace, name))
    except (CifarCoreError, OSError):
        return False
    return True


def _require_same_pictures(workspace: Workspace, run: Run, dataset: Dataset) -> None:
    """Raise RunError, with the reason, where a dataset has other test pictures than a run."""
    if run.dataset is None:
        raise RunError(f"Run {run.id} has not opened its dataset yet: there is nothing to link.")
    if dataset.fingerprint == run.dataset.fingerprint:
        return
    in_order_of_run(workspace, run, dataset)
    if not run.dataset.test_pixels:
        raise RunError(
            f"Run {run.id} was trained before runs kept a hash of their test pixels, so nobody can tell whether those "
            f"of {dataset.name} are the same: only a dataset with the same fingerprint can be linked."
        )
    try:
        found = hash_of_pictures(dataset.test)
    except OSError as error:
        raise DataError(f"The pictures of {dataset.name} cannot be read: {error.strerror}.") from error
    if found != run.dataset.test_pixels:
        raise RunError(
            f"The dataset {dataset.name} has the test ids of run {run.id}, but other pixels: its pictures would not "
            "match the predictions."
        )
