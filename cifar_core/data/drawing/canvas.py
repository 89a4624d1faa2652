"""What all drawings are made of: a seeded random source, colours and smooth polygons. Reads and writes nothing.

A drawing is a list of filled polygons in its own units (x to the right, y down), painted later at any position and
size. Curves are rounded to whole pixel coordinates, so rounding errors of floating point do not reach the picture.
"""

import math
import random
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np
from PIL import ImageDraw

SIDE = 32  # pixels of a finished picture
FACTOR = 4  # pictures are painted this many times larger, then averaged down
CANVAS = SIDE * FACTOR  # pixels, width and height of the canvas

Colour = tuple[float, float, float]  # red, green, blue in 0..255
Points = Sequence[tuple[float, float]] | np.ndarray

_T = TypeVar("_T")
_CAP = 1j * np.exp(-1j * np.linspace(0.0, math.pi, 7)[1:-1])  # half a circle from the left of a stroke to its right
_RING = np.linspace(0.0, 2 * math.pi, 20, endpoint=False)
_RING_XY = np.stack([np.cos(_RING), np.sin(_RING)], axis=1)  # (20, 2)


class RandomSource:
    """Random choices from a seed. Only the two simplest calls of Python's generator are used, which will not change."""

    def __init__(self, seed: int) -> None:
        source = random.Random(seed)
        self.random = source.random
        self._bytes = source.randbytes

    def noise(self, *shape: int) -> np.ndarray:
        """Random bytes, uint8 of `shape`, for film grain, fur and clouds."""
        return np.frombuffer(self._bytes(math.prod(shape)), dtype=np.uint8).reshape(shape)

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.random()

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def sign(self) -> float:
        return 1.0 if self.random() < 0.5 else -1.0

    def choice(self, options: Sequence[_T]) -> _T:
        return options[int(self.random() * len(options))]

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def triangular(self, low: float, high: float) -> float:
        """A value in `low`..`high` with a triangular distribution: the middle is most likely."""
        return low + (high - low) * (self.random() + self.random()) / 2

    def weighted(self, weights: dict[str, float]) -> str:
        """A key of `weights`, with the probability its weight gives."""
        remaining = self.random() * sum(weights.values())
        for key, weight in weights.items():
            remaining -= weight
            if remaining < 0:
                return key
        return key

    def tint(self, colour: Colour, spread: float = 14.0) -> Colour:
        """`colour` with a small random change of lightness and hue."""
        light = self.uniform(-spread, spread)
        r, g, b = (part + light + self.uniform(-spread, spread) * 0.4 for part in colour)
        return (r, g, b)


def shade(colour: Colour, factor: float) -> Colour:
    """`colour` made darker (factor below 1) or lighter (above 1)."""
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`share` of `second` in `first`."""
    return (
        first[0] + (second[0] - first[0]) * share,
        first[1] + (second[1] - first[1]) * share,
        first[2] + (second[2] - first[2]) * share,
    )


@lru_cache(maxsize=128)
def _spline(count: int, closed: bool, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Catmull-Rom spline through `count` points: values and tangents at the samples as matrices [samples, count]."""
    t = np.linspace(0.0, 1.0, steps, endpoint=False)
    value = np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], axis=1) / 2
    slope = np.stack([-1 + 4 * t - 3 * t**2, -10 * t + 9 * t**2, 1 + 8 * t - 9 * t**2, 3 * t**2 - 2 * t], axis=1) / 2
    spans = count if closed else count - 1
    ends = 0 if closed else 1  # the last point of an open line is not part of any span
    value_there, slope_there = np.array([[0.0, 0.0, 1.0, 0.0]])[:ends], np.array([[0.0, -0.5, 0.0, 0.5]])[:ends]
    return _spread(value, spans, count, value_there), _spread(slope, spans, count, slope_there)


def _spread(weights: np.ndarray, spans: int, count: int, last: np.ndarray) -> np.ndarray:
    """Repeat the weights [steps, 4] of the four points around a span for every span: [spans * steps + end, count]."""
    rows = []
    for span in range(spans):
        block = np.concatenate([weights, last]) if span == spans - 1 else weights
        placed = np.zeros((len(block), count))
        for column, point in enumerate((span - 1, span, span + 1, span + 2)):
            closed = spans == count
            placed[:, point % count if closed else min(max(point, 0), count - 1)] += block[:, column]
        rows.append(placed)
    return np.concatenate(rows)


@lru_cache(maxsize=32)
def _spline_of_limb(count: int, steps: int) -> np.ndarray:
    """Values above tangents of an open spline, complex [2 * samples, count], for points written as x + iy."""
    return np.concatenate(_spline(count, False, steps)).astype(complex)


class Drawing:
    """Filled polygons in painting order; a close-up frames only those that were added while `focus` was set."""

    def __init__(self) -> None:
        self.polygons: list[np.ndarray] = []  # each [n, 2]
        self.colours: list[Colour] = []
        self.focus = False
        self._focused: list[int] = []

    def flat(self, points: Points, colour: Colour) -> None:
        """A polygon with straight edges."""
        if self.focus:
            self._focused.append(len(self.polygons))
        self.polygons.append(np.asarray(points, dtype=float))
        self.colours.append(colour)

    def shape(self, points: Points, colour: Colour, steps: int = 5) -> None:
        """A closed smooth outline through `points`."""
        values, _ = _spline(len(points), True, steps)
        self.flat(values @ np.asarray(points, dtype=float), colour)  # [n * steps, 2]

    def oval(self, x: float, y: float, size: tuple[float, float], colour: Colour, turn: float = 0.0) -> None:
        """An ellipse with half axes `size`, turned by `turn` radians."""
        ring = _RING_XY * size
        if turn:
            c, s = math.cos(turn), math.sin(turn)
            ring = ring @ np.array([[c, s], [-s, c]])
        self.flat(ring + np.array((x, y)), colour)

    def limb(self, path: Sequence[tuple[float, float, float]], colour: Colour, steps: int = 4) -> None:
        """A rounded stroke along `path` of (x, y, radius): legs, necks, tails, trunks."""
        lines = _spline_of_limb(len(path), steps)  # [2 * m, n]
        count = len(lines) // 2
        both = lines @ np.array([complex(x, y) for x, y, _ in path])
        radius = lines[:count].real @ np.array([r for _, _, r in path])
        centre, along = both[:count], both[count:]
        along = along / (np.abs(along) + 1e-9) * radius
        side = along * 1j
        end, start = centre[-1] + along[-1] * _CAP, centre[0] - along[0] * _CAP
        outline = np.concatenate([centre + side, end, (centre - side)[::-1], start])
        self.flat(outline.view(float).reshape(-1, 2), colour)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """An upright rectangle."""
        self.flat([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)

    def transform(self, matrix: np.ndarray) -> None:
        """Every point times a [2, 2] matrix: turn, mirror, squeeze."""
        self.polygons = [points @ matrix.T for points in self.polygons]

    def bounds(self, focused: bool = False) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of all polygons, or of those in focus."""
        chosen = [self.polygons[i] for i in self._focused] if focused and self._focused else self.polygons
        points = np.concatenate(chosen)
        left, top = points.min(axis=0).tolist()
        right, bottom = points.max(axis=0).tolist()
        return left, top, right, bottom

    def paint(self, draw: ImageDraw.ImageDraw, scale: float, shift: tuple[float, float]) -> None:
        """Paint all polygons, times `scale` and moved by `shift` (canvas pixels)."""
        pixels = np.rint(np.concatenate(self.polygons) * scale + shift).astype(np.int64).ravel().tolist()
        inks = np.minimum(np.maximum(np.rint(np.array(self.colours)), 0), 255).astype(np.int64).tolist()
        start = 0
        for points, (r, g, b) in zip(self.polygons, inks, strict=True):
            end = start + 2 * len(points)
            draw.polygon(pixels[start:end], fill=(r, g, b, 255))
            start = end


def turned(angle: float, mirror: bool = False, squeeze: float = 1.0) -> np.ndarray:
    """The [2, 2] matrix that squeezes x, mirrors left and right, then turns by `angle` radians."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s], [s, c]]) @ np.diag([(-squeeze if mirror else squeeze), 1.0])
