"""Frogs and ships."""

from cifar_core.data.drawing.canvas import Colour, Drawing, RandomSource, mix, shade
from cifar_core.data.drawing.subject import Subject

FROG_SKINS: tuple[Colour, ...] = (
    (84, 126, 52), (110, 144, 60), (124, 108, 72), (98, 88, 60), (66, 104, 66), (150, 130, 84), (176, 70, 50), (60, 110, 140),
    (92, 74, 56), (170, 170, 70),
)  # fmt: skip
HULLS: tuple[Colour, ...] = (
    (40, 52, 78),
    (150, 42, 40),
    (52, 54, 58),
    (226, 226, 224),
    (60, 96, 84),
    (120, 128, 134),
    (120, 76, 50),
)
CONTAINERS: tuple[Colour, ...] = (
    (186, 62, 48),
    (52, 92, 150),
    (216, 160, 60),
    (96, 130, 96),
    (170, 172, 174),
    (110, 60, 90),
)
FROG_SCENES = {
    "leaves": 3.2,
    "earth": 2.6,
    "pond": 1.8,
    "meadow": 1.2,
    "plain": 1.1,
    "forest": 0.7,
    "room": 0.4,
    "town": 0.2,
}
SHIP_SCENES = {"sea": 8.0, "pond": 0.5, "sky": 0.4, "plain": 0.2}


def _eye(drawing: Drawing, x: float, y: float, r: float, skin: Colour) -> None:
    drawing.oval(x, y, (r * 1.25, r * 1.2), skin)
    drawing.oval(x + r * 0.1, y, (r * 0.82, r * 0.8), (206, 176, 74))
    drawing.oval(x + r * 0.15, y, (r * 0.48, r * 0.52), (18, 18, 16))


def _spots(
    drawing: Drawing, rng: RandomSource, skin: Colour, middle: tuple[float, float], spread: tuple[float, float]
) -> None:
    dark = shade(skin, rng.uniform(0.5, 0.8)) if rng.chance(0.8) else shade(skin, 1.35)
    for _ in range(rng.integer(0, 7)):
        where = middle[0] + rng.uniform(-1, 1) * spread[0], middle[1] + rng.uniform(-1, 1) * spread[1]
        drawing.oval(*where, (rng.uniform(0.03, 0.07), rng.uniform(0.025, 0.05)), dark)


def _frog_side(rng: RandomSource, skin: Colour, belly: Colour) -> Drawing:
    """Squatting, from the side: steep back, folded hind leg, eye on top of the head."""
    drawing = Drawing()
    rise = rng.uniform(0.45, 0.75)
    drawing.limb([(-0.45, -0.12, 0.1), (-0.75, -0.05, 0.06)], shade(skin, 0.6), 2)
    drawing.limb([(0.3, -0.35, 0.1), (0.42, -0.15, 0.07), (0.5, -0.04, 0.05)], shade(skin, 0.62))
    back = [
        (-0.6, -0.12),
        (-0.35, -0.42),
        (0.05, -rise),
        (0.4, -rise - 0.1),
        (0.66, -rise + 0.08),
        (0.52, -rise + 0.3),
        (0.25, -0.15),
        (-0.3, -0.04),
    ]
    drawing.shape(back, skin)
    drawing.shape([(0.6, -rise + 0.2), (0.4, -rise + 0.25), (0.05, -0.2), (0.28, -0.12), (0.5, -rise + 0.34)], belly, 4)
    _spots(drawing, rng, skin, (0.0, -rise * 0.65), (0.3, 0.15))
    drawing.limb([(0.66, -rise + 0.12, 0.014), (0.4, -rise + 0.16, 0.014)], shade(skin, 0.45), 2)
    _eye(drawing, 0.4, -rise - 0.1, 0.1, shade(skin, 1.1))
    thigh = shade(skin, 0.92)
    drawing.limb([(-0.5, -0.12, 0.1), (-0.25, -0.3, 0.17), (0.02, -0.3, 0.1)], thigh)
    drawing.limb([(0.02, -0.28, 0.08), (-0.3, -0.06, 0.06), (-0.1, -0.03, 0.05)], shade(skin, 0.78))
    drawing.limb([(-0.2, -0.03, 0.045), (0.16, -0.02, 0.04)], shade(skin, 0.9), 2)
    drawing.limb([(0.22, -0.34, 0.1), (0.3, -0.18, 0.07), (0.26, -0.04, 0.05), (0.4, -0.02, 0.035)], shade(skin, 0.98))
    return drawing


def _frog_front(rng: RandomSource, skin: Colour, belly: Colour) -> Drawing:
    """Squatting, facing the viewer: wide mouth, two bulging eyes, knees on both sides."""
    drawing = Drawing()
    for side in (-1, 1):
        drawing.limb(
            [(side * 0.3, -0.15, 0.12), (side * 0.62, -0.36, 0.13), (side * 0.55, -0.06, 0.07)], shade(skin, 0.8)
        )
        drawing.limb([(side * 0.45, -0.04, 0.05), (side * 0.78, -0.02, 0.04)], shade(skin, 0.9), 2)
    drawing.shape([(-0.42, -0.1), (-0.4, -0.4), (0.0, -0.6), (0.4, -0.4), (0.42, -0.1), (0.0, 0.0)], skin)
    drawing.oval(0.0, -0.2, (0.3, 0.2), belly)
    drawing.focus = True
    drawing.shape(
        [(-0.46, -0.48), (-0.3, -0.7), (0.0, -0.74), (0.3, -0.7), (0.46, -0.48), (0.25, -0.32), (-0.25, -0.32)],
        shade(skin, 1.06),
    )
    drawing.shape([(-0.36, -0.42), (0.0, -0.38), (0.36, -0.42), (0.2, -0.3), (-0.2, -0.3)], belly, 3)
    drawing.limb([(-0.42, -0.47, 0.015), (0.0, -0.4, 0.018), (0.42, -0.47, 0.015)], shade(skin, 0.4))
    for side in (-1, 1):
        _eye(drawing, side * 0.3, -0.72, 0.12, shade(skin, 1.08))
        drawing.oval(side * 0.06, -0.57, (0.018, 0.014), shade(skin, 0.4))
    drawing.focus = False
    for side in (-1, 1):
        drawing.limb(
            [(side * 0.26, -0.28, 0.08), (side * 0.3, -0.12, 0.065), (side * 0.22, -0.02, 0.05)], shade(skin, 0.95)
        )
        drawing.limb([(side * 0.22, -0.02, 0.04), (side * 0.36, 0.0, 0.03)], shade(skin, 0.95), 2)
    return drawing


def _frog_top(rng: RandomSource, skin: Colour, belly: Colour) -> Drawing:
    """From above: oval body, head to the right, four bent legs."""
    drawing = Drawing()
    for side in (-1, 1):
        knee = (rng.uniform(-0.2, 0.05), side * rng.uniform(0.5, 0.65))
        drawing.limb(
            [(-0.35, side * 0.2, 0.12), (*knee, 0.11), (-0.5, side * 0.42, 0.07), (-0.62, side * 0.62, 0.05)],
            shade(skin, 0.85),
        )
        drawing.limb([(-0.6, side * 0.6, 0.045), (-0.72, side * 0.75, 0.04)], shade(skin, 0.8), 2)
        drawing.limb([(0.25, side * 0.22, 0.09), (0.3, side * 0.46, 0.06), (0.5, side * 0.5, 0.045)], shade(skin, 0.85))
    drawing.shape(
        [
            (-0.58, 0.0),
            (-0.4, -0.26),
            (0.05, -0.36),
            (0.42, -0.28),
            (0.68, 0.0),
            (0.42, 0.28),
            (0.05, 0.36),
            (-0.4, 0.26),
        ],
        skin,
    )
    if rng.chance(0.4):
        drawing.limb([(-0.5, 0.0, 0.03), (0.5, 0.0, 0.03)], mix(skin, belly, 0.7), 2)
    _spots(drawing, rng, skin, (-0.05, 0.0), (0.35, 0.22))
    for side in (-1, 1):
        _eye(drawing, 0.4, side * 0.23, 0.085, shade(skin, 1.1))
    return drawing


def frog(rng: RandomSource) -> Subject:
    """A frog from the side, from the front or from above."""
    skin = rng.tint(rng.choice(FROG_SKINS), 18)
    belly = mix(skin, (232, 226, 180), rng.uniform(0.4, 0.85))
    view = rng.weighted({"side": 3.8, "front": 2.8, "top": 1.8, "bust": 0.7})
    draw = {"side": _frog_side, "top": _frog_top}.get(view, _frog_front)
    top = view == "top"
    return Subject(
        draw(rng, skin, belly),
        FROG_SCENES,
        stands=view != "bust",
        fur=rng.uniform(0.02, 0.1),
        gloss=0.5,
        tilt=3.1 if top else 0.15,
        size=(0.55, 1.0),
        close_up=view == "bust",
    )


def _hull(drawing: Drawing, rng: RandomSource, height: float, paint: Colour) -> None:
    """A hull from x = -1 to 1, bow on the right, deck at y = -height, water at y = 0."""
    bow, stern = rng.uniform(0.12, 0.4), rng.uniform(0.0, 0.12)
    rise = rng.uniform(0.0, 0.12)
    outline = [(-1.0, -height), (0.5, -height), (1.0, -height - rise), (1.0 - bow, 0.0), (-1.0 + stern, 0.0)]
    drawing.flat(outline, paint)
    if rng.chance(0.6):
        drawing.flat(
            [
                (-1.0 + stern * 0.8, -height * 0.25),
                (1.0 - bow * 0.85, -height * 0.25),
                (1.0 - bow, 0.0),
                (-1.0 + stern, 0.0),
            ],
            mix(paint, (130, 40, 36), 0.75),
        )
    drawing.flat(
        [
            (-1.0, -height),
            (0.5, -height),
            (1.0, -height - rise),
            (0.99, -height - rise + 0.05),
            (0.5, -height + 0.04),
            (-1.0, -height + 0.04),
        ],
        shade(paint, 1.35),
    )


def _house(drawing: Drawing, rng: RandomSource, x0: float, x1: float, floors: tuple[float, int, float]) -> float:
    """A superstructure with rows of windows; `floors` = deck y, number of floors, height of one. Returns its top."""
    y, count, step = floors
    white = rng.tint((228, 228, 226), 12)
    for level in range(count):
        inset = level * (x1 - x0) * 0.06
        drawing.box(x0 + inset, y - step, x1 - inset, y, shade(white, 1.0 - 0.04 * (level % 2)))
        left = x0 + inset + 0.04
        while left < x1 - inset - 0.06:
            drawing.box(left, y - step * 0.72, left + 0.05, y - step * 0.32, (62, 76, 96))
            left += 0.1
        y -= step
    return y


def _cargo_ship(rng: RandomSource, drawing: Drawing, paint: Colour) -> None:
    height = rng.uniform(0.18, 0.3)
    _hull(drawing, rng, height, paint)
    left = rng.chance(0.75)
    x = -0.62
    while x < 0.62:
        width = 0.17
        for row in range(rng.integer(0, 3)):
            y = -height - row * 0.1
            drawing.box(x, y - 0.1, x + width - 0.015, y, rng.tint(rng.choice(CONTAINERS), 12))
        x += width
    spot = (-0.95, -0.62) if left else (0.1, 0.4)
    top = _house(drawing, rng, *spot, (-height, rng.integer(3, 4), 0.13))
    middle = sum(spot) / 2
    drawing.box(middle - 0.07, top - 0.14, middle + 0.06, top, rng.tint(rng.choice(CONTAINERS), 10))


def _liner(rng: RandomSource, drawing: Drawing, paint: Colour) -> None:
    height = rng.uniform(0.16, 0.24)
    _hull(drawing, rng, height, paint)
    top = _house(drawing, rng, -0.85, rng.uniform(0.45, 0.7), (-height, rng.integer(2, 4), 0.11))
    funnel = rng.tint(rng.choice(CONTAINERS), 14)
    for i in range(rng.integer(1, 3)):
        x = -0.5 + i * 0.36
        drawing.flat([(x, top), (x + 0.16, top), (x + 0.12, top - 0.22), (x - 0.03, top - 0.22)], funnel)
        drawing.flat(
            [(x - 0.02, top - 0.17), (x + 0.125, top - 0.17), (x + 0.12, top - 0.22), (x - 0.03, top - 0.22)],
            (36, 36, 38),
        )


def _sailing_boat(rng: RandomSource, drawing: Drawing, paint: Colour) -> None:
    height = rng.uniform(0.14, 0.22)
    cloth = rng.tint(rng.choice(((236, 234, 226), (214, 196, 160), (196, 70, 56), (226, 226, 230))), 10)
    tall = rng.uniform(1.2, 1.8)
    _hull(drawing, rng, height, paint)
    mast = rng.uniform(-0.1, 0.15)
    drawing.box(mast - 0.02, -height - tall, mast + 0.02, -height, (110, 88, 64))
    drawing.shape(
        [
            (mast - 0.03, -height - tall * 0.97),
            (mast - 0.35, -height - tall * 0.5),
            (mast - 0.8, -height - 0.12),
            (mast - 0.03, -height - 0.12),
        ],
        cloth,
        3,
    )
    if rng.chance(0.8):
        drawing.shape(
            [
                (mast + 0.04, -height - tall * 0.9),
                (mast + 0.35, -height - tall * 0.45),
                (0.9, -height - 0.1),
                (mast + 0.1, -height - 0.16),
            ],
            shade(cloth, 0.92),
            3,
        )
    if rng.chance(0.25):
        second = -0.7
        drawing.box(second - 0.015, -height - tall * 0.7, second + 0.015, -height, (110, 88, 64))
        drawing.flat(
            [(second, -height - tall * 0.68), (second - 0.4, -height - 0.1), (second, -height - 0.1)],
            shade(cloth, 0.96),
        )


def _warship(rng: RandomSource, drawing: Drawing, paint: Colour) -> None:
    grey = rng.tint((134, 142, 148), 18)
    height = rng.uniform(0.14, 0.2)
    _hull(drawing, rng, height, mix(grey, paint, 0.15))
    drawing.flat([(-0.55, -height), (0.3, -height), (0.2, -height - 0.16), (-0.45, -height - 0.16)], shade(grey, 1.08))
    drawing.flat(
        [(-0.2, -height - 0.16), (0.18, -height - 0.16), (0.1, -height - 0.38), (-0.12, -height - 0.38)],
        shade(grey, 0.95),
    )
    drawing.box(-0.04, -height - 0.75, 0.0, -height - 0.38, shade(grey, 0.7))
    drawing.box(-0.14, -height - 0.6, 0.1, -height - 0.57, shade(grey, 0.7))
    for x in (0.5, -0.75):
        drawing.box(x - 0.08, -height - 0.1, x + 0.08, -height, shade(grey, 0.85))
        drawing.limb([(x, -height - 0.07, 0.015), (x + 0.25, -height - 0.1, 0.012)], shade(grey, 0.7), 2)


def _motor_boat(rng: RandomSource, drawing: Drawing, paint: Colour) -> None:
    height = rng.uniform(0.24, 0.36)
    _hull(drawing, rng, height, paint)
    x0, x1 = rng.uniform(-0.7, -0.4), rng.uniform(0.15, 0.4)
    roof = rng.uniform(0.28, 0.5)
    cabin = rng.tint((230, 230, 226), 10)
    drawing.flat([(x0, -height), (x1 + 0.12, -height), (x1 - 0.08, -height - roof), (x0 + 0.05, -height - roof)], cabin)
    drawing.flat(
        [
            (x0 + 0.1, -height - roof * 0.35),
            (x1 - 0.0, -height - roof * 0.35),
            (x1 - 0.09, -height - roof * 0.82),
            (x0 + 0.12, -height - roof * 0.82),
        ],
        (54, 66, 82),
    )
    if rng.chance(0.6):
        drawing.box(x0 + 0.1, -height - roof - 0.4, x0 + 0.13, -height - roof, (90, 90, 92))


def ship(rng: RandomSource) -> Subject:
    """A freighter, liner, sailing boat, warship or motor boat on the water."""
    drawing = Drawing()
    paint = rng.tint(rng.choice(HULLS), 16)
    kinds = {"cargo": 2.8, "liner": 2.0, "sail": 2.0, "war": 1.3, "motor": 1.9}
    makers = {"cargo": _cargo_ship, "liner": _liner, "sail": _sailing_boat, "war": _warship, "motor": _motor_boat}
    makers[rng.weighted(kinds)](rng, drawing, paint)
    squeeze = rng.uniform(0.6, 1.0)
    drawing.polygons = [points * (squeeze, 1.0) for points in drawing.polygons]
    return Subject(drawing, SHIP_SCENES, gloss=0.15, tilt=0.07, size=(0.6, 1.1), afloat=True)
