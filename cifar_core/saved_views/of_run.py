"""The answers of a run to the views of its dataset, beside those of the run before. Reads; writes nothing."""

from collections.abc import Iterable, Mapping, Sequence

from cifar_core.errors import CifarCoreError
from cifar_core.notes import read_notes, tags_of
from cifar_core.runs import Run, Status, list_runs, measured_alike, read_predictions
from cifar_core.samples import prediction_table
from cifar_core.saved_views.answers import Outcome, ViewAnswer, answer_view, outcome_of
from cifar_core.saved_views.views import View, views_of
from cifar_core.workspace import Workspace


def previous_run(workspace: Workspace, run: Run, runs: Iterable[Run]) -> Run | None:
    """The run that `run` is compared with: the newest one made before it that finished on the same test pictures.

    Labels, ids and the order of the classes must be equal; the rest of the dataset may be another one.
    """
    earlier = [
        other for other in runs if other.status is Status.FINISHED and (other.made_at, other.id) < (run.made_at, run.id)
    ]
    alike = [
        other
        for other in measured_alike(workspace, run, earlier)
        if run.dataset and other.dataset and other.dataset.class_names == run.dataset.class_names
    ]
    return max(alike, key=lambda other: (other.made_at, other.id), default=None)


def run_outcomes(
    workspace: Workspace, run: Run, views: Sequence[View], tags: Mapping[str, Iterable[str]]
) -> dict[str, Outcome]:
    """How a run does on the pictures of each view at its best epoch, by the view's id.

    Raises:
        RunError: its predictions cannot be read.
    """
    table = prediction_table(read_predictions(workspace, run.id))
    return {view.id: outcome_of(table, view.sample_filter, tags) for view in views}


def answers_of_run(workspace: Workspace, run: Run) -> tuple[list[ViewAnswer], Run | None]:
    """What a run answers to each view of its dataset, and the run before; a run that cannot be read counts as none.

    Raises:
        DataError, StorageError: the notes cannot be read.
        RunError: the predictions of the run cannot be read.
    """
    if run.dataset is None or run.best is None:
        return [], None
    notes = read_notes(workspace, run.dataset.fingerprint)
    views, tags = views_of(notes), tags_of(notes)
    if not views:
        return [], None
    now, before = run_outcomes(workspace, run, views, tags), {}
    previous = previous_run(workspace, run, list_runs(workspace))
    if previous is not None:
        try:
            before = run_outcomes(workspace, previous, views, tags)
        except CifarCoreError:
            previous = None
    return [answer_view(view, now[view.id], before.get(view.id)) for view in views], previous
