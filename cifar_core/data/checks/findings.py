"""Odd pictures of a dataset: of one colour, mostly black or white, blurred, oddly coloured, of an odd size.

What is odd is measured by the dataset itself: a picture is odd where it lies beyond Tukey's outer fences (Tukey 1977),
three times the distance of the quartiles below the lower or above the upper one. Pure functions of the properties.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cifar_core.data.checks.properties import LEVELS, PIXEL_PROPERTIES
from cifar_core.data.dataset import Dataset, Fit
from cifar_core.data.pictures import SIZE
from cifar_core.text import counted

MIN_PICTURES = 20  # of the dataset; the quartiles of fewer say nothing
_FENCE = 3  # distances of the quartiles
# Where the quartiles lie close together, the fence keeps a distance that one can see.
_TWICE = float(np.log(2))  # twice or half as much
_TINT = 32  # levels of mean red against green, or yellow against blue
_GREY = 7.5  # of colourfulness; Hasler and Suesstrunk call 15 slightly colourful
_DARK = 0.125 * LEVELS  # what may be called black at all; the same distance from white


@dataclass(frozen=True)
class Finding:
    """Pictures that are odd in one way; none where `count` is 0."""

    id: str
    title: str
    sentence: str  # how many, and by which threshold
    train: np.ndarray  # int64 [n], rows of the stored training part, the oddest first
    test: np.ndarray  # int64 [m]

    @property
    def count(self) -> int:
        """Pictures of both parts."""
        return len(self.train) + len(self.test)


@dataclass(frozen=True)
class _Rule:
    """One way to be odd: where `excess` is positive; it grows with the oddness."""

    id: str
    title: str
    what: str  # ends the sentence after the number of pictures
    excess: np.ndarray  # float64 [N]


def odd_pictures(dataset: Dataset, train_properties: np.ndarray, test_properties: np.ndarray) -> list[Finding]:
    """Everything that was looked for, found or not; what the dataset cannot tell (sizes not recorded) is left out.

    Args:
        dataset: of N training and M test pictures.
        train_properties: float32 [N, P], by `picture_properties`.
        test_properties: float32 [M, P].
    """
    properties = np.concatenate([train_properties, test_properties]).astype(np.float64)
    sizes = [split.sizes for split in (dataset.train, dataset.test) if split.sizes is not None]
    rules = [*_pixel_rules(dict(zip(PIXEL_PROPERTIES, properties.T, strict=True)))]
    if len(sizes) == 2:
        rules += _size_rules(np.concatenate(sizes).astype(np.float64), dataset.fit)
    return [_finding(rule, len(train_properties)) for rule in rules]


def _finding(rule: _Rule, train: int) -> Finding:
    rows = np.flatnonzero(rule.excess > 0)
    rows = rows[np.argsort(-rule.excess[rows], kind="stable")]
    verb = "is" if len(rows) == 1 else "are"
    sentence = f"{counted(len(rows), 'picture')} {verb} {rule.what}." if len(rows) else f"No picture is {rule.what}."
    return Finding(rule.id, rule.title, sentence, rows[rows < train], rows[rows >= train] - train)


def _pixel_rules(of: dict[str, np.ndarray]) -> Iterator[_Rule]:
    brightness, contrast = of["brightness"], of["contrast"]
    constant = contrast == 0
    yield _Rule("constant", "One colour", "of one colour throughout", constant * (1 + np.abs(brightness - LEVELS / 2)))
    if len(brightness) < MIN_PICTURES:
        return
    tints = np.abs(np.stack([of["red_green"], of["yellow_blue"]])).max(axis=0)
    colourless = tints < _TINT
    # The odds of brightness: black and white are both infinitely far from grey.
    odds = np.log((brightness + 0.5) / (LEVELS + 0.5 - brightness))
    black = min(_odds_to_level(_low_fence(odds, _TWICE)), _DARK)
    white = max(_odds_to_level(_high_fence(odds, _TWICE)), LEVELS - _DARK)
    is_black, is_white = (brightness < black) & colourless, (brightness > white) & colourless
    mean = "(mean brightness {} {:.0f} of 255)"
    yield _Rule("black", "Mostly black", f"mostly black {mean.format('below', black)}", is_black * (black - brightness))
    yield _Rule("white", "Mostly white", f"mostly white {mean.format('above', white)}", is_white * (brightness - white))
    plain = constant | is_black | is_white  # they have neither contrast nor edges, and that is said already
    flat = np.exp(_low_fence(_log(contrast), _TWICE))
    yield _Rule(
        "low-contrast",
        "Low contrast",
        f"low in contrast (a standard deviation of brightness below {flat:.1f} levels)",
        ~plain * (flat - contrast),
    )
    yield _blurred(of["sharpness"], contrast, plain)
    yield _tinted(of["red_green"], of["yellow_blue"])
    grey = min(np.exp(_low_fence(_log(of["colourfulness"]), _TWICE)), _GREY)
    what = f"grey among coloured ones (colourfulness below {grey:.1f})"
    yield _Rule("grey", "Grey among coloured", what, ~plain * (grey - of["colourfulness"]))


def _blurred(sharpness: np.ndarray, contrast: np.ndarray, plain: np.ndarray) -> _Rule:
    """Sharpness in proportion to the contrast: else every pale picture would count as blurred."""
    edges = _log(sharpness) - 2 * _log(contrast)
    fence = _low_fence(edges[~plain], _TWICE) if not plain.all() else 0.0
    median = float(np.median(edges[~plain])) if not plain.all() else 0.0
    what = f"blurred (sharpness in proportion to contrast below {100 * np.exp(fence - median):.1f} % of the median)"
    return _Rule("blurred", "Blurred", what, ~plain * (fence - edges))


def _tinted(red_green: np.ndarray, yellow_blue: np.ndarray) -> _Rule:
    """How far the mean colour lies beyond the fences, whichever is farthest, in levels."""
    beyond, fences = np.full(len(red_green), -np.inf), []
    for values, (low_name, high_name) in ((red_green, ("green", "red")), (yellow_blue, ("blue", "yellow"))):
        low, high = _low_fence(values, _TINT), _high_fence(values, _TINT)
        beyond = np.maximum(beyond, np.maximum(low - values, values - high))
        fences += [f"{-low:.0f} towards {low_name}", f"{high:.0f} towards {high_name}"]
    what = f"oddly coloured (mean colour beyond {', '.join(fences[:-1])} or {fences[-1]}, of 255 levels)"
    return _Rule("odd-colour", "Oddly coloured", what, beyond)


def _size_rules(sizes: np.ndarray, fit: Fit) -> Iterator[_Rule]:
    """Sizes before resizing, float64 [N, 2]."""
    short, long = sizes.min(axis=1), sizes.max(axis=1)
    fitted = long if fit == "pad" else short  # the side that became 32 pixels
    yield _Rule("enlarged", "Enlarged", f"enlarged to {SIZE} x {SIZE} from fewer pixels", SIZE - fitted)
    if len(sizes) < MIN_PICTURES:
        return
    side = np.log(sizes.prod(axis=1)) / 2  # of a square of as many pixels
    small, large = _low_fence(side, _TWICE), _high_fence(side, _TWICE)
    what = "far {} than the others (fewer pixels than {:.0f} x {:.0f})"
    yield _Rule("small", "Far smaller", what.format("smaller", *[np.exp(small)] * 2), small - side)
    what = what.replace("fewer", "more")
    yield _Rule("large", "Far larger", what.format("larger", *[np.exp(large)] * 2), side - large)
    ratio = np.log(long / short)
    longest = _high_fence(ratio, _TWICE)
    what = f"of an odd shape (more than {np.exp(longest):.1f} times as long as wide)"
    yield _Rule("long", "Odd shape", what, ratio - longest)


def _low_fence(values: np.ndarray, least: float) -> float:
    low, high = np.percentile(values, [25, 75])
    return float(low - max(_FENCE * (high - low), least))


def _high_fence(values: np.ndarray, least: float) -> float:
    low, high = np.percentile(values, [25, 75])
    return float(high + max(_FENCE * (high - low), least))


def _odds_to_level(log_odds: float) -> float:
    return float((LEVELS + 1) / (1 + np.exp(-log_odds)) - 0.5)


def _log(values: np.ndarray) -> np.ndarray:
    """The natural logarithm; a value of 0 counts as a tiny one."""
    return np.log(np.maximum(values, 1e-6))
