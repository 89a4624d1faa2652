"""The answers of runs to saved views, kept for reruns and sessions."""

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from cifar_core.errors import CifarCoreError
from cifar_core.runs import Run, Status, own_runs
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.run_folder import RunFolder
from cifar_core.saved_views import Outcome, RunAnswers, View, answers_of_run, outcome_of, views_of
from cifar_core.workspace import Workspace
from pages.ui.caches import file_identity, load_best_table
from pages.ui.loaded_notes import load_notes
from pages.ui.tags.known_tags import load_tags

MARKED_RUNS = 20  # newest of a list that are marked: judging one for the first time takes some 30 ms


def load_views(workspace: Workspace, run: Run) -> list[View]:
    """Return the views of a run's dataset.

    Raises:
        DataError, StorageError: the notes cannot be read.
    """
    return views_of(load_notes(workspace, run.dataset.fingerprint)) if run.dataset else []


def load_answers(workspace: Workspace, run: Run, runs: Iterable[Run]) -> RunAnswers:
    """Return what a run answers to the views of its dataset; `runs` holds the one that it is compared with.

    Raises:
        DataError, StorageError: the notes cannot be read.
        RunError: the predictions of the run cannot be read.
    """
    views = load_views(workspace, run)
    tags = load_tags(workspace, run.dataset.fingerprint).words if run.dataset and views else {}
    return answers_of_run(workspace, run, runs, views, tags, _load_outcomes)


def worse_views(workspace: Workspace, runs: Sequence[Run]) -> dict[str, int]:
    """Return on how many views each run is worse than the run before, by its id, where it is on any.

    Only the `MARKED_RUNS` newest that are no trials of sweeps are judged; one that cannot be judged has no mark.
    """
    found = {}
    for run in [run for run in own_runs(runs) if run.status is Status.FINISHED and run.best][:MARKED_RUNS]:
        try:
            worse = sum(answer.worse for answer in load_answers(workspace, run, runs).answers)
        except CifarCoreError:
            continue
        if worse:
            found[run.id] = worse
    return found


def _load_outcomes(
    workspace: Workspace, run: Run, views: Sequence[View], tags: Mapping[str, tuple[str, ...]]
) -> Mapping[str, Outcome]:
    folder = as_stored(RunFolder(workspace.runs / run.id))
    files = (folder.samples("test"), folder.probs("test", run.best.epoch if run.best else 0))
    known = (run.id, run.created, *map(file_identity, files))
    outcomes: dict[str, Outcome] = {}
    for by_tags in (False, True):  # apart, so that a new tag changes no answer but those that it may change
        asked = [view for view in views if bool(view.sample_filter.tags) is by_tags]
        if asked:
            names = tuple(view.id for view in asked)
            outcomes |= _keep_outcomes(workspace, run, asked, tags, (*known, names, _tagged(asked, tags)))
    return outcomes


def _tagged(views: Sequence[View], tags: Mapping[str, tuple[str, ...]]) -> int:
    """Return a number that changes when other pictures have the words that views ask for."""
    words = {word for view in views for word in view.sample_filter.tags}
    return hash(frozenset(item for item in tags.items() if not words.isdisjoint(item[1])))


@st.cache_resource(max_entries=256, show_spinner=False)
def _keep_outcomes(
    _workspace: Workspace, _run: Run, _views: Sequence[View], _tags: Mapping[str, tuple[str, ...]], identity: object
) -> dict[str, Outcome]:
    table = load_best_table(_workspace, _run)
    return {view.id: outcome_of(table, view.sample_filter, _tags) for view in _views}
