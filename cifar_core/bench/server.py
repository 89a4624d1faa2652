"""Times the server's part of a click by running the app's script as a server does, without a browser or a network.

`python -m cifar_core.bench.server --workspace=DIR --run=RUN [--clicks=N]` prints one JSON object. Streamlit's own test
driver makes the clicks: filters, sorts, pages, cells, and the lists and views of a comparison. It cannot click a
component of ours, so the two select boxes choose a cell of the confusion matrix, which draws the same page.
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from streamlit.testing.v1 import AppTest

from cifar_core.bench.sides import spread
from cifar_core.errors import TrainingError
from cifar_core.workspace import WORKSPACE_VARIABLE

Click = Callable[[AppTest], object]  # sets widgets without running the script
_ROOT = Path(__file__).resolve().parents[2]
_WARM_UP = 8  # untimed clicks, at least one of each kind, because the first of a kind loads modules and files
_TIMEOUT = 120.0  # seconds for one script run


def open_page(path: str, run_id: str) -> AppTest:
    """Open the app at a page of a run and draw it.

    Args:
        path: name of the page's file, without folder and extension.
        run_id: a run with predictions.

    Raises:
        TrainingError: the page could not be drawn.
    """
    app = AppTest.from_file(str(_ROOT / "streamlit_app.py"), default_timeout=_TIMEOUT)
    app.query_params["run"] = run_id
    _draw(app)
    app.switch_page(f"pages/{path}.py")
    app.query_params["run"] = run_id
    _draw(app)
    return app


def time_clicks(run_id: str, clicks: int) -> dict[str, list[float]]:
    """Return the milliseconds from a click until the page's script has run, by kind of click.

    Args:
        run_id: a run with predictions, of the workspace that the app shows.
        clicks: number of clicks to time, a third of them on each of three pages.
    """
    times: dict[str, list[float]] = {}
    pages = {"misclassified": tile_clicks(), "confusion": cell_clicks(), "compare": list_clicks()}
    for path, kinds in pages.items():
        app = open_page(path, run_id)
        for index, (kind, click) in enumerate(itertools.islice(kinds, _WARM_UP + clicks // len(pages))):
            milliseconds = timed(app, click)
            if index >= _WARM_UP:
                times.setdefault(kind, []).append(milliseconds)
    return times


def timed(app: AppTest, click: Click) -> float:
    """Make a click, draw the page and return how many milliseconds the drawing took.

    Raises:
        TrainingError: the page could not be drawn.
    """
    click(app)
    begin = time.perf_counter()
    _draw(app)
    return 1000 * (time.perf_counter() - begin)


def tile_clicks() -> Iterator[tuple[str, Click]]:
    """Yield without end clicks on the filter, the sort order and the pages of the tiles."""
    return itertools.cycle(
        [
            ("filter", _filter("all")),
            ("page", _page(2)),
            ("sort", _sort("margin")),
            ("page", _page(3)),
            ("filter", _filter("correct")),
            ("sort", _sort("entropy")),
            ("filter", _filter("mistakes")),
            ("sort", _sort("loss")),
        ]
    )


def cell_clicks() -> Iterator[tuple[str, Click]]:
    """Yield without end clicks on the off-diagonal cells of the confusion matrix."""
    return (("cell", _cell(row, column)) for row, column in itertools.cycle(itertools.permutations(range(10), 2)))


def list_clicks() -> Iterator[tuple[str, Click]]:
    """Yield without end clicks on the lists of a comparison and on what stands beside them."""
    return itertools.cycle(
        [
            ("list", _compare("verdict", "broken")),
            ("view", _compare("view", "matrices")),
            ("list", _compare("verdict", "both right")),
            ("view", _compare("view", "classes")),
            ("list", _compare("verdict", "both wrong")),
            ("view", _compare("view", "curves")),
            ("list", _compare("verdict", "all")),
            ("view", _compare("view", "difference")),
        ]
    )


def _compare(name: str, choice: str) -> Click:
    return lambda app: app.button_group(key=f"compare_{name}").select(choice)


def _filter(outcome: str) -> Click:
    return lambda app: app.button_group(key="misclassified_outcome").select(outcome)


def _sort(name: str) -> Click:
    return lambda app: app.button_group(key="misclassified_sort").select(name)


def _page(number: int) -> Click:
    return lambda app: app.pagination(key="misclassified_page").select(number)


def _cell(row: int, column: int) -> Click:
    def click(app: AppTest) -> None:
        for name, index in (("true", row), ("predicted", column)):
            app.selectbox(key=f"confusion_{name}").select_index(index)

    return click


def _draw(app: AppTest) -> None:
    """Run the app's script once."""
    app.run()
    if app.exception:
        raise TrainingError(f"The page could not be drawn: {app.exception[0].message}")


def main() -> int:
    """Measure and print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--clicks", default=50, type=int)
    arguments = parser.parse_args()
    os.environ[WORKSPACE_VARIABLE] = arguments.workspace
    times = time_clicks(arguments.run, arguments.clicks)
    everything = [one for some in times.values() for one in some]
    print(json.dumps({kind: spread(some) for kind, some in {"all": everything, **times}.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
