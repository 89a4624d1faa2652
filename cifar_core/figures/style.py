"""What all figures share: colours, an empty figure, and the format of names and numbers."""

import html
from typing import Any

import plotly.graph_objects as go

from cifar_core.text import one_line

# Okabe-Ito colours, safe for colour-blind people. Black, the eighth of them, would be invisible on a dark page.
CORRECT = "#0072B2"  # blue
WRONG = "#D55E00"  # vermilion
UNJUDGED = "#56B4E9"  # sky blue: a prediction whose true class is unknown
NEUTRAL = "#8C8C8C"  # readable on white and on black
PART_COLOURS = {"train": "#E69F00", "validation": "#009E73", "test": "#0072B2"}
CLASS_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#A6761D", "#F0E442", "#8C8C8C", "#7B5EA7",
)  # fmt: skip
MAX_TICKS = 34  # names along an axis
MAX_TICK_NAME = 24  # characters of a name on an axis


def class_colour(index: int) -> str:
    """The colour of a class, the same on every page; after ten colours they repeat."""
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]


def new_figure(*, height: int, revision: str) -> go.Figure:
    """An empty figure; `revision` keeps zoom and hidden lines while new epochs arrive."""
    return go.Figure(
        layout={
            "height": height,
            "uirevision": revision,
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 8, "r": 8, "t": 32, "b": 8},
            "legend": {"orientation": "h", "y": -0.24, "yanchor": "top", "x": 0, "title": {"text": ""}},
            "hovermode": "x unified",
            "dragmode": False,
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": NEUTRAL, "activecolor": UNJUDGED},
            "xaxis": {"automargin": True, "title": {"standoff": 8}},
            "yaxis": {"automargin": True, "title": {"standoff": 14}},
        }
    )


def name_ticks(names: list[str]) -> dict[str, Any]:
    """Ticks at whole numbers: on a category axis, names that are shortened to the same text would become one."""
    step = -(-len(names) // MAX_TICKS)  # rounded up
    positions = list(range(0, len(names), step))
    return {"tickmode": "array", "tickvals": positions, "ticktext": [names[position] for position in positions]}


def whole_number_step(largest: float, ticks: int) -> int:
    """The distance of ticks from 0 to `largest` at whole numbers, 1, 2, 5, 10, 20, ...: the least with so many at most.

    Plotly chooses ticks at 0.5 for small numbers, which as whole numbers would read 0, 1, 1, 2, 2.
    """
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if largest / step <= ticks:
                return step
        power *= 10


def escaped_name(name: object, max_length: int = MAX_TICK_NAME) -> str:
    """A name that Plotly shows literally, on one line of at most `max_length` characters."""
    return html.escape(one_line(name, max_length), quote=False)


def figure_html(figure: go.Figure, title: str) -> str:
    """A figure as one HTML page that needs no network, on white.

    Args:
        figure: it is not changed.
        title: shown above the figure and in the tab of the browser; it is escaped.
    """
    page = go.Figure(figure).update_layout(template="plotly_white", paper_bgcolor="white")
    body = page.to_html(full_html=False, include_plotlyjs=True, default_height="85vh")
    safe = html.escape(title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{safe}</title></head>'
        f'<body style="font-family:sans-serif;margin:2rem"><h1 style="font-size:1.2rem">{safe}</h1>{body}</body></html>'
    )
