"""Airplanes from any side, and birds that fly, perch, stand, swim or look at the viewer."""

import math

from cifar_core.data.drawing.canvas import Colour, Drawing, RandomSource, mix, shade
from cifar_core.data.drawing.solids import Camera
from cifar_core.data.drawing.subject import Subject

LIVERIES: tuple[Colour, ...] = (
    (226, 228, 232),
    (232, 232, 232),
    (206, 210, 216),
    (150, 156, 162),
    (96, 104, 100),
    (58, 74, 116),
    (196, 60, 50),
    (222, 190, 80),
)
FEATHERS: tuple[Colour, ...] = (
    (110, 92, 74), (64, 60, 58), (226, 224, 220), (150, 136, 118), (60, 96, 146), (170, 66, 50), (206, 172, 60),
    (96, 110, 74), (138, 142, 146), (46, 48, 54),
)  # fmt: skip
BEAKS: tuple[Colour, ...] = ((226, 160, 50), (60, 54, 50), (190, 140, 90), (200, 90, 50))
AIR_SCENES = {"sky": 6.5, "street": 1.0, "meadow": 0.8, "sea": 0.5, "plain": 0.8, "forest": 0.1}
BIRD_SCENES = {
    "sky": 2.2,
    "leaves": 1.3,
    "meadow": 1.6,
    "forest": 0.8,
    "plain": 1.0,
    "pond": 0.6,
    "earth": 0.6,
    "snow": 0.5,
    "sea": 0.4,
}
Space = tuple[float, float, float]


def _tube(drawing: Drawing, camera: Camera, axis: list[tuple[float, float, float, float]], colour: Colour) -> None:
    """A round body along `axis` of (x, y, z, radius): limbs in space, caps where it is seen end on."""
    flat = camera.flat([(x, y, z) for x, y, z, _ in axis])
    for (x, y), (_, _, _, radius) in zip(flat, axis, strict=True):
        drawing.oval(x, y, (radius, radius), colour)
    drawing.limb([(x, y, r) for (x, y), (_, _, _, r) in zip(flat, axis, strict=True)], colour)


def _wing(drawing: Drawing, camera: Camera, outline: list[Space], colour: Colour) -> None:
    under = 0.78 if camera.matrix[2][1] < 0 else 1.0  # its lower side is seen
    drawing.flat(camera.flat(outline), shade(colour, under))


def _pose(rng: RandomSource) -> Camera:
    kind = rng.weighted({"side": 4.6, "bank": 3.0, "top": 1.4, "front": 0.9})
    if kind == "side":
        return Camera(rng.uniform(-0.7, 0.7), rng.uniform(-0.35, 0.35), rng.uniform(-0.3, 0.3))
    if kind == "front":
        return Camera(rng.sign() * rng.uniform(1.0, 1.5), rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3))
    tip = rng.uniform(0.5, 1.0) if kind == "bank" else rng.uniform(1.1, 1.5)
    return Camera(rng.uniform(-0.8, 0.8), rng.sign() * tip, rng.uniform(-0.3, 0.3))


def _fuselage(drawing: Drawing, camera: Camera, fat: float, look: tuple[Colour, Colour]) -> None:
    """Body, tail fin and windows of an airliner whose body has the radius `fat`."""
    axis = [
        (-1.0, 0.06, 0.0, fat * 0.25),
        (-0.6, 0.02, 0.0, fat * 0.8),
        (0.0, 0.0, 0.0, fat),
        (0.7, 0.0, 0.0, fat),
        (0.97, -0.02, 0.0, fat * 0.45),
    ]
    fin = [(-0.62, fat * 0.7, 0.0), (-0.98, fat * 0.4, 0.0), (-1.06, 0.42, 0.0), (-0.9, 0.42, 0.0)]
    drawing.flat(camera.flat(fin), look[1])
    _tube(drawing, camera, axis, look[0])
    z = fat * 0.98 if camera.sees((0.0, 0.0, 1.0)) else -fat * 0.98
    for x, y in camera.flat([(-0.5 + 0.13 * i, 0.03, z) for i in range(9)]):
        drawing.oval(x, y, (0.02, 0.022), (60, 70, 84))
    glass = camera.flat([(0.88, fat * 0.42, 0.0)])[0]
    drawing.oval(glass[0], glass[1], (0.05, 0.028), (44, 52, 64))


def _airliner(rng: RandomSource, drawing: Drawing, camera: Camera, look: tuple[Colour, Colour]) -> None:
    """A jet: swept wings, engines below them, a tail fin in the company's colour. `look` = body, trim."""
    paint, fat = look[0], rng.uniform(0.085, 0.125)
    span, sweep = rng.uniform(0.75, 1.0), rng.uniform(0.25, 0.5)
    near = 1.0 if camera.sees((0.0, 0.0, 1.0)) else -1.0
    for side in (-near, near):
        x, z = -sweep * 0.4, side * span * 0.38
        _tube(drawing, camera, [(x + 0.3, -0.12, z, 0.05), (x + 0.08, -0.12, z, 0.045)], shade(paint, 0.62))
        root, tip = side * fat * 0.8, side * span
        wing = [(0.28, -0.03, root), (-0.12, -0.03, root), (-0.12 - sweep, 0.06, tip), (-sweep, 0.06, tip)]
        _wing(drawing, camera, wing, shade(paint, 0.9))
        root, tip = side * 0.04, side * 0.36
        tail = [(-0.72, 0.06, root), (-0.94, 0.06, root), (-1.04, 0.09, tip), (-0.94, 0.09, tip)]
        _wing(drawing, camera, tail, shade(paint, 0.88))
        if side == -near:
            _fuselage(drawing, camera, fat, look)


def _propeller_plane(rng: RandomSource, drawing: Drawing, camera: Camera, look: tuple[Colour, Colour]) -> None:
    """A small plane: straight wings above or below, a propeller disc; some are biplanes."""
    paint, trim = look
    high = rng.chance(0.5)
    levels = [0.16, -0.1] if rng.chance(0.25) else [0.16 if high else -0.1]
    span = rng.uniform(0.8, 1.05)

    def wings(side: float) -> None:
        for y in levels:
            _wing(
                drawing,
                camera,
                [(0.42, y, 0.0), (0.1, y, 0.0), (0.12, y + 0.04, side * span), (0.36, y + 0.04, side * span)],
                trim,
            )
        _wing(
            drawing,
            camera,
            [(-0.72, 0.05, 0.0), (-0.92, 0.05, 0.0), (-0.92, 0.05, side * 0.34), (-0.78, 0.05, side * 0.34)],
            trim,
        )

    near = 1.0 if camera.sees((0.0, 0.0, 1.0)) else -1.0
    wings(-near)
    drawing.flat(camera.flat([(-0.68, 0.05, 0.0), (-0.95, 0.03, 0.0), (-0.98, 0.32, 0.0), (-0.86, 0.32, 0.0)]), trim)
    _tube(
        drawing,
        camera,
        [(-0.95, 0.04, 0.0, 0.03), (-0.3, 0.02, 0.0, 0.1), (0.3, 0.0, 0.0, 0.135), (0.7, -0.02, 0.0, 0.1)],
        paint,
    )
    cabin = camera.flat([(0.22, 0.13, 0.0)])[0]
    drawing.oval(cabin[0], cabin[1], (0.14, 0.07), (52, 62, 74))
    wings(near)
    hub = camera.flat([(0.8, -0.02, 0.0)])[0]
    drawing.oval(hub[0], hub[1], (0.03, 0.24), shade(paint, 0.5), rng.uniform(-0.4, 0.4))
    for side in (-1, 1):
        foot = camera.flat([(0.3, -0.27, side * 0.16)])[0]
        drawing.oval(foot[0], foot[1], (0.06, 0.06), (34, 34, 36))


def _fighter(rng: RandomSource, drawing: Drawing, camera: Camera, look: tuple[Colour, Colour]) -> None:
    """A delta-winged jet."""
    paint = look[0]
    span = rng.uniform(0.5, 0.68)
    near = 1.0 if camera.sees((0.0, 0.0, 1.0)) else -1.0
    for side in (-near, near):
        _wing(
            drawing,
            camera,
            [(0.35, 0.0, side * 0.06), (-0.7, 0.0, side * 0.06), (-0.62, 0.0, side * span), (-0.4, 0.0, side * span)],
            shade(paint, 0.88),
        )
        _wing(
            drawing,
            camera,
            [(-0.7, 0.0, side * 0.06), (-0.98, 0.0, side * 0.06), (-1.04, 0.0, side * 0.32)],
            shade(paint, 0.85),
        )
        if side == -near:
            _tube(
                drawing,
                camera,
                [(-0.95, 0.0, 0.0, 0.09), (0.2, 0.0, 0.0, 0.11), (0.7, 0.0, 0.0, 0.06), (1.05, -0.03, 0.0, 0.012)],
                paint,
            )
    glass = camera.flat([(0.42, 0.09, 0.0)])[0]
    drawing.oval(glass[0], glass[1], (0.15, 0.055), (50, 58, 70))
    for side in (-0.08, 0.08):
        drawing.flat(
            camera.flat([(-0.5, 0.06, side), (-0.95, 0.06, side), (-1.02, 0.4, side * 1.8), (-0.86, 0.4, side * 1.8)]),
            shade(paint, 0.78),
        )


def airplane(rng: RandomSource) -> Subject:
    """An airliner, a small propeller plane or a jet fighter, mostly in the air."""
    drawing, camera = Drawing(), _pose(rng)
    look = (rng.tint(rng.choice(LIVERIES), 14), rng.tint(rng.choice(LIVERIES), 18))
    kind = rng.weighted({"airliner": 5, "propeller": 2.4, "fighter": 2.0})
    {"airliner": _airliner, "propeller": _propeller_plane, "fighter": _fighter}[kind](rng, drawing, camera, look)
    return Subject(drawing, AIR_SCENES, stands=False, gloss=0.45, tilt=0.25, size=(0.7, 1.02))


def _flying_bird(rng: RandomSource, drawing: Drawing, colours: tuple[Colour, Colour, Colour]) -> None:
    """Wings spread, up, level or down, from any side. `colours` = body, wing, beak."""
    body, feather, beak = colours
    camera = Camera(rng.uniform(-1.2, 1.2), rng.sign() * rng.uniform(0.0, 1.3), rng.uniform(-0.5, 0.5))
    lift = rng.uniform(-0.5, 0.9)
    span, chord = rng.uniform(0.8, 1.25), rng.uniform(0.24, 0.42)
    near = 1.0 if camera.sees((0.0, 0.0, 1.0)) else -1.0
    for side in (-near, near):
        tip = (-0.15 - 0.25 * rng.random(), lift * span * 0.75, side * span * 0.95)
        elbow = (0.3, lift * span * 0.5, side * span * 0.45)
        back = (0.1 - chord, lift * span * 0.42, side * span * 0.5)
        outline = camera.flat([(0.3, 0.03, side * 0.08), elbow, tip, back, (0.02 - chord, 0.0, side * 0.08)])
        tone = 0.75 if side == -near else 1.0
        drawing.shape(outline, shade(feather, tone), 4)
        if side == -near:
            fan = camera.flat([(-0.4, 0.0, 0.0), (-0.95, 0.02, 0.17), (-1.0, 0.02, -0.17)])
            drawing.flat(fan, shade(feather, 0.85))
            _tube(
                drawing,
                camera,
                [(-0.6, 0.0, 0.0, 0.05), (-0.1, -0.02, 0.0, 0.15), (0.35, 0.0, 0.0, 0.13), (0.62, 0.06, 0.0, 0.09)],
                body,
            )
            head = camera.flat([(0.66, 0.09, 0.0), (0.92, 0.05, 0.0)])
            drawing.limb([(*head[0], 0.05), (*head[1], 0.012)], beak, 2)
            drawing.oval(head[0][0], head[0][1], (0.11, 0.105), body)
            drawing.oval(head[0][0] + 0.03, head[0][1] - 0.02, (0.022, 0.022), (20, 20, 20))


def _legs(drawing: Drawing, top: float, length: float, colour: Colour, x: float = 0.0) -> None:
    for offset, tone in ((0.09, 0.75), (-0.03, 1.0)):
        foot = top + length
        drawing.limb(
            [(x + offset, top, 0.025), (x + offset - 0.02, top + length * 0.5, 0.02), (x + offset, foot, 0.02)],
            shade(colour, tone),
            2,
        )
        drawing.limb([(x + offset, foot, 0.02), (x + offset + 0.1, foot + 0.01, 0.016)], shade(colour, tone), 2)


def _perched_bird(rng: RandomSource, drawing: Drawing, colours: tuple[Colour, Colour, Colour], leg: float) -> None:
    """On a branch or on the ground, from the side, looking right; long `leg` and neck for waders and ostriches."""
    body, feather, beak = colours
    neck = 0.05 if leg < 0.4 else leg * rng.uniform(0.6, 1.0)
    upright = rng.uniform(0.1, 0.9) if leg < 0.4 else 0.15
    size = rng.uniform(0.24, 0.32)
    _legs(drawing, size * 0.6, leg, mix(beak, (70, 60, 50), 0.5))
    c, s = math.cos(upright), math.sin(upright)
    tail = (-0.45 * c - 0.3 * c, 0.3 * s + 0.25 * s)
    drawing.limb([(-0.25 * c, 0.2 * s, size * 0.5), (*tail, 0.05)], shade(feather, 0.8), 3)
    chest = (0.2 * c, -0.2 * s)
    drawing.limb([(-0.3 * c, 0.22 * s, size * 0.55), (0.0, 0.0, size), (*chest, size * 0.85)], body)
    drawing.oval(
        chest[0] + size * 0.3, chest[1] + size * 0.35, (size * 0.55, size * 0.6), mix(body, (240, 230, 214), 0.45)
    )
    head = (chest[0] + 0.16 + neck * 0.25, chest[1] - size * 0.75 - neck)
    drawing.focus = True
    r = size * (0.62 if leg < 0.4 else 0.42)
    drawing.limb([(chest[0] + 0.05, chest[1] - 0.05, size * (0.6 if leg < 0.4 else 0.3)), (*head, r * 0.75)], body, 3)
    reach = rng.uniform(0.1, 0.3)
    drawing.flat(
        [
            (head[0] + r * 0.6, head[1] - r * 0.35),
            (head[0] + r + reach, head[1] + 0.05),
            (head[0] + r * 0.6, head[1] + r * 0.45),
        ],
        beak,
    )
    drawing.oval(*head, (r, r * 0.95), body if rng.chance(0.6) else feather)
    drawing.oval(head[0] + r * 0.35, head[1] - r * 0.15, (r * 0.18, r * 0.18), (18, 18, 18))
    drawing.focus = False
    wing = [
        (chest[0] - 0.05, chest[1] - size * 0.3),
        (0.02, size * 0.5),
        (-0.4 * c, 0.34 * s + 0.05),
        (-0.62 * c, 0.45 * s),
        (-0.25 * c, 0.12 * s - size * 0.4),
    ]
    drawing.shape(wing, feather, 4)
    drawing.limb([(0.0, size * 0.28, 0.03), (-0.5 * c, 0.4 * s, 0.02)], shade(feather, 0.7), 2)


def _swimming_bird(rng: RandomSource, drawing: Drawing, colours: tuple[Colour, Colour, Colour]) -> None:
    """A duck, goose or swan on the water."""
    body, feather, beak = colours
    drawing.shape([(-0.75, -0.3), (-0.4, -0.36), (0.1, -0.4), (0.5, -0.25), (0.5, 0.0), (-0.4, 0.02)], body)
    drawing.shape([(0.15, -0.34), (0.1, -0.1), (-0.4, -0.08), (-0.7, -0.3), (-0.3, -0.42)], feather, 4)
    neck = rng.uniform(0.15, 0.6)
    head = (0.55, -0.35 - neck)
    drawing.limb(
        [(0.38, -0.2, 0.14), (0.5, -0.3 - neck * 0.4, 0.085), (*head, 0.08)], mix(body, feather, rng.random() * 0.6)
    )
    drawing.limb([(head[0] + 0.05, head[1] + 0.01, 0.05), (head[0] + 0.26, head[1] + 0.05, 0.03)], beak, 2)
    drawing.oval(*head, (0.115, 0.105), mix(body, feather, rng.random()))
    drawing.oval(head[0] + 0.04, head[1] - 0.02, (0.02, 0.02), (20, 20, 20))


def bird(rng: RandomSource) -> Subject:
    """A bird flying, perched, wading, swimming, or its head alone."""
    drawing = Drawing()
    body, feather = rng.tint(rng.choice(FEATHERS), 16), rng.tint(rng.choice(FEATHERS), 16)
    if rng.chance(0.55):
        feather = shade(body, rng.uniform(0.6, 0.9))
    colours = (body, feather, rng.tint(rng.choice(BEAKS), 12))
    fur = rng.uniform(0.03, 0.1)
    view = rng.weighted({"perched": 4.4, "flying": 1.7, "wading": 1.3, "swimming": 1.0, "bust": 0.9})
    if view == "flying":
        _flying_bird(rng, drawing, colours)
        scenes = {"sky": 5.0, "sea": 1.0, "forest": 1.0, "meadow": 0.8, "leaves": 0.4}
        return Subject(drawing, scenes, stands=False, fur=fur, tilt=0.3, size=(0.66, 1.02))
    if view == "swimming":
        _swimming_bird(rng, drawing, colours)
        return Subject(drawing, {"sea": 1.0, "pond": 2.5}, fur=fur, size=(0.5, 0.95), afloat=True)
    leg = rng.uniform(0.5, 0.9) if view == "wading" else rng.uniform(0.08, 0.22)
    _perched_bird(rng, drawing, colours, leg)
    if view == "perched" and rng.chance(0.5):  # on a branch
        y = leg + 0.24
        drawing.limb(
            [(-1.2, y + rng.uniform(-0.2, 0.2), 0.06), (0.0, y, 0.05), (1.2, y + rng.uniform(-0.2, 0.2), 0.04)],
            rng.tint((92, 74, 58), 16),
        )
        return Subject(
            drawing,
            {"leaves": 2.4, "sky": 2.4, "forest": 1.4, "plain": 0.5},
            stands=False,
            fur=fur,
            size=(0.9, 1.5),
            tilt=0.15,
        )
    return Subject(drawing, BIRD_SCENES, fur=fur, size=(0.7, 1.0), close_up=view == "bust", stands=view != "bust")
