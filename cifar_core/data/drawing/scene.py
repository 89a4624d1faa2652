"""Backgrounds: sky, sea, meadow, forest, street, town, room, leaves, earth, snow, plain. Reads and writes nothing."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cifar_core.data.drawing.canvas import CANVAS, SIDE, Colour, Drawing, RandomSource, mix, shade

SKIES: tuple[tuple[Colour, Colour], ...] = (  # at the top, at the horizon
    ((70, 130, 205), (170, 205, 235)),
    ((95, 150, 215), (200, 222, 240)),
    ((120, 150, 185), (205, 212, 220)),
    ((165, 175, 188), (215, 218, 222)),
    ((205, 210, 218), (235, 236, 238)),
    ((60, 85, 140), (240, 175, 120)),
    ((40, 60, 110), (120, 140, 180)),
)
GRASS: tuple[Colour, ...] = ((92, 132, 58), (118, 148, 74), (140, 142, 80), (78, 112, 62), (160, 150, 98))
EARTH: tuple[Colour, ...] = ((132, 106, 78), (158, 134, 102), (108, 92, 74), (176, 160, 132), (120, 116, 106))
WATER: tuple[Colour, ...] = ((52, 98, 140), (70, 116, 138), (96, 128, 140), (40, 76, 112), (118, 142, 152))
ROAD: tuple[Colour, ...] = ((112, 112, 114), (138, 136, 134), (92, 94, 100), (160, 156, 150))
LEAF: tuple[Colour, ...] = ((62, 100, 44), (84, 124, 54), (46, 78, 42), (112, 134, 62), (100, 92, 52))
WALLS: tuple[Colour, ...] = (
    (214, 204, 186), (190, 198, 204), (222, 216, 208), (176, 150, 124), (150, 164, 150), (128, 120, 118), (196, 170, 160),
)  # fmt: skip
FLOORS: tuple[Colour, ...] = (
    (150, 112, 76),
    (176, 144, 108),
    (120, 100, 88),
    (186, 178, 168),
    (134, 60, 54),
    (96, 110, 128),
)
Stops = list[tuple[float, Colour]]
_ROWS = (np.arange(SIDE) + 0.5) / SIDE


@dataclass
class Background:
    """A background being painted, with what its painter needs."""

    rng: RandomSource
    foot: float  # height at which the subject stands, as a share of the picture
    drawing: Drawing  # objects painted over the base colours, in canvas pixels

    def horizon(self, low: float = 0.2, high: float = 0.62) -> float:
        """A horizon above the subject's feet."""
        return self.rng.uniform(low, max(low + 0.05, min(high, self.foot - 0.06)))


def _base(stops: Stops, rng: RandomSource, rough: tuple[float, float, float]) -> np.ndarray:
    """Colours from top to bottom with noise, float [32, 32, 3].

    `rough` is the strength of the noise above and below a height, and that height.
    """
    heights = [stop[0] for stop in stops]
    colours = np.stack([np.interp(_ROWS, heights, [stop[1][c] for stop in stops]) for c in range(3)], axis=1)  # [32, 3]
    coarse = _noise(rng, _COARSE) + _noise(rng, _FINE)
    strength = np.where(rough[2] > _ROWS, rough[0], rough[1])[:, None]
    return colours[:, None, :] * (1 + coarse * strength)[:, :, None]


def _noise(rng: RandomSource, cells: int) -> np.ndarray:
    """Smooth noise in -1..1, [32, 32]."""
    weights = _ENLARGE[cells]
    return weights @ (rng.noise(cells, cells) / 127.5 - 1) @ weights.T


def _enlarge(cells: int) -> np.ndarray:
    """The [32, cells] matrix that enlarges a row of cells to 32 pixels by linear interpolation."""
    at = np.clip(_ROWS * cells - 0.5, 0, cells - 1)
    return np.maximum(0.0, 1 - np.abs(at[:, None] - np.arange(cells)))


_COARSE, _FINE = 5, 20  # cells of noise along a side
_ENLARGE = {cells: _enlarge(cells) for cells in (_COARSE, _FINE)}


def _sky_stops(rng: RandomSource, horizon: float) -> Stops:
    top, low = rng.choice(SKIES)
    return [(0.0, rng.tint(top)), (horizon, rng.tint(low))]


def _clouds(background: Background, low: float, colour: Colour) -> None:
    rng = background.rng
    for _ in range(rng.integer(0, 3)):
        x, y = rng.uniform(0, CANVAS), rng.uniform(0, low) * CANVAS
        for _ in range(3):
            size = rng.uniform(6, 20)
            background.drawing.oval(x + rng.uniform(-16, 16), y + rng.uniform(-3, 3), (size, size * 0.4), colour)


def _trees(background: Background, horizon: float, tone: float = 1.0) -> None:
    """A line of far trees or hills on the horizon."""
    rng = background.rng
    colour = shade(mix(rng.choice(LEAF), (150, 165, 180), rng.uniform(0.1, 0.5)), tone)
    y = horizon * CANVAS
    if rng.chance(0.4):
        hill = [(-10.0, y + 2)] + [(x, y - rng.uniform(2, 20)) for x in (0, 32, 64, 96, 128)] + [(140.0, y + 2)]
        background.drawing.flat(hill, colour)
        return
    for _ in range(rng.integer(3, 8)):
        size = rng.uniform(6, 18)
        background.drawing.oval(rng.uniform(0, CANVAS), y - size * 0.5, (size, size), rng.tint(colour, 12))
    background.drawing.box(0, y - 4, CANVAS, y + 1, colour)


def _houses(background: Background, horizon: float) -> None:
    """House fronts with windows down to the horizon."""
    rng, y, x = background.rng, horizon * CANVAS, -background.rng.uniform(0, 30)
    while x < CANVAS:
        width, height = rng.uniform(24, 60), rng.uniform(20, 75)
        wall = rng.tint(rng.choice(WALLS), 20)
        background.drawing.box(x, y - height, x + width, y + 1, wall)
        pane = mix(wall, (40, 50, 66), rng.uniform(0.4, 0.8))
        for row in range(int(height // 18)):
            for column in range(int(width // 16)):
                left, top = x + 5 + column * 16, y - height + 5 + row * 18
                background.drawing.box(left, top, left + 7, top + 9, pane)
        x += width


def _sky(background: Background) -> np.ndarray:
    rng = background.rng
    stops = _sky_stops(rng, 1.0)
    if rng.chance(0.15):
        _trees(background, rng.uniform(0.9, 1.0))
    _clouds(background, 1.0, mix(stops[1][1], (250, 250, 252), 0.6))
    return _base(stops, background.rng, (rng.uniform(0.01, 0.08), 0.0, 1.0))


def _sea(background: Background) -> np.ndarray:
    rng = background.rng
    horizon = background.horizon(0.18, 0.7)
    sky = _sky_stops(rng, horizon)
    water = mix(rng.tint(rng.choice(WATER)), sky[1][1], rng.uniform(0.0, 0.35))
    if rng.chance(0.3):
        _trees(background, horizon)
    elif rng.chance(0.2):
        _houses(background, horizon)
    light, dark = shade(water, 1.25), shade(water, 0.8)
    for _ in range(rng.integer(6, 22)):
        y = rng.uniform(horizon, 1.0)
        width = rng.uniform(4, 16) * (0.4 + y - horizon)
        x = rng.uniform(0, CANVAS)
        background.drawing.oval(x, y * CANVAS, (width, 0.8 + 1.6 * (y - horizon)), light if rng.chance(0.5) else dark)
    stops = [*sky, (horizon + 0.005, shade(water, 1.12)), (1.0, shade(water, 0.82))]
    return _base(stops, background.rng, (0.03, 0.09, horizon))


def _pond(background: Background) -> np.ndarray:
    """Water filling the picture, seen from above."""
    rng = background.rng
    water = mix(rng.tint(rng.choice(WATER)), rng.choice(LEAF), rng.uniform(0.1, 0.7))
    for _ in range(rng.integer(4, 12)):
        where = rng.uniform(0, CANVAS), rng.uniform(0, CANVAS)
        background.drawing.oval(
            *where, (rng.uniform(4, 18), rng.uniform(0.8, 2.5)), shade(water, rng.uniform(0.7, 1.35))
        )
    return _base([(0.0, shade(water, 1.1)), (1.0, shade(water, 0.85))], background.rng, (0.0, 0.14, 0.0))


def _meadow(background: Background) -> np.ndarray:
    rng = background.rng
    horizon = background.horizon(0.05, 0.6)
    grass = rng.tint(rng.choice(GRASS), 18)
    sky = _sky_stops(rng, horizon)
    if rng.chance(0.75):
        _trees(background, horizon)
    for _ in range(rng.integer(0, 30)):
        x, y = rng.uniform(0, CANVAS), rng.uniform(horizon, 1.0) * CANVAS
        blade = [(x, y), (x + rng.uniform(-4, 4), y - rng.uniform(3, 10)), (x + 1.5, y)]
        background.drawing.flat(blade, shade(grass, rng.uniform(0.75, 1.2)))
    stops = [*sky, (horizon + 0.005, shade(grass, 1.12)), (1.0, shade(grass, 0.85))]
    return _base(stops, background.rng, (0.03, 0.2, horizon))


def _forest(background: Background) -> np.ndarray:
    rng = background.rng
    horizon = background.horizon(0.35, 0.8)
    back = shade(rng.tint(rng.choice(LEAF), 14), rng.uniform(0.55, 1.1))
    floor = rng.tint(mix(rng.choice(EARTH), rng.choice(GRASS), rng.random()), 14)
    for _ in range(rng.integer(3, 9)):
        where = rng.uniform(0, CANVAS), rng.uniform(0, horizon) * CANVAS
        background.drawing.oval(*where, (rng.uniform(8, 24), rng.uniform(6, 18)), shade(back, rng.uniform(0.75, 1.3)))
    for _ in range(rng.integer(1, 6)):
        x, width = rng.uniform(0, CANVAS), rng.uniform(2, 7)
        bark = mix(rng.tint((84, 68, 54)), back, rng.uniform(0.0, 0.5))
        background.drawing.box(x, 0, x + width, horizon * CANVAS + rng.uniform(0, 10), bark)
    stops = [(0.0, shade(back, 1.15)), (horizon, shade(back, 0.85)), (horizon + 0.02, floor), (1.0, shade(floor, 0.9))]
    return _base(stops, background.rng, (0.28, 0.22, horizon))


def _street(background: Background) -> np.ndarray:
    rng = background.rng
    horizon = background.horizon(0.2, 0.65)
    road = rng.tint(rng.choice(ROAD), 14)
    sky = _sky_stops(rng, horizon)
    what = rng.random()
    if what < 0.4:
        _houses(background, horizon)
    elif what < 0.85:
        _trees(background, horizon)
    if rng.chance(0.45):
        verge = horizon + rng.uniform(0.02, 0.1)
        background.drawing.box(0, horizon * CANVAS, CANVAS, verge * CANVAS, rng.tint(rng.choice((*GRASS, *ROAD))))
    if rng.chance(0.4):
        y = min(0.97, background.foot + rng.uniform(0.02, 0.12)) * CANVAS
        for x in range(-10, CANVAS, 34):
            background.drawing.box(x, y, x + 16, y + 2.5, shade(road, 1.5))
    stops = [*sky, (horizon + 0.005, shade(road, 1.08)), (1.0, shade(road, 0.9))]
    return _base(stops, background.rng, (0.03, 0.07, horizon))


def _town(background: Background) -> np.ndarray:
    """A wall right behind the subject."""
    rng = background.rng
    edge = max(0.3, background.foot - rng.uniform(0.04, 0.2))
    wall, floor = rng.tint(rng.choice(WALLS), 24), rng.tint(rng.choice((*ROAD, *EARTH)), 12)
    dark = mix(wall, (50, 54, 62), rng.uniform(0.25, 0.7))
    for _ in range(rng.integer(0, 3)):
        x, y = rng.uniform(-10, CANVAS - 10), rng.uniform(-10, edge * CANVAS * 0.7)
        background.drawing.box(x, y, x + rng.uniform(14, 34), min(edge * CANVAS, y + rng.uniform(14, 50)), dark)
    if rng.chance(0.35):
        for y in range(0, int(edge * CANVAS), 9):
            background.drawing.box(0, y, CANVAS, y + 1.2, shade(wall, 0.88))
    stops = [(0.0, shade(wall, 1.05)), (edge, shade(wall, 0.92)), (edge + 0.01, floor), (1.0, shade(floor, 0.9))]
    return _base(stops, background.rng, (0.05, 0.08, edge))


def _room(background: Background) -> np.ndarray:
    rng = background.rng
    edge = background.horizon(0.2, 0.8)
    wall, floor = rng.tint(rng.choice(WALLS), 26), rng.tint(rng.choice(FLOORS), 22)
    if rng.chance(0.35):  # a window or a picture on the wall
        x, y = rng.uniform(0, 90), rng.uniform(-10, 20)
        glass = rng.tint(rng.choice(((210, 225, 238), (70, 80, 96), (150, 110, 80))), 20)
        background.drawing.box(x, y, x + rng.uniform(20, 46), y + rng.uniform(20, 40), glass)
    if rng.chance(0.55):  # a sofa, a box, a cushion
        x, y = rng.uniform(-20, 100), edge * CANVAS
        cloth = rng.tint(rng.choice(FLOORS + WALLS), 34)
        background.drawing.box(x, y - rng.uniform(8, 46), x + rng.uniform(30, 80), y + rng.uniform(2, 24), cloth)
    if rng.chance(0.4):  # a rug
        rug = rng.tint(rng.choice(FLOORS), 34)
        background.drawing.oval(rng.uniform(20, 108), background.foot * CANVAS, (rng.uniform(30, 70), 14), rug)
    stops = [(0.0, wall), (edge, shade(wall, 0.9)), (edge + 0.01, floor), (1.0, shade(floor, 0.88))]
    return _base(stops, background.rng, (0.03, 0.1, edge))


def _leaves(background: Background) -> np.ndarray:
    """Leaves close up, out of focus."""
    rng = background.rng
    base = shade(rng.tint(rng.choice(LEAF), 20), rng.uniform(0.6, 1.2))
    for _ in range(rng.integer(5, 16)):
        where = rng.uniform(0, CANVAS), rng.uniform(0, CANVAS)
        colour = shade(rng.tint(base, 12), rng.uniform(0.65, 1.4))
        background.drawing.oval(*where, (rng.uniform(8, 30), rng.uniform(4, 12)), colour, rng.uniform(0, math.pi))
    return _base([(0.0, shade(base, 1.1)), (1.0, shade(base, 0.9))], background.rng, (0.0, 0.2, 0.0))


def _earth(background: Background) -> np.ndarray:
    """Bare ground filling the picture: mud, sand, gravel."""
    rng = background.rng
    base = rng.tint(rng.choice(EARTH), 20)
    for _ in range(rng.integer(2, 16)):
        where = rng.uniform(0, CANVAS), rng.uniform(0, CANVAS)
        stone = shade(base, rng.uniform(0.7, 1.25))
        background.drawing.oval(*where, (rng.uniform(2, 9), rng.uniform(1.5, 6)), stone)
    return _base([(0.0, shade(base, 1.12)), (1.0, shade(base, 0.88))], background.rng, (0.0, 0.22, 0.0))


def _snow(background: Background) -> np.ndarray:
    rng = background.rng
    horizon = background.horizon(0.1, 0.6)
    snow = rng.tint((224, 230, 238), 10)
    if rng.chance(0.7):
        _trees(background, horizon, 0.8)
    stops = [*_sky_stops(rng, horizon), (horizon + 0.01, snow), (1.0, shade(snow, 0.9))]
    return _base(stops, background.rng, (0.03, 0.05, horizon))


def _plain(background: Background) -> np.ndarray:
    """One soft colour, mostly light, as in a studio."""
    rng = background.rng
    grey = rng.uniform(150, 250) if rng.chance(0.75) else rng.uniform(30, 150)
    colour = rng.tint((grey, grey, grey), 8)
    return _base([(0.0, colour), (1.0, shade(colour, rng.uniform(0.8, 1.05)))], background.rng, (0.0, 0.03, 0.0))


PAINTERS: dict[str, Callable[[Background], np.ndarray]] = {
    "sky": _sky,
    "sea": _sea,
    "pond": _pond,
    "meadow": _meadow,
    "forest": _forest,
    "street": _street,
    "town": _town,
    "room": _room,
    "leaves": _leaves,
    "earth": _earth,
    "snow": _snow,
    "plain": _plain,
}


def paint_scene(name: str, rng: RandomSource, foot: float) -> tuple[np.ndarray, Drawing]:
    """The background `name`; `foot` is the height (0 top, 1 bottom) at which the subject stands.

    Returns:
        Its colours, float [32, 32, 3], and the objects to paint on them, in canvas pixels.
    """
    background = Background(rng, min(max(foot, 0.3), 1.1), Drawing())
    return PAINTERS[name](background), background.drawing
