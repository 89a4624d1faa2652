"""From subject and scene to a finished picture: framing, shadow, light, occlusion, camera. Reads and writes nothing."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from cifar_core.data.drawing.canvas import CANVAS, FACTOR, SIDE, Colour, Drawing, RandomSource, turned
from cifar_core.data.drawing.scene import EARTH, LEAF, WALLS, paint_scene
from cifar_core.data.drawing.subject import Subject

_Y, _X = np.mgrid[0:SIDE, 0:SIDE] + 0.5  # centres of the pixels
_ONES = np.ones(SIDE * SIDE)
_FAR = ((_X / SIDE - 0.5) ** 2 + (_Y / SIDE - 0.5) ** 2)[:, :, None]  # squared distance from the middle


@dataclass(frozen=True)
class Frame:
    """Where the subject stands in the picture, in canvas pixels."""

    scale: float
    shift: tuple[float, float]
    left: float
    right: float
    foot: float


def frame_subject(subject: Subject, rng: RandomSource) -> Frame:
    """Turn, mirror and place the drawing; the subject stays mostly inside the picture."""
    tilt = rng.triangular(-subject.tilt, subject.tilt)
    squeeze = rng.uniform(0.82, 1.0)
    subject.drawing.transform(turned(tilt, rng.chance(0.5), squeeze))
    left, top, right, bottom = subject.drawing.bounds(subject.close_up)
    share = rng.triangular(*subject.size)
    scale = share * CANVAS / max(right - left, bottom - top)
    free_x, free_y = CANVAS - (right - left) * scale, CANVAS - (bottom - top) * scale
    x = free_x * rng.triangular(0.0, 1.0) + rng.uniform(-5, 5)
    y = free_y * (rng.triangular(0.0, 1.0) if not subject.stands else rng.uniform(0.45, 0.95)) + rng.uniform(-4, 4)
    shift = (x - left * scale, y - top * scale)
    return Frame(scale, shift, x, x + (right - left) * scale, y + (bottom - top) * scale)


def _layer(drawing: Drawing, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """The drawing on a transparent layer, averaged down; float [32, 32, 4], colour times alpha, alpha in 0..1."""
    sheet = Image.new("RGBX", (CANVAS, CANVAS), 0)  # X serves as alpha; RGBA would cost two conversions
    drawing.paint(ImageDraw.Draw(sheet), scale, shift)
    small = np.asarray(sheet.reduce(FACTOR)).astype(float)
    small[:, :, 3] /= 255
    return small


def _blur(radius: float) -> np.ndarray:
    """The [32, 32] matrix that blurs a column of pixels with a Gaussian of `radius` pixels."""
    weights = np.exp(_APART * (-0.5 / radius**2))
    return weights / weights.sum(axis=1, keepdims=True)


_APART = (np.arange(SIDE)[:, None] - np.arange(SIDE)) ** 2.0  # squared distances
_INFLATE = _blur(1.9)
_SLOPE = np.gradient(_INFLATE, axis=0)


def _relief(alpha: np.ndarray, rng: RandomSource, gloss: float) -> np.ndarray:
    """Shading of the subject, as if it were inflated and lit from above; [32, 32, 1]."""
    side = rng.uniform(-0.8, 0.8)
    down, across = _SLOPE @ alpha @ _INFLATE.T, _INFLATE @ alpha @ _SLOPE.T
    light = (down * math.sqrt(1 - side * side) + across * side) * (4 * gloss)
    return 1 + np.minimum(np.maximum(light, -0.45), 0.45)[:, :, None]


def _ensure_contrast(picture: np.ndarray, layer: np.ndarray, rng: RandomSource) -> None:
    """Lighten or darken the background where the contrast to the subject is too low."""
    sums = _ONES @ layer.reshape(-1, 4)
    total = float(sums[3]) + 1e-3
    own = sums[:3] / total
    around = layer[:, :, 3].ravel() @ picture.reshape(-1, 3) / total
    gap = own - around
    required = rng.uniform(26.0, 70.0)
    missing = required - float(np.abs(gap).mean())
    if missing > 0:
        lighter = gap.mean() < 0 if around.mean() < 190 else False
        picture += missing if lighter else -missing


def _cast_shadow(picture: np.ndarray, frame: Frame, rng: RandomSource) -> None:
    middle = (frame.left + frame.right) / 2 / FACTOR + rng.uniform(-2, 2)
    half = max(2.0, (frame.right - frame.left) / 2 / FACTOR)
    foot = frame.foot / FACTOR - 0.3
    dark = rng.uniform(0.15, 0.5)
    spread = ((_X - middle) / half) ** 2 + ((_Y - foot) / (1.0 + half * 0.11)) ** 2
    picture *= (1 - dark * np.exp(-spread * 1.1))[:, :, None]


def _reflect(picture: np.ndarray, layer: np.ndarray, frame: Frame, rng: RandomSource) -> None:
    """The upside-down reflection of the subject in the water and a line of foam."""
    foot = round(frame.foot / FACTOR)
    if 0 < foot < SIDE:
        rows = min(SIDE - foot, foot)
        mirror = layer[foot - rows : foot][::-1]
        fade = rng.uniform(0.15, 0.5) * np.linspace(1, 0.2, rows)[:, None, None]
        part = picture[foot : foot + rows]
        part += fade * (mirror[:, :, :3] * 0.8 - part * mirror[:, :, 3:])
    foam = np.exp(
        -(((_X - (frame.left + frame.right) / 2 / FACTOR) / ((frame.right - frame.left) / 1.8 / FACTOR)) ** 4)
        - ((_Y - foot) / 0.7) ** 2
    )
    picture += (rng.uniform(0, 0.45) * foam)[:, :, None] * (235 - picture)


def _occluder(rng: RandomSource) -> Drawing:
    """Something that hides part of the subject: grass, a branch, leaves, a post or a wall."""
    drawing = Drawing()
    kind = rng.weighted({"grass": 3.0, "leaves": 2.0, "branch": 1.4, "post": 1.4, "edge": 1.6})
    green = rng.tint(rng.choice(LEAF), 22)
    grey: Colour = rng.tint(rng.choice(WALLS + EARTH), 26)
    if kind == "grass":
        height = rng.uniform(18, 44)
        for _ in range(rng.integer(8, 22)):
            x = rng.uniform(0, CANVAS)
            tip = (x + rng.uniform(-12, 12), CANVAS - height * rng.uniform(0.5, 1.2))
            drawing.flat([(x - 3, CANVAS), tip, (x + 3, CANVAS)], rng.tint(green, 18))
    elif kind == "leaves":
        corner = rng.uniform(0, CANVAS), rng.choice((0.0, float(CANVAS), float(CANVAS)))
        for _ in range(rng.integer(4, 9)):
            where = corner[0] + rng.uniform(-30, 30), corner[1] + rng.uniform(-34, 34)
            drawing.oval(*where, (rng.uniform(7, 16), rng.uniform(4, 8)), rng.tint(green, 18), rng.uniform(0, 3.1))
    elif kind == "branch":
        y = rng.uniform(10, 118)
        drawing.limb(
            [(-10, y, 5), (64, y + rng.uniform(-16, 16), 4), (138, y + rng.uniform(-30, 30), 3)],
            rng.tint((92, 74, 58), 18),
        )
    elif kind == "post":
        x, width = rng.uniform(8, 112), rng.uniform(5, 15)
        drawing.box(x, -2, x + width, CANVAS + 2, grey)
    elif rng.chance(0.5):
        x = rng.uniform(14, 34)
        drawing.box(-2, -2, x, CANVAS + 2, grey) if rng.chance(0.5) else drawing.box(
            CANVAS - x, -2, CANVAS + 2, CANVAS + 2, grey
        )
    else:
        drawing.box(-2, CANVAS - rng.uniform(10, 32), CANVAS + 2, CANVAS + 2, grey)
    return drawing


def _composite(picture: np.ndarray, layer: np.ndarray) -> np.ndarray:
    return picture * (1 - layer[:, :, 3:]) + layer[:, :, :3]


def _camera(picture: np.ndarray, rng: RandomSource) -> np.ndarray:
    """Light, contrast, colour, vignette, blur and noise of a small photograph; uint8 [32, 32, 3]."""
    contrast = rng.uniform(0.82, 1.15)
    warm = rng.uniform(-0.08, 0.08)
    light = rng.uniform(0.84, 1.14)
    middle = float(picture.mean())
    gain = np.array([1 + warm, 1.0, 1 - warm]) * (light * contrast)
    picture = picture * gain + middle * (1 - contrast) * light
    colourful = rng.uniform(0.7, 1.15)
    grey = picture @ np.full((3, 1), (1 - colourful) / 3)
    picture = (picture * colourful + grey) * (1 - rng.uniform(0.0, 0.6) * _FAR)
    soft = rng.uniform(-1.0, 0.65)
    if soft > 0.2:
        blur = _blur(soft)
        picture = blur @ (blur @ picture.reshape(SIDE, -1)).reshape(SIDE, SIDE, 3)
    strength = rng.choice((1.5, 2.5, 4.0, 7.0)) * rng.uniform(0.7, 1.2)
    first, second = rng.noise(2, SIDE, SIDE, 3)
    grain = first.astype(float) + second - 255  # triangular distribution, standard deviation 104.5
    picture += grain * (strength / 104.5)
    return np.minimum(np.maximum(np.rint(picture), 0), 255).astype(np.uint8)


def render(subject: Subject, rng: RandomSource) -> np.ndarray:
    """The finished picture, uint8 [3, 32, 32]."""
    frame = frame_subject(subject, rng)
    name = rng.weighted(subject.scenes)
    foot = frame.foot / CANVAS if subject.stands or subject.afloat else rng.uniform(0.5, 1.0)
    picture, things = paint_scene(name, rng, foot)
    if things.polygons:
        picture = _composite(picture, _layer(things))
    layer = _layer(subject.drawing, frame.scale, frame.shift)
    _ensure_contrast(picture, layer, rng)
    if subject.afloat:
        _reflect(picture, layer, frame, rng)
    elif subject.stands:
        _cast_shadow(picture, frame, rng)
    fur = rng.noise(SIDE, SIDE, 1) * (subject.fur / 127.5) + (1 - subject.fur)
    layer[:, :, :3] *= _relief(layer[:, :, 3], rng, subject.gloss) * fur * rng.uniform(0.8, 1.1)
    picture = _composite(picture, layer)
    if rng.chance(0.2):
        picture = _composite(picture, _layer(_occluder(rng)))
    return _camera(picture, rng).transpose(2, 0, 1)  # [3, 32, 32]
