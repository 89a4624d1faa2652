"""Clicks through the app without a browser, over its own protocol, and prints how long the server takes as one JSON object.

`python -m cifar_core.bench.server --workspace=DIR --run=RUN [--clicks=N]`: filters, sorts, pages and cells.
"""

import argparse
import asyncio
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState

from cifar_core.bench.app import serve
from cifar_core.bench.frontend import chosen
from cifar_core.bench.screen import Screen
from cifar_core.bench.sides import spread
from cifar_core.bench.wire import Session
from cifar_core.workspace import Workspace

Click = Callable[[Screen], WidgetState]
_WARM = 8  # clicks before: every kind once, as the first of a server loads what it needs


async def time_clicks(url: str, run_id: str, clicks: int) -> dict[str, list[float]]:
    """Milliseconds from a click's message until the page's script has run, by kind of click.

    Args:
        url: of the server.
        run_id: a run with predictions.
        clicks: how many to time, half of them on each of two pages.
    """
    times: dict[str, list[float]] = {}
    for path, kinds in (("misclassified", on_tiles()), ("confusion", on_cells())):
        session = Session(url)
        await session.open(path, f"run={run_id}")
        for number, (kind, click) in enumerate(itertools.islice(kinds, _WARM + clicks // 2)):
            answer = await session.act(click(session.screen))
            if number >= _WARM:
                times.setdefault(kind, []).append(answer.server)
        await session.close()
    return times


def on_tiles() -> Iterator[tuple[str, Click]]:
    """Over and over: which pictures, in which order, and page by page."""
    return itertools.cycle(
        [
            ("filter", _option("All")),
            ("page", _page(2)),
            ("sort", _sort(1)),
            ("page", _page(3)),
            ("filter", _option("Correct")),
            ("sort", _sort(2)),
            ("filter", _option("Mistakes")),
            ("sort", _sort(0)),
        ]
    )


def on_cells() -> Iterator[tuple[str, Click]]:
    """Each cell of the matrix off its diagonal."""
    return (("cell", _cell(row, column)) for row, column in itertools.cycle(itertools.permutations(range(10), 2)))


def _option(name: str) -> Click:
    def click(screen: Screen) -> WidgetState:
        return chosen(_of(screen, "button_group", lambda group: name in [item.content for item in group.options]), name)

    return click


def _sort(place: int) -> Click:
    def click(screen: Screen) -> WidgetState:
        box = _of(screen, "selectbox", lambda box: box.label == "Sort by")
        return WidgetState(id=box.id, string_value=box.options[place])

    return click


def _page(number: int) -> Click:
    return lambda screen: WidgetState(id=_of(screen, "pagination").id, int_value=number)


def _cell(row: int, column: int) -> Click:
    """As the frontend tells of a point that was clicked."""
    selection = {"points": [{"customdata": [row, column]}], "point_indices": [], "box": [], "lasso": []}

    def click(screen: Screen) -> WidgetState:
        chart = _of(screen, "plotly_chart", lambda chart: chart.selection_mode)
        return WidgetState(id=chart.id, string_value=json.dumps({"selection": selection}))

    return click


def _of(screen: Screen, kind: str, wanted: Callable[[Any], bool] = lambda widget: True) -> Any:
    widget = screen.find(kind, wanted)
    assert widget is not None, f"no {kind} on the page {screen.title}"
    return widget


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--clicks", default=50, type=int)
    arguments = parser.parse_args()
    with serve(Workspace(Path(arguments.workspace)), Path(os.devnull)) as app:
        times = asyncio.run(time_clicks(app.url, arguments.run, arguments.clicks))
    everything = [one for some in times.values() for one in some]
    print(json.dumps({kind: spread(some) for kind, some in {"all": everything, **times}.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
