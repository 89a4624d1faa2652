"""The colour of a run: its own for ever, told apart by all eyes, with dash and marker where it repeats."""

import itertools
import math
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.figures import curve_words, run_colour, run_swatch, small_curve
from cifar_core.figures.run_looks import DASHES, RUN_COLOURS, run_looks
from cifar_core.runs.run import COLOURS

# Machado, Oliveira and Fernandes (2009), severity 1: what protanopes, deuteranopes and tritanopes see, linear RGB.
SEEN_BY = {
    "all cones": np.eye(3),
    "protanope": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranope": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanope": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def lab(linear: np.ndarray) -> np.ndarray:
    """CIELAB of linear sRGB."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.clip(to_xyz @ linear / np.array([0.9505, 1, 1.089]), 0.008856, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_any_two_colours_are_told_apart_by_all_eyes() -> None:
    rgb = np.array([[int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)] for colour in RUN_COLOURS])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    for name, seen in SEEN_BY.items():
        points = [lab(np.clip(seen @ colour, 0, 1)) for colour in linear]
        least = min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(points, 2))
        assert least > 15, (name, least)


@given(st.dictionaries(st.text(max_size=12), st.integers(0, COLOURS - 1), max_size=30))
def test_a_colour_is_of_the_run_and_a_look_of_one_run(ids: dict[str, int]) -> None:
    looks = run_looks(ids)
    assert looks == run_looks(dict(sorted(ids.items(), reverse=True))), "the order of the ticks changes nothing"
    for run_id, look in looks.items():
        assert look.colour == run_colour(ids[run_id]) == run_looks({run_id: ids[run_id]})[run_id].colour
    counts = [sum(look.colour == colour for look in looks.values()) for colour in RUN_COLOURS]
    if max(counts, default=0) <= len(DASHES):
        assert len({(look.colour, look.dash) for look in looks.values()}) == len(ids)
    assert len(set(looks.values())) == len(ids)


def test_there_is_a_colour_for_each_number() -> None:
    assert len(RUN_COLOURS) == COLOURS == len({run_colour(number) for number in range(COLOURS)})
    assert run_colour(4) in unquote(run_swatch(4))


@given(st.lists(st.floats(0, 1) | st.just(math.nan), min_size=1, max_size=30))
def test_a_small_curve_has_a_point_for_each_epoch_and_gaps_where_nothing_was_measured(values: list[float]) -> None:
    known = [place for place, value in enumerate(values) if not math.isnan(value)]
    drawing = ElementTree.fromstring(small_curve(values, "#0072B2", len(values) - 1))
    path = next(element for element in drawing if element.get("stroke") == "#0072B2").get("d", "")
    heights = [float(text) for text in re.findall(r"[ML][\d.]+ ([\d.]+)", path)]
    assert len(heights) == len(known) and path.count("M") == sum(place - 1 not in known for place in known)
    order = np.argsort([values[place] for place in known], kind="stable")
    assert all(np.diff(np.array(heights)[order]) <= 0.06), "a higher accuracy stands higher"
    assert len([element for element in drawing if element.tag.endswith("circle")]) == (len(values) - 1 in known)
    assert ("No epoch" in curve_words(values)) == (not known)


def test_a_curve_is_said_in_words() -> None:
    words = curve_words([0.1, 0.75, 0.5]).replace("\u00a0", " ")
    assert words == "Over 3 epochs from 10.0 % to 50.0 %; the highest is 75.0 % at epoch 2."
    assert curve_words([0.5]).replace("\u00a0", " ") == "One epoch: 50.0 %."
