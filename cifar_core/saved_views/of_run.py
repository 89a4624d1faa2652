"""The answers of a run to the views of its dataset, beside those of the run before. Reads; writes nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cifar_core.errors import RunError
from cifar_core.runs import Run, Status, measured_alike, own_runs, read_predictions
from cifar_core.samples import prediction_table
from cifar_core.saved_views.answers import Outcome, ViewAnswer, answer_view, outcome_of
from cifar_core.saved_views.views import View
from cifar_core.workspace import Workspace

LoadOutcomes = Callable[[Workspace, Run, Sequence[View], Mapping[str, tuple[str, ...]]], Mapping[str, Outcome]]


@dataclass(frozen=True)
class RunAnswers:
    """What a run answers to the views of its dataset."""

    answers: tuple[ViewAnswer, ...] = ()
    previous: Run | None = None  # the run that it is compared with


def previous_run(workspace: Workspace, run: Run, runs: Iterable[Run]) -> Run | None:
    """The run that `run` is compared with: the newest one made before it that finished on the same test pictures.

    Labels, ids and the order of the classes must be equal; the rest of the dataset may be another one. The trials of
    sweeps are left out: a person has chosen none of them.
    """
    earlier = [
        other
        for other in own_runs(runs)
        if other.status is Status.FINISHED and (other.made_at, other.id) < (run.made_at, run.id)
    ]
    alike = [
        other
        for other in measured_alike(workspace, run, earlier)
        if run.dataset and other.dataset and other.dataset.class_names == run.dataset.class_names
    ]
    return max(alike, key=lambda other: (other.made_at, other.id), default=None)


def run_outcomes(
    workspace: Workspace, run: Run, views: Sequence[View], tags: Mapping[str, tuple[str, ...]]
) -> dict[str, Outcome]:
    """How a run does on the pictures of each view at its best epoch, by the view's id.

    Raises:
        RunError: its predictions cannot be read.
    """
    table = prediction_table(read_predictions(workspace, run.id))
    return {view.id: outcome_of(table, view.sample_filter, tags) for view in views}


def answers_of_run(
    workspace: Workspace,
    run: Run,
    runs: Iterable[Run],
    views: Sequence[View],
    tags: Mapping[str, tuple[str, ...]],
    load: LoadOutcomes = run_outcomes,
) -> RunAnswers:
    """What a run answers to each view of its dataset; none before its first epoch has ended.

    Args:
        workspace: where.
        run: whose answers.
        runs: among them is the one that it is compared with; where that cannot be read, it is compared with none.
        views: of its dataset.
        tags: the words of each picture of its dataset that has any, by id.
        load: `run_outcomes`, or a function that keeps what that returns.

    Raises:
        RunError: the predictions of the run cannot be read.
    """
    if not views or run.best is None:
        return RunAnswers()
    now = load(workspace, run, views, tags)
    before: Mapping[str, Outcome] = {}
    previous = previous_run(workspace, run, runs)
    if previous is not None:
        try:
            before = load(workspace, previous, views, tags)
        except RunError:
            previous = None
    return RunAnswers(tuple(answer_view(view, now[view.id], before.get(view.id)) for view in views), previous)
