"""How a run looks in charts and tables: a colour of its own, and what tells runs of one colour apart."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

# Six colours of Okabe and Ito, and three that stay apart from them: any two differ by at least 16 (CIELAB) for normal
# eyes and in the simulations of Machado et al. (2009) of all three kinds of colour blindness.
RUN_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#9430FF", "#9A5030", "#99BB66")
DASHES = ("solid", "dash", "dot", "dashdot")
MARKERS = ("circle", "square", "diamond", "triangle-up", "x")


@dataclass(frozen=True)
class RunLook:
    """The colour, dash and marker of a run's curve."""

    colour: str
    dash: str
    marker: str


def run_colour(number: int) -> str:
    """The colour of the runs whose `Run.colour` this is."""
    return RUN_COLOURS[number]


def run_looks(numbers: Mapping[str, int]) -> dict[str, RunLook]:
    """The looks of the runs of one chart: where a colour repeats, dash and marker differ (20 looks of each colour).

    Args:
        numbers: `Run.colour` by the run's id.
    """
    used: Counter[str] = Counter()
    looks = {}
    for run_id in sorted(numbers):
        colour = run_colour(numbers[run_id])
        place = used[colour]
        looks[run_id] = RunLook(colour, DASHES[place % len(DASHES)], MARKERS[place % len(MARKERS)])
        used[colour] += 1
    return looks


def run_swatch(number: int) -> str:
    """A dot in the colour of such runs with room around it, as the address of an image."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36" width="36" height="36">'
        f'<circle cx="18" cy="18" r="7" fill="{run_colour(number)}"/></svg>'
    )
    return f"data:image/svg+xml,{quote(svg, safe='/:= ')}"
