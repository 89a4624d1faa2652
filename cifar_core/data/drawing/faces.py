"""Four-legged animals from the front: the whole animal sitting or standing, or the face alone."""

from cifar_core.data.drawing.canvas import Colour, Drawing, RandomSource, mix, shade
from cifar_core.data.drawing.coats import SHORTEST_DOG, Build

CAT_EYES: tuple[Colour, ...] = ((150, 170, 70), (190, 160, 60), (110, 160, 170), (120, 130, 70))
NOSE: Colour = (38, 30, 32)
PINK: Colour = (176, 112, 106)
WHITE: Colour = (236, 232, 226)
BONE: Colour = (150, 124, 96)


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
        drawing.oval(
            x + side * (r * 0.8 + size * 0.45), y - r * 0.55, (size * 0.62, size * 0.3), coat.base, -side * 0.35
        )
        drawing.oval(
            x + side * (r * 0.8 + size * 0.45), y - r * 0.53, (size * 0.4, size * 0.16), coat.belly, -side * 0.35
        )
    else:
        tip = (x + side * (r * 0.72 + size * 0.1), y - r * 0.6 - size)
        inner, outer = (x + side * r * 0.2, y - r * 0.85), (x + side * r * 0.95, y - r * 0.3)
        drawing.flat([inner, tip, outer], coat.base)
        middle_x, middle_y = x + side * r * 0.66, y - r * 0.62
        small = [(a * 0.55 + middle_x * 0.45, b * 0.55 + middle_y * 0.45) for a, b in (inner, tip, outer)]
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


def _antlers_front(drawing: Drawing, size: float, head: tuple[float, float, float]) -> None:
    x, y, r = head
    for side in (-1, 1):
        bow = (x + side * size * 0.55, y - r - size * 0.3)
        tip = (x + side * size * 0.5, y - r - size * 0.8)
        drawing.limb([(x + side * r * 0.4, y - r * 0.7, r * 0.16), (*bow, r * 0.13), (*tip, r * 0.07)], BONE)
        drawing.limb([(*bow, r * 0.1), (x + side * size * 0.2, y - r - size * 0.6, r * 0.06)], BONE, 2)


def _marks(drawing: Drawing, rng: RandomSource, build: Build, head: tuple[float, float, float]) -> None:
    """A patch over one eye, or the M of a tabby."""
    x, y, r = head
    if build.coat.pattern in ("patches", "saddle"):
        drawing.oval(x + rng.sign() * r * 0.45, y - r * 0.2, (r * 0.42, r * 0.5), build.coat.dark)
    elif build.coat.pattern == "stripes":
        for side in (-0.35, 0.0, 0.35):
            stripe = [(x + side * r, y - r * 0.88, r * 0.07), (x + side * r * 0.8, y - r * 0.45, r * 0.05)]
            drawing.limb(stripe, build.coat.dark, 2)


def _long_face(drawing: Drawing, rng: RandomSource, build: Build, head: tuple[float, float, float]) -> None:
    """Skull and muzzle of a deer or horse."""
    x, y, r = head
    coat = build.coat
    width = build.muzzle_width / build.head * r
    end = y + r * (0.45 + 0.55 * build.muzzle / build.head)
    drawing.oval(x, y, (r * 0.92, r * 0.95), coat.base)
    drawing.limb([(x, y, r * 0.85), (x, end, width * 1.1)], coat.base, 3)
    if rng.chance(0.4):  # a blaze
        drawing.limb([(x, y - r * 0.3, r * 0.16), (x, end - r * 0.1, r * 0.12)], mix(coat.belly, WHITE, 0.5), 2)
    drawing.oval(x, end, (width * 1.1, width * 0.95), mix(coat.muzzle, coat.belly, 0.4))
    for side in (-1, 1) if build.mane else (0,):
        drawing.oval(x + side * width * 0.5, end + width * 0.1, (r * 0.15, r * 0.14), NOSE)
    _eyes(drawing, build, head, None, 0.14)
    if build.mane:
        drawing.limb([(x, y - r * 1.05, r * 0.26), (x + r * 0.1, y - r * 0.35, r * 0.13)], coat.dark, 3)


def _short_face(drawing: Drawing, rng: RandomSource, build: Build, head: tuple[float, float, float]) -> None:
    """Head and snout of a cat or dog."""
    x, y, r = head
    coat = build.coat
    long = min(1.0, build.muzzle / build.head)  # 0.2 for a cat, 1 for a hound
    snout = build.muzzle_width / build.head * r
    snout_y = y + r * 0.42
    drawing.oval(x, y, (r * 1.02, r * 0.95), coat.base)
    _marks(drawing, rng, build, head)
    drawing.oval(x, snout_y, (snout * 1.05, snout * (0.75 + 0.25 * long)), mix(coat.muzzle, coat.belly, 0.5))
    nose_y = snout_y - snout * 0.35
    cat = build.muzzle < SHORTEST_DOG
    nose = PINK if cat and rng.chance(0.55) else NOSE
    drawing.oval(x, nose_y, (r * (0.1 + 0.13 * long), r * (0.075 + 0.09 * long)), nose)
    drawing.limb([(x, nose_y, r * 0.03), (x, nose_y + snout * 0.6, r * 0.03)], shade(coat.muzzle, 0.5), 2)
    if long > 0.55 and rng.chance(0.35):
        drawing.oval(x, nose_y + snout * 0.95, (r * 0.16, r * 0.22), (206, 110, 110))
    _eyes(drawing, build, head, rng.choice(CAT_EYES) if cat else None, 0.16 if cat else 0.13)


def _head_front(drawing: Drawing, rng: RandomSource, build: Build, head: tuple[float, float, float]) -> None:
    """A face turned to the viewer; x, y, radius in `head`. It is the part of `face` and `front_view` in focus."""
    drawing.focus = True
    if build.antlers:
        _antlers_front(drawing, build.antlers / 0.11 * head[2] * 0.9, head)
    if build.ear != "flop":
        for side in (-1, 1):
            _ear_front(drawing, build, side, head)
    draw = _long_face if build.hoof else _short_face
    draw(drawing, rng, build, head)
    if build.ear == "flop":
        for side in (-1, 1):
            _ear_front(drawing, build, side, head)
    drawing.focus = False


def face(rng: RandomSource, build: Build) -> Drawing:
    """The head alone with some neck and chest below, filling the picture."""
    drawing = Drawing()
    coat = build.coat
    if build.hoof:
        width = build.neck_width / build.head
        drawing.limb([(0.0, 0.3, 0.7), (rng.uniform(-0.9, 0.9), 3.2, width * 1.1)], shade(coat.base, 0.78))
    else:
        drawing.limb([(rng.uniform(-0.3, 0.3), 0.5, 0.85), (rng.uniform(-0.4, 0.4), 2.0, 1.2)], shade(coat.base, 0.85))
        drawing.oval(0.0, 1.45, (0.5, 0.6), coat.belly)
    _head_front(drawing, rng, build, (0.0, 0.0, 1.0))
    return drawing


def front_view(rng: RandomSource, build: Build) -> Drawing:
    """A cat or dog sitting or standing, seen from the front."""
    drawing = Drawing()
    coat, width = build.coat, build.leg_width * 1.15
    height = 0.5 + build.leg * 0.55
    wide = build.depth * rng.uniform(0.5, 0.62)
    lean = rng.uniform(-0.12, 0.12)
    if rng.chance(0.6):  # the tail shows on one side
        side = rng.sign()
        drawing.limb(
            [(side * wide * 0.7, -0.1, 0.05), (side * (wide + 0.22), -0.08, 0.05), (side * (wide + 0.3), -0.3, 0.035)],
            shade(coat.base, 0.85),
        )
    drawing.limb(
        [(0.0, -wide * 0.85, wide * 1.08), (lean * 0.5, -height * 0.6, wide * 0.9), (lean, -height, wide * 0.62)],
        coat.base,
    )
    for side in (-1, 1):
        drawing.oval(side * wide * 0.85, -wide * 0.45, (wide * 0.5, wide * 0.48), shade(coat.base, 0.9))
        drawing.oval(side * wide * 0.85, -width * 0.6, (width * 1.4, width * 0.8), coat.sock)
    drawing.oval(lean * 0.7, -height * 0.72, (wide * 0.45, height * 0.24), coat.belly)
    for side in (-1, 1):
        x = side * wide * 0.36
        drawing.limb(
            [(x + lean * 0.6, -height * 0.65, width * 1.15), (x, -width, width)], mix(coat.base, coat.sock, 0.6), 3
        )
        drawing.oval(x, -width * 0.6, (width * 1.3, width * 0.8), coat.sock)
    _head_front(drawing, rng, build, (lean, -height - build.head * 0.75, build.head * 1.12))
    return drawing
