"""The small histogram above a slider: its bars and its words."""

from xml.etree import ElementTree

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_core.evaluate import SCORES
from cifar_core.figures import histogram_words, small_histogram
from cifar_core.figures.small_histogram import BARS

LIMITS = (0.0, 7.8)


@given(st.lists(st.floats(*LIMITS), max_size=40), st.floats(*LIMITS))
@settings(max_examples=40)
def test_a_bar_for_each_part_with_pictures_pale_outside_the_chosen_range(values: list[float], low: float) -> None:
    bars = ElementTree.fromstring(small_histogram(values, LIMITS, (low, 7.8)))
    counts, edges = np.histogram(values, bins=BARS, range=LIMITS)
    heights = [float(bar.get("height", "nan")) for bar in bars]
    assert len(heights) == np.count_nonzero(counts) and all(0 < height <= 32 for height in heights)
    assert [bar.get("fill-opacity") is None for bar in bars] == (edges[1:][counts > 0] >= low).tolist()


def test_it_is_said_in_words_for_who_cannot_see_it() -> None:
    assert histogram_words([], LIMITS) == "No pictures."
    words = histogram_words([0.1, 0.2, 5.0], LIMITS)
    assert words == "3 pictures from 0.00 to 7.80; most, 2, between 0.00 and 0.24."
    words = histogram_words([0.99, 1.0], (0.36, 1.0), SCORES["confidence"].text)
    assert words.replace("\u00a0", " ") == "2 pictures from 36.0 % to 100.0 %; most, 2, between 98.0 % and 100.0 %."
