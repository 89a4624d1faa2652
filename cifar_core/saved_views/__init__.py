"""Saved views: filters of test pictures under names, which every run on the dataset answers.

Keeps them in the notes log of a dataset (`cifar_core.notes`).
"""

from cifar_core.saved_views.answers import (
    Outcome,
    ViewAnswer,
    answer_view,
    answer_words,
    change_words,
    judged_words,
    outcome_of,
    worse_phrase,
)
from cifar_core.saved_views.of_run import RunAnswers, answers_of_run, previous_run, run_outcomes
from cifar_core.saved_views.views import (
    MAX_VIEW_NAME,
    VIEW,
    View,
    delete_view,
    find_view,
    rename_view,
    restore_view,
    save_view,
    unsavable_part,
    views_of,
)

__all__ = [
    "MAX_VIEW_NAME",
    "VIEW",
    "Outcome",
    "RunAnswers",
    "View",
    "ViewAnswer",
    "answer_view",
    "answer_words",
    "answers_of_run",
    "change_words",
    "delete_view",
    "find_view",
    "judged_words",
    "outcome_of",
    "previous_run",
    "rename_view",
    "restore_view",
    "run_outcomes",
    "save_view",
    "unsavable_part",
    "views_of",
    "worse_phrase",
]
