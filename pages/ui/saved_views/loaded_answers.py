"""The answers of runs to saved views, kept for reruns and sessions."""

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from cifar_core.errors import CifarCoreError
from cifar_core.notes import Notes
from cifar_core.runs import Run, Status
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.run_folder import RunFolder
from cifar_core.saved_views import Outcome, RunAnswers, View, answers_of_run, run_outcomes, views_of
from cifar_core.workspace import Workspace
from pages.ui.caches import file_identity
from pages.ui.loaded_notes import load_notes

MARKED_RUNS = 20  # newest of a list that are marked: judging one for the first time takes some 30 ms


def load_views(workspace: Workspace, run: Run) -> list[View]:
    """Return the views of a run's dataset.

    Raises:
        DataError, StorageError: the notes cannot be read.
    """
    return views_of(_load_notes_of(workspace, run))


def load_answers(workspace: Workspace, run: Run, runs: Iterable[Run]) -> RunAnswers:
    """Return what a run answers to the views of its dataset; `runs` holds the one that it is compared with.

    Raises:
        DataError, StorageError: the notes cannot be read.
        RunError: the predictions of the run cannot be read.
    """
    return answers_of_run(workspace, run, runs, _load_notes_of(workspace, run), _load_outcomes)


def worse_views(workspace: Workspace, runs: Sequence[Run]) -> dict[str, int]:
    """Return on how many views each run is worse than the run before, by its id, where it is on any.

    Only the `MARKED_RUNS` newest are judged; one that cannot be judged has no mark.
    """
    found = {}
    for run in [run for run in runs if run.status is Status.FINISHED and run.best][:MARKED_RUNS]:
        try:
            worse = sum(answer.worse for answer in load_answers(workspace, run, runs).answers)
        except CifarCoreError:
            continue
        if worse:
            found[run.id] = worse
    return found


def _load_notes_of(workspace: Workspace, run: Run) -> Notes:
    if run.dataset is None:
        return Notes()
    return load_notes(workspace, run.dataset.fingerprint)


def _load_outcomes(
    workspace: Workspace, run: Run, views: Sequence[View], tags: Mapping[str, tuple[str, ...]]
) -> Mapping[str, Outcome]:
    folder = as_stored(RunFolder(workspace.runs / run.id))
    files = (folder.samples("test"), folder.probs("test", run.best.epoch if run.best else 0))
    tagged = hash(frozenset(tags.items())) if any(view.sample_filter.tags for view in views) else None
    asked = (tuple(view.id for view in views), tagged)
    return _keep_outcomes(workspace, run, views, tags, (run.id, run.created, *map(file_identity, files), *asked))


@st.cache_resource(max_entries=256, show_spinner=False)
def _keep_outcomes(
    _workspace: Workspace, _run: Run, _views: Sequence[View], _tags: Mapping[str, tuple[str, ...]], identity: object
) -> dict[str, Outcome]:
    return run_outcomes(_workspace, _run, _views, _tags)
