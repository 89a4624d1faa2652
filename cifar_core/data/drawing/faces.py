"""Four-legged animals from the front: the whole animal sitting or standing, or the face alone."""

from cifar_core.data.drawing.canvas import Colour, Dice, Drawing, mix, shade
from cifar_core.data.drawing.coats import Build

CAT_EYES: tuple[Colour, ...] = ((150, 170, 70), (190, 160, 60), (110, 160, 170), (120, 130, 70))
NOSE: Colour = (38, 30, 32)


def _ear_front(drawing: Drawing, build: Build, side: float, head: tuple[float, float, float]) -> None:
    """One ear; `side` is -1 or 1, `head` is x, y and radius."""
    x, y, r = head
    coat = build.coat
    size = build.ear_size / build.head * r  # ears in proportion to this head
    if build.ear == "flop":
        path = [
            (x + side * r * 0.72, y - r * 0.62, size * 0.3),
            (x + side * (r * 1.0 + size * 0.12), y - r * 0.05, size * 0.36),
            (x + side * (r * 0.98), y + size * 0.55 - r * 0.1, size * 0.24),
        ]
        drawing.limb(path, coat.dark)
    elif build.ear == "leaf":
        drawing.oval(x + side * (r * 0.8 + size * 0.45), y - r * 0.55, (size * 0.62, size * 0.3), coat.base, -side * 0.35)
        drawing.oval(x + side * (r * 0.8 + size * 0.45), y - r * 0.53, (size * 0.4, size * 0.16), coat.belly, -side * 0.35)
    else:
        tip = (x + side * (r * 0.72 + size * 0.1), y - r * 0.6 - size)
        inner, outer = (x + side * r * 0.2, y - r * 0.85), (x + side * r * 0.95, y - r * 0.3)
        drawing.flat([inner, tip, outer], coat.base)
        small = [(a * 0.55 + b * 0.45, c * 0.55 + d * 0.45) for (a, c), (b, d) in zip(
            (inner, tip, outer), ((x + side * r * 0.66, y - r * 0.62),) * 3, strict=True)]  # fmt: skip
        drawing.flat(small, mix(coat.base, (206, 150, 140), 0.55))


def _eyes(drawing: Drawing, build: Build, head: tuple[float, float, float], eye: Colour | None, size: float) -> None:
    x, y, r = head
    apart = 0.62 if build.hoof else 0.42
    for side in (-1, 1):
        where = (x + side * r * apart, y - r * (0.3 if build.hoof else 0.12))
        if eye is None:
            drawing.oval(*where, (r * size, r * size), (26, 20, 20))
        else:
            drawing.oval(*where, (r * size * 1.2, r * size), eye)
            drawing.oval(*where, (r * size * 0.5, r * size * 0.9), (18, 18, 18))
        drawing.oval(where[0] - r * 0.05, where[1] - r * 0.06, (r * 0.045, r * 0.045), (240, 240, 240))


def _head_front(drawing: Drawing, dice: Dice, build: Build, head: tuple[float, float, float]) -> None:
    """A face turned to us; x, y, radius in `head`."""
    x, y, r = head
    coat = build.coat
    if build.antlers:
        for side in (-1, 1):
            size = build.antlers / 0.11 * r * 0.9
            bow = (x + side * size * 0.55, y - r - size * 0.3)
            drawing.limb([(x + side * r * 0.4, y - r * 0.7, r * 0.16), (*bow, r * 0.13), (x + side * size * 0.5, y - r - size * 0.8, r * 0.07)], (150, 124, 96))
            drawing.limb([(*bow, r * 0.1), (x + side * size * 0.2, y - r - size * 0.6, r * 0.06)], (150, 124, 96), 2)
    if build.ear != "flop":
        for side in (-1, 1):
            _ear_front(drawing, build, side, head)
    long = build.muzzle / build.head  # 0.3 for a cat, 2 for a horse
    drawing.oval(x, y, (r * (1.02 if not build.hoof else 0.92), r * 0.95), coat.base)
    snout_y = y + r * (0.42 if not build.hoof else 0.45 + 0.55 * long)
    snout_r = build.muzzle_width / build.head * r
    if build.hoof:
        drawing.limb([(x, y, r * 0.85), (x, snout_y, snout_r * 1.1)], coat.base, 3)
        if dice.chance(0.4):
            drawing.limb([(x, y - r * 0.3, r * 0.16), (x, snout_y - r * 0.1, r * 0.12)], coat.belly, 2)
    if coat.pattern in ("patches", "saddle") and not build.hoof:
        drawing.oval(x + dice.sign() * r * 0.45, y - r * 0.2, (r * 0.42, r * 0.5), coat.dark)
    drawing.oval(x, snout_y, (snout_r * 1.05, snout_r * (0.75 + 0.25 * min(1.0, long))), mix(coat.muzzle, coat.belly, 0.4))
    if coat.pattern == "stripes":
        for side in (-0.35, 0.0, 0.35):
            drawing.limb([(x + side * r, y - r * 0.88, r * 0.07), (x + side * r * 0.8, y - r * 0.45, r * 0.05)], coat.dark, 2)
    nose_y = snout_y - snout_r * (0.35 if not build.hoof else -0.1)
    nose = (r * (0.12 + 0.1 * min(1.0, long)), r * (0.09 + 0.07 * min(1.0, long)))
    drawing.oval(x, nose_y, nose, NOSE if dice.chance(0.8) else (150, 96, 92))
    if not build.hoof:
        drawing.limb([(x, nose_y, r * 0.03), (x, nose_y + snout_r * 0.6, r * 0.03)], shade(coat.muzzle, 0.5), 2)
        if long > 0.55 and dice.chance(0.3):
            drawing.oval(x, nose_y + snout_r * 0.95, (r * 0.16, r * 0.2), (206, 110, 110))
    eye = dice.pick(CAT_EYES) if build.ear == "point" and long < 0.62 and not build.hoof else None
    _eyes(drawing, build, head, eye, 0.15 if eye else 0.13)
    if build.ear == "flop":
        for side in (-1, 1):
            _ear_front(drawing, build, side, head)
    if build.mane:
        drawing.limb([(x, y - r * 1.05, r * 0.28), (x + r * 0.12, y - r * 0.4, r * 0.14)], coat.dark, 3)


def face(dice: Dice, build: Build) -> Drawing:
    """The head alone with some neck and chest below, filling the picture."""
    drawing = Drawing()
    coat = build.coat
    if build.hoof:
        drawing.limb([(0.0, 0.4, 0.8 * build.neck_width / 0.11), (0.35, 2.8, 1.1 * build.neck_width / 0.11)], shade(coat.base, 0.82))
        drawing.focus = True
        _head_front(drawing, dice, build, (0.0, 0.0, 1.0))
        drawing.focus = False
        return drawing
    drawing.limb([(dice.uniform(-0.3, 0.3), 0.5, 0.85), (dice.uniform(-0.4, 0.4), 2.0, 1.2)], shade(coat.base, 0.85))
    drawing.oval(0.0, 1.45, (0.5, 0.6), coat.belly)
    drawing.focus = True
    _head_front(drawing, dice, build, (0.0, 0.0, 1.0))
    drawing.focus = False
    return drawing


def front_view(dice: Dice, build: Build) -> Drawing:
    """A cat or dog sitting or standing, seen from the front."""
    drawing = Drawing()
    coat, width = build.coat, build.leg_width * 1.15
    height = 0.5 + build.leg * 0.55
    wide = build.depth * dice.uniform(0.5, 0.62)
    lean = dice.uniform(-0.12, 0.12)
    if dice.chance(0.6):  # the tail shows on one side
        side = dice.sign()
        drawing.limb([(side * wide * 0.7, -0.1, 0.05), (side * (wide + 0.22), -0.08, 0.05), (side * (wide + 0.3), -0.3, 0.035)], shade(coat.base, 0.85))
    drawing.limb([(0.0, -wide * 0.85, wide * 1.08), (lean * 0.5, -height * 0.6, wide * 0.9), (lean, -height, wide * 0.62)], coat.base)
    for side in (-1, 1):
        drawing.oval(side * wide * 0.85, -wide * 0.45, (wide * 0.5, wide * 0.48), shade(coat.base, 0.9))
        drawing.oval(side * wide * 0.85, -width * 0.6, (width * 1.4, width * 0.8), coat.sock)
    drawing.oval(lean * 0.7, -height * 0.72, (wide * 0.45, height * 0.24), coat.belly)
    for side in (-1, 1):
        x = side * wide * 0.36
        drawing.limb([(x + lean * 0.6, -height * 0.65, width * 1.15), (x, -width, width)], mix(coat.base, coat.sock, 0.6), 3)
        drawing.oval(x, -width * 0.6, (width * 1.3, width * 0.8), coat.sock)
    drawing.focus = True
    _head_front(drawing, dice, build, (lean, -height - build.head * 0.75, build.head * 1.12))
    drawing.focus = False
    return drawing
