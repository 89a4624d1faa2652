"""Cats, dogs, deer and horses from the side: one skeleton, many proportions. Units: the length of the back is 1."""

import math
from dataclasses import replace

from cifar_core.data.drawing.canvas import Colour, Drawing, RandomSource, mix, shade
from cifar_core.data.drawing.coats import Build, cat_build, deer_build, dog_build, horse_build
from cifar_core.data.drawing.faces import face, front_view
from cifar_core.data.drawing.subject import Subject

NOSE: Colour = (34, 28, 30)
Spot = tuple[float, float]


def _leg(drawing: Drawing, build: Build, hip: Spot, swing: float, *, hind: bool, near: bool) -> None:
    """One leg down to the ground (y = 0) with `swing` as its angle; far legs are in the shade."""
    tone = 1.0 if near else 0.66
    width, (x, y) = build.leg_width, hip
    length = -y
    foot_x = x + math.sin(swing) * length
    foot_y = -max(0.0, (1 - math.cos(swing)) * length)
    bend = (-0.12 if hind else 0.05) * length
    knee = ((x + foot_x) / 2 + bend, y + (foot_y - y) * 0.52)
    colour, sock = shade(build.coat.base, tone), shade(build.coat.sock, tone)
    thigh = width * (2.3 if hind else 1.6)
    drawing.limb([(x, y, thigh), (*knee, width * 1.05), (foot_x, foot_y - width, width * 0.8)], colour)
    shin = ((knee[0] + foot_x) / 2, (knee[1] + foot_y) / 2)
    drawing.limb([(*shin, width * 0.8), (foot_x, foot_y - width, width * 0.75)], sock, 2)
    if build.hoof:
        drawing.oval(foot_x + width * 0.3, foot_y - width * 0.5, (width * 1.15, width * 0.8), shade((60, 50, 44), tone))
    else:
        drawing.oval(foot_x + width * 0.5, foot_y - width * 0.6, (width * 1.5, width * 0.75), shade(sock, 0.95))


def _tail(drawing: Drawing, rng: RandomSource, build: Build, root: Spot, floor: float) -> None:
    x, y = root
    base, dark = build.coat.base, build.coat.dark
    if build.tail == "hair":
        end = min(floor - 0.1, y + rng.uniform(0.45, 0.7))
        out = rng.uniform(0.05, 0.4)
        drawing.limb([(x, y, 0.04), (x - 0.12 - out * 0.4, y + 0.15, 0.07), (x - out, end, 0.05)], dark)
    elif build.tail == "stub":
        drawing.limb(
            [(x, y, 0.05), (x - 0.08, y + 0.08, 0.045), (x - 0.1, y + 0.14, 0.02)], mix(base, (240, 236, 228), 0.5)
        )
    else:
        rise = rng.uniform(-0.45, 0.55)
        thick = 0.035 if build.tail == "thin" else 0.065
        reach = rng.uniform(0.25, 0.5)
        curl = rng.uniform(-0.2, 0.2)
        path = [
            (x, y, thick),
            (x - reach * 0.6, y - rise * 0.45, thick * 1.2),
            (x - reach - curl, y - rise, thick * 0.7),
        ]
        drawing.limb(path, shade(base, 0.9), 5)


def _pattern(drawing: Drawing, rng: RandomSource, build: Build, back: Spot, half: float) -> None:
    """Marks on the trunk, whose middle is at `back` and whose half height is `half`."""
    x, y = back
    coat = build.coat
    if coat.pattern == "stripes":
        for step in range(rng.integer(4, 7)):
            at = x - 0.45 + step * 0.15
            drawing.limb([(at, y - half * 0.85, 0.022), (at - 0.03, y - half * 0.1, 0.016)], coat.dark, 2)
    elif coat.pattern == "patches":
        for _ in range(rng.integer(1, 3)):
            size = (rng.uniform(0.1, 0.22), half * rng.uniform(0.4, 0.75))
            drawing.oval(
                x + rng.uniform(-0.35, 0.35), y - half * 0.15, size, mix(coat.dark, coat.belly, rng.choice((0.0, 1.0)))
            )
    elif coat.pattern == "saddle":
        drawing.oval(x - 0.03, y - half * 0.45, (0.42, half * 0.5), coat.dark)
    elif coat.pattern == "spots":
        for _ in range(rng.integer(8, 16)):
            where = x + rng.uniform(-0.45, 0.4), y - half * rng.uniform(-0.2, 0.75)
            drawing.oval(*where, (0.026, 0.022), (236, 222, 196))


def _antlers(drawing: Drawing, rng: RandomSource, size: float, at: Spot) -> None:
    x, y = at
    bone = rng.tint((150, 122, 92), 12)
    for lean, tone in ((0.28, 0.75), (-0.12, 1.0)):
        tip = (x - size * (0.35 - lean), y - size)
        bow = (x - size * (0.55 - lean), y - size * 0.5)
        colour = shade(bone, tone)
        drawing.limb([(x, y, 0.03), (*bow, 0.026), (*tip, 0.014)], colour)
        for share in (0.35, 0.7):
            fork = (x + (bow[0] - x) * min(1.0, share * 2), y - size * share)
            drawing.limb([(*fork, 0.02), (fork[0] + size * 0.24, fork[1] - size * 0.26, 0.012)], colour, 2)


def _ear(drawing: Drawing, build: Build, at: Spot, colour: Colour, lean: float) -> None:
    x, y = at
    size = build.ear_size
    if build.ear == "flop":
        path = [
            (x, y, size * 0.28),
            (x - size * 0.4 + lean, y + size * 0.5, size * 0.34),
            (x - size * 0.3 + lean, y + size, size * 0.22),
        ]
        drawing.limb(path, shade(colour, 0.8))
    elif build.ear == "leaf":
        drawing.oval(x - size * 0.5 + lean, y - size * 0.35, (size * 0.62, size * 0.26), shade(colour, 0.9), 0.75)
    else:
        drawing.flat(
            [(x - size * 0.45, y + size * 0.25), (x - size * 0.1 + lean, y - size), (x + size * 0.45, y + size * 0.25)],
            colour,
        )


def _head(drawing: Drawing, rng: RandomSource, build: Build, at: Spot, droop: float) -> None:
    """Head in profile; `droop` is how far the muzzle points below the horizontal, radians."""
    x, y = at
    coat, r = build.coat, build.head
    ear_y = y - r * 0.75
    _ear(drawing, build, (x + r * 0.15, ear_y), shade(coat.base, 0.7), 0.03)
    if build.antlers:
        _antlers(drawing, rng, build.antlers, (x - r * 0.1, y - r * 0.8))
    drawing.oval(x, y, (r * 1.05, r), coat.base)
    reach = r * 0.75 + build.muzzle
    tip = (x + math.cos(droop) * reach, y + math.sin(droop) * reach + r * 0.12)
    drawing.limb(
        [(x + r * 0.1, y + r * 0.1, r * 0.75), (*tip, build.muzzle_width)], mix(coat.base, coat.muzzle, 0.25), 3
    )
    drawing.oval(*tip, (build.muzzle_width, build.muzzle_width * 0.95), coat.muzzle)
    if build.hoof:
        drawing.oval(tip[0] + build.muzzle_width * 0.3, tip[1], (build.muzzle_width * 0.3,) * 2, NOSE)
    else:
        drawing.oval(tip[0] + build.muzzle_width * 0.6, tip[1] - build.muzzle_width * 0.35, (0.034, 0.028), NOSE)
    drawing.oval(x + r * 0.42, y - r * 0.22, (r * 0.17, r * 0.17), (24, 20, 20))
    _ear(drawing, build, (x - r * 0.3, ear_y), coat.base if build.ear != "flop" else coat.dark, -0.02)


def _neck_and_head(drawing: Drawing, rng: RandomSource, build: Build, root: Spot, angle: float) -> None:
    drawing.focus = True
    x, y = root
    width = build.neck_width
    at = (x + math.cos(angle) * build.neck, y - math.sin(angle) * build.neck)
    middle = ((x + at[0]) / 2 + 0.02, (y + at[1]) / 2 + 0.01)
    drawing.limb([(x - 0.02, y + 0.03, width * 1.35), (*middle, width * 1.02), (*at, width * 0.78)], build.coat.base)
    droop = rng.uniform(0.05, 0.4) if not build.hoof else rng.uniform(0.35, 0.85)
    if angle < 0:
        droop = rng.uniform(0.7, 1.2)
    _head(drawing, rng, build, at, droop)
    if build.mane:
        back = (-math.sin(angle) * width * 0.85, -math.cos(angle) * width * 0.85)
        path = [
            (x - 0.06 + back[0], y + back[1] * 0.7, 0.05),
            (middle[0] + back[0], middle[1] + back[1], 0.065),
            (at[0] + back[0] * 0.8, at[1] + back[1] * 0.9 - 0.02, 0.05),
            (at[0] + 0.06, at[1] - build.head * 0.85, 0.03),
        ]
        drawing.limb(path, build.coat.dark)
    drawing.focus = False


def standing(rng: RandomSource, build: Build, head_up: bool = False) -> Drawing:
    """Standing, walking, running or grazing, seen from the side, looking right."""
    drawing = Drawing()
    top = -(build.leg + build.depth * 0.42)  # height of the middle of the trunk
    half = build.depth / 2
    stride = rng.choice((0.08, 0.25, 0.45, 0.75)) * rng.uniform(0.6, 1.0)
    swings = [stride * s * rng.uniform(0.6, 1.1) for s in (1, -1, -1, 1)]
    hip, shoulder = (-0.42, top + half * 0.35), (0.42, top + half * 0.45)
    _leg(drawing, build, (hip[0] + 0.06, hip[1]), swings[0], hind=True, near=False)
    _leg(drawing, build, (shoulder[0] + 0.05, shoulder[1]), swings[1], hind=False, near=False)
    _tail(drawing, rng, build, (-0.5 - half * 0.6, top - half * 0.35), 0.0)
    lift = rng.uniform(-0.03, 0.03)
    trunk = [
        (-0.46, top + lift, half * 0.93),
        (-0.1, top + 0.03, half * 0.88),
        (0.25, top, half),
        (0.46, top - lift, half * 0.86),
    ]
    drawing.limb(trunk, build.coat.base)
    drawing.limb([(-0.3, top + half * 0.62, half * 0.2), (0.3, top + half * 0.72, half * 0.2)], build.coat.belly, 2)
    _pattern(drawing, rng, build, (0.0, top), half)
    _leg(drawing, build, hip, swings[2], hind=True, near=True)
    _leg(drawing, build, shoulder, swings[3], hind=False, near=True)
    grazing = build.hoof and not head_up and rng.chance(0.2)
    angle = -rng.uniform(0.5, 1.0) if grazing else build.neck_angle
    if not build.hoof and not head_up and rng.chance(0.12):
        angle = -0.3
    _neck_and_head(drawing, rng, build, (0.5, top - half * 0.4), angle)
    return drawing


def lying(rng: RandomSource, build: Build) -> Drawing:
    """Lying on the ground, legs folded or stretched forward."""
    drawing = Drawing()
    half = build.depth / 2
    top = -half * 1.05
    _tail(drawing, rng, replace(build, tail="thin" if build.tail == "brush" else build.tail), (-0.55, top + 0.05), 0.0)
    trunk = [(-0.42, top, half), (0.0, top, half * 0.92), (0.4, top - 0.06, half)]
    drawing.limb(trunk, build.coat.base)
    _pattern(drawing, rng, build, (0.0, top), half)
    width = build.leg_width
    drawing.oval(-0.36, top + half * 0.3, (0.22, half * 0.72), shade(build.coat.base, 0.92))
    for x0, x1, tone in ((0.42, 0.85, 0.75), (0.36, 0.76, 0.95), (-0.32, 0.02, 0.9)):
        drawing.limb([(x0, -width * 1.6, width * 1.3), (x1, -width, width)], shade(build.coat.sock, tone), 2)
    _neck_and_head(drawing, rng, build, (0.48, top - half * 0.45), max(0.5, build.neck_angle))
    return drawing


def sitting(rng: RandomSource, build: Build) -> Drawing:
    """A cat or dog sitting upright, seen from the side."""
    drawing = Drawing()
    half, width = build.depth / 2, build.leg_width
    chest = (0.2, -0.34 - build.leg * 0.85)
    _tail(drawing, rng, build, (-0.45, -0.1), 0.0)
    drawing.limb(
        [(chest[0] + 0.08, chest[1], width * 1.5), (0.3, -0.2, width), (0.34, -width, width)],
        shade(build.coat.sock, 0.7),
    )
    drawing.limb([(-0.24, -half, half * 1.08), (0.0, -0.42, half), (*chest, half * 0.85)], build.coat.base)
    drawing.limb([(0.18, -0.3, half * 0.3), (chest[0] + 0.1, chest[1], half * 0.5)], build.coat.belly, 2)
    if build.coat.pattern != "spots":
        _pattern(drawing, rng, build, (-0.12, -0.4), half)
    drawing.oval(-0.2, -half * 0.85, (half * 0.95, half * 0.8), shade(build.coat.base, 0.93))
    drawing.limb([(-0.12, -width, width * 1.05), (0.1, -width, width)], build.coat.sock, 2)
    drawing.limb(
        [(chest[0], chest[1] + 0.1, width * 1.5), (0.2, -0.2, width * 1.05), (0.22, -width, width)], build.coat.sock
    )
    drawing.oval(0.26, -width * 0.7, (width * 1.5, width * 0.8), build.coat.sock)
    _neck_and_head(drawing, rng, build, (chest[0], chest[1] - half * 0.3), max(0.9, build.neck_angle))
    return drawing


PET_SCENES = {
    "cat": {
        "room": 5.5,
        "meadow": 1.2,
        "plain": 1.2,
        "town": 1.3,
        "earth": 0.6,
        "leaves": 0.4,
        "street": 0.5,
        "snow": 0.3,
    },
    "dog": {
        "room": 2.6,
        "meadow": 3.6,
        "plain": 1.0,
        "town": 1.2,
        "earth": 0.8,
        "leaves": 0.3,
        "street": 0.8,
        "snow": 0.6,
    },
    "deer": {"forest": 3.2, "meadow": 4.2, "snow": 0.8, "earth": 0.6, "leaves": 0.6, "plain": 0.3},
    "horse": {"meadow": 5.0, "forest": 0.8, "earth": 1.2, "snow": 0.4, "town": 1.2, "street": 0.5, "plain": 0.5},
}
BUILDERS = {"cat": cat_build, "dog": dog_build, "deer": deer_build, "horse": horse_build}


def animal(rng: RandomSource, kind: str) -> Subject:
    """A cat, dog, deer or horse in some view and pose."""
    build = BUILDERS[kind](rng)
    fur = rng.uniform(0.03, 0.1)
    scenes = PET_SCENES[kind]
    if build.hoof:
        view = rng.weighted(
            {
                "standing": 6,
                "lying": 0.6 if kind == "deer" else 0.25,
                "bust": 1.5,
                "face": 0.8 if kind == "deer" else 0.2,
            }
        )
    else:
        cat = kind == "cat"
        view = rng.weighted(
            {"standing": 2.0 if cat else 3.2, "sitting": 1.8, "lying": 1.2, "front": 2.3, "face": 2.3, "bust": 0.6}
        )
    if view == "face":
        return Subject(face(rng, build), scenes, stands=False, fur=fur, size=(0.78, 1.1), tilt=0.15)
    if view == "front":
        return Subject(front_view(rng, build), scenes, fur=fur, size=(0.74, 1.02))
    if view == "bust":
        return Subject(
            standing(rng, build, head_up=True), scenes, stands=False, fur=fur, size=(0.7, 1.0), close_up=True
        )
    draw = {"lying": lying, "sitting": sitting, "standing": standing}[view]
    return Subject(draw(rng, build), scenes, fur=fur, size=(0.74, 1.02))
