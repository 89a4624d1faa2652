"""What the Class page shows: who trains and waits, the results of a lesson or of a time, the limits; in the URL."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cifar_core.runs import Run
from cifar_core.runs.classes.collect import lessons, newest_of_each, runs_of_lesson, runs_since
from pages.ui.runs.run_curves import CURVE_URL_PARAMETERS
from pages.ui.runs.ticked_runs import TICKED_URL_PARAMETER
from pages.ui.url_state import UrlParameter, on_off, one_of

PAGE = "class"  # prefix of the widget keys
NOW, RESULTS, LIMITS = "Now", "Results", "Limits"
VIEWS = [NOW, RESULTS, LIMITS]
_LESSON = "lesson:"  # before the name of a lesson, where runs are chosen by it
SPANS: Mapping[str, tuple[str, datetime.timedelta | None]] = {  # by their keys in the URL
    "hour": ("the last hour", datetime.timedelta(hours=1)),
    "day": ("the last 24 hours", datetime.timedelta(days=1)),
    "week": ("the last 7 days", datetime.timedelta(days=7)),
    "all": ("all times", None),
}


@dataclass(frozen=True)
class Collection:
    """Runs that are looked at together."""

    key: str  # in the URL
    words: str

    def of(self, runs: Sequence[Run], *, newest: bool) -> list[Run]:
        """Return these runs out of all; of each person the newest alone where that is asked for."""
        if self.key.startswith(_LESSON):
            found = runs_of_lesson(runs, self.key.removeprefix(_LESSON))
        else:
            span = SPANS[self.key][1]
            found = runs_since(runs, None if span is None else datetime.datetime.now(datetime.UTC) - span)
        return newest_of_each(found) if newest else found


def collections(runs: Sequence[Run]) -> dict[str, Collection]:
    """Return what can be chosen, by its key: each lesson, the newest first, then spans of time."""
    of_lessons = [Collection(f"{_LESSON}{name}", f"Lesson {name}") for name in lessons(runs)]
    spans = [Collection(key, f"Runs of {words}") for key, (words, _) in SPANS.items()]
    return {each.key: each for each in (*of_lessons, *spans)}


def url_parameters(runs: Sequence[Run]) -> dict[str, UrlParameter]:
    """Return what the URL of the page holds."""
    keys = list(collections(runs))
    return {
        "view": one_of(VIEWS, NOW),
        "of": one_of(keys, keys[0] if keys[0].startswith(_LESSON) else "day"),
        "newest": on_off(False),
        "runs": TICKED_URL_PARAMETER,
        **CURVE_URL_PARAMETERS,
    }
