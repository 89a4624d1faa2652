"""Cars and trucks as simple solids from any side. Units: half the length of the vehicle is 1, the road is y = 0."""

from cifar_core.data.drawing.canvas import Colour, Drawing, RandomSource, mix, shade
from cifar_core.data.drawing.solids import Camera, Profile, pane, panel, prism, upright, wheel
from cifar_core.data.drawing.subject import Subject

PAINTS: tuple[Colour, ...] = (
    (184, 40, 38), (40, 72, 140), (222, 222, 220), (52, 52, 56), (150, 154, 158), (206, 170, 44), (52, 108, 70),
    (112, 34, 44), (92, 140, 186), (214, 110, 40), (190, 178, 150), (30, 36, 52),
)  # fmt: skip
GLASS: tuple[Colour, ...] = ((46, 56, 70), (84, 104, 122), (30, 34, 42), (120, 142, 156))
HUBS: tuple[Colour, ...] = ((176, 178, 180), (120, 120, 122), (70, 70, 72), (206, 206, 204))
ROAD_SCENES = {"street": 5.0, "town": 1.8, "meadow": 1.1, "plain": 1.0, "earth": 0.5, "snow": 0.4, "forest": 0.4}
TRUCK_SCENES = {"street": 5.0, "town": 1.5, "meadow": 1.2, "plain": 0.8, "earth": 0.9, "snow": 0.4, "forest": 0.5}


def _camera(rng: RandomSource) -> Camera:
    """From the side to nearly head on or from behind, a little from above."""
    spread = rng.weighted({"side": 3.6, "corner": 4.5, "end": 0.9})
    yaw = {"side": rng.uniform(-0.25, 0.25), "corner": rng.uniform(0.35, 1.05), "end": rng.uniform(1.1, 1.5)}[spread]
    if spread != "side" and rng.chance(0.4):
        yaw = -yaw
    return Camera(yaw, rng.uniform(0.03, 0.38))


def _wheels(drawing: Drawing, camera: Camera, axles: list[float], half: float, size: tuple[float, Colour]) -> None:
    radius, hub = size
    order = sorted(axles, key=lambda x: camera.depth((x, 0.0, 0.0)))
    for x in order:
        wheel(drawing, camera, (x, radius, half if camera.sees((0.0, 0.0, 1.0)) else -half), radius, hub)


def _far_wheels(drawing: Drawing, camera: Camera, axles: list[float], half: float, size: tuple[float, Colour]) -> None:
    for x in axles:
        wheel(drawing, camera, (x, size[0], -half if camera.sees((0.0, 0.0, 1.0)) else half), size[0], size[1])


def _lamps(
    drawing: Drawing,
    camera: Camera,
    rng: RandomSource,
    front: tuple[float, float],
    rear: tuple[float, float],
    half: float,
) -> None:
    """Head lamps, grille and plate at `front` (x, y), tail lamps at `rear`."""
    for (x, y), normal, colour in ((front, 1.0, (246, 240, 206)), (rear, -1.0, (190, 26, 26))):
        if not camera.sees((normal, 0.0, 0.0)):
            continue
        for side in (-1, 1):
            z = side * half * 0.74
            corners = [
                (x, y - 0.05, z - 0.09),
                (x, y + 0.05, z - 0.09),
                (x, y + 0.05, z + 0.09),
                (x, y - 0.05, z + 0.09),
            ]
            drawing.flat(camera.flat(corners), rng.tint(colour, 8))
        low = [(x, y - 0.17, -0.16), (x, y - 0.08, -0.16), (x, y - 0.08, 0.16), (x, y - 0.17, 0.16)]
        drawing.flat(camera.flat(low), (40, 40, 42) if normal > 0 else (220, 220, 214))


def _greenhouse(rng: RandomSource, style: str) -> tuple[Profile, float]:
    """Profile of the cabin above y = 0 (rear foot, front foot, front top, rear top), and its height."""
    height = rng.uniform(0.24, 0.34)
    front_foot, front_top = rng.uniform(0.36, 0.5), rng.uniform(0.05, 0.2)
    if style == "sedan":
        rear_foot, rear_top = rng.uniform(-0.72, -0.6), rng.uniform(-0.48, -0.35)
    elif style == "coupe":
        rear_foot, rear_top = rng.uniform(-0.8, -0.62), rng.uniform(-0.25, -0.12)
        height *= 0.85
    else:  # hatchback, estate, off-roader, van
        rear_foot, rear_top = rng.uniform(-0.97, -0.9), rng.uniform(-0.9, -0.74)
        if style == "van":
            height, front_foot, front_top = rng.uniform(0.36, 0.5), rng.uniform(0.6, 0.72), rng.uniform(0.3, 0.45)
    return [(rear_foot, 0.0), (front_foot, 0.0), (front_top, height), (rear_top, height)], height


def _windows(
    drawing: Drawing, camera: Camera, profile: Profile, waist: float, half: float, look: tuple[Colour, Colour]
) -> None:
    """Glass all round a cabin: windscreen, rear window, two or three side windows. `look` = glass, paint."""
    glass, paint = look
    (rx, _), (fx, _), (ft, h), (rt, _) = profile
    panel(
        drawing,
        camera,
        [
            (rx + 0.1, waist + 0.03),
            (fx - 0.1, waist + 0.03),
            (ft - 0.03, waist + h - 0.05),
            (rt + 0.04, waist + h - 0.05),
        ],
        half,
        glass,
    )
    post = (ft + rt) / 2
    panel(
        drawing,
        camera,
        [(post - 0.03, waist), (post + 0.03, waist), (post + 0.03, waist + h), (post - 0.03, waist + h)],
        half,
        shade(paint, 0.9),
    )
    inner = half * 0.86
    pane(drawing, camera, (fx - 0.03, waist + 0.03, ft + 0.02, waist + h - 0.04), inner, glass)
    pane(drawing, camera, (rt - 0.02, waist + h - 0.05, rx + 0.03, waist + 0.05), inner, shade(glass, 0.85))


def automobile(rng: RandomSource) -> Subject:
    """A car: saloon, coupe, hatchback, off-roader or van."""
    drawing, camera = Drawing(), _camera(rng)
    style = rng.weighted({"sedan": 3.2, "coupe": 1.6, "hatch": 2.4, "jeep": 1.0, "van": 0.9})
    paint, glass = rng.tint(rng.choice(PAINTS), 16), rng.tint(rng.choice(GLASS), 10)
    radius = rng.uniform(0.17, 0.21) + (0.03 if style == "jeep" else 0.0)
    half = rng.uniform(0.38, 0.46)
    bottom = radius * 0.75
    waist = bottom + rng.uniform(0.26, 0.34) + (0.07 if style in ("jeep", "van") else 0.0)
    roof, _ = _greenhouse(rng, style)
    size = (radius, rng.choice(HUBS))
    axles = [-rng.uniform(0.56, 0.64), rng.uniform(0.58, 0.66)]
    _far_wheels(drawing, camera, axles, half, size)
    nose = rng.uniform(0.03, 0.1) if style != "jeep" else 0.02
    body = [
        (-0.96, bottom),
        (0.96, bottom),
        (1.0, waist - 0.14 - nose),
        (0.93, waist - nose),
        (0.4, waist),
        (-0.9, waist),
        (-1.0, waist - 0.1),
    ]
    prism(drawing, camera, body, half, paint)
    panel(drawing, camera, upright(-0.96, bottom, 0.97, bottom + 0.06), half, shade(paint, 0.55))
    _lamps(drawing, camera, rng, (1.0, waist - nose - 0.14), (-0.99, waist - 0.14), half)
    _wheels(drawing, camera, axles, half, size)
    cabin = [(x, y + waist) for x, y in roof]
    prism(drawing, camera, cabin, half * 0.88, paint)
    _windows(drawing, camera, roof, waist, half * 0.88, (glass, paint))
    if rng.chance(0.4):
        panel(drawing, camera, upright(-0.05, waist - 0.2, 0.0, waist - 0.02), half, shade(paint, 0.7))
    return Subject(drawing, ROAD_SCENES, gloss=0.2, tilt=0.06, size=(0.76, 1.05))


def _cab(
    drawing: Drawing,
    camera: Camera,
    rng: RandomSource,
    at: tuple[float, float, float, float],
    look: tuple[Colour, Colour],
    half: float,
) -> None:
    """A driver's cab from x0 to x1 and y0 to y1 with windscreen, side window, lamps and grille."""
    x0, x1, y0, y1 = at
    paint, glass = look
    slope = rng.uniform(0.0, 0.14)
    prism(drawing, camera, [(x0, y0), (x1, y0), (x1, y0 + (y1 - y0) * 0.5), (x1 - slope, y1), (x0, y1)], half, paint)
    middle = y0 + (y1 - y0) * 0.5
    panel(
        drawing,
        camera,
        [
            (x0 + (x1 - x0) * 0.3, middle),
            (x1 - 0.05, middle),
            (x1 - slope - 0.03, y1 - 0.07),
            (x0 + (x1 - x0) * 0.3, y1 - 0.07),
        ],
        half,
        glass,
    )
    pane(drawing, camera, (x1, middle, x1 - slope, y1 - 0.06), half * 0.86, glass)
    pane(drawing, camera, (x1, y0 + 0.1, x1, middle - 0.05), half * 0.45, shade(paint, 0.5))
    _lamps(drawing, camera, rng, (x1 + 0.005, y0 + 0.12), (-1.0, y0), half)


def _bonnet_cab(
    drawing: Drawing,
    camera: Camera,
    rng: RandomSource,
    at: tuple[float, float, float, float],
    look: tuple[Colour, Colour],
    half: float,
) -> None:
    """A cab with the engine in front of it, as on pick-ups and American lorries."""
    x0, x1, y0, y1 = at
    paint, glass = look
    split = x0 + (x1 - x0) * rng.uniform(0.48, 0.6)
    waist = y0 + (y1 - y0) * rng.uniform(0.48, 0.56)
    cabin: Profile = [(x0, 0.0), (split + 0.1, 0.0), (split - 0.08, y1 - waist), (x0 + 0.02, y1 - waist)]
    parts = [(x0, split), (split, x1)]
    prism(
        drawing,
        camera,
        [(parts[0][0], y0), (x1, y0), (x1, waist - 0.04), (split + 0.1, waist), (x0, waist)],
        half,
        paint,
    )
    prism(drawing, camera, [(x, y + waist) for x, y in cabin], half * 0.92, paint)
    _windows(drawing, camera, cabin, waist, half * 0.92, (glass, paint))
    _lamps(drawing, camera, rng, (x1 + 0.005, waist - 0.16), (-1.0, y0), half)


Extent = tuple[float, float, float, float]  # x0, y0 at the bottom, x1, y1 at the top


def _tipper(drawing: Drawing, camera: Camera, rng: RandomSource, at: Extent, half: float, paint: Colour) -> None:
    x0, y0, x1, y1 = at
    prism(drawing, camera, [(x0 + 0.1, y0), (x1, y0), (x1, y1), (x0, y1 - 0.02)], half, paint)
    heap = [(x0 + 0.15, y1 - 0.03), (x1 - 0.1, y1 - 0.03), ((x0 + x1) / 2, y1 + 0.14)]
    prism(drawing, camera, heap, half * 0.8, rng.tint((120, 96, 70), 20))
    for share in (0.25, 0.5, 0.75):
        x = x0 + (x1 - x0) * share
        panel(drawing, camera, upright(x, y0, x + 0.04, y1), half, shade(paint, 0.7))


def _tank(drawing: Drawing, camera: Camera, rng: RandomSource, at: Extent, half: float, paint: Colour) -> None:
    x0, y0, x1, y1 = at
    for low, high, wide, tone in ((0.0, 0.35, 0.8, 0.6), (0.3, 0.7, 1.0, 0.95), (0.65, 1.0, 0.8, 1.15)):
        layer = upright(x0 + 0.04, y0 + (y1 - y0) * low, x1 - 0.04, y0 + (y1 - y0) * high)
        prism(drawing, camera, layer, half * wide, shade(paint, tone))


def _flat_bed(drawing: Drawing, camera: Camera, rng: RandomSource, at: Extent, half: float, paint: Colour) -> None:
    x0, y0, x1, y1 = at
    prism(drawing, camera, upright(x0, y0, x1, y0 + 0.08), half, shade(paint, 0.7))
    for _ in range(rng.integer(1, 3)):
        left = rng.uniform(x0, x1 - 0.4)
        load = rng.tint(rng.choice(((150, 110, 70), (110, 112, 116), (96, 120, 80))))
        prism(drawing, camera, upright(left, y0 + 0.08, left + 0.4, y1 - 0.1), half * 0.8, load)


def _box(drawing: Drawing, camera: Camera, rng: RandomSource, at: Extent, half: float, paint: Colour) -> None:
    x0, y0, x1, y1 = at
    prism(drawing, camera, upright(*at), half, paint)
    if rng.chance(0.5):
        low = y0 + (y1 - y0) * rng.uniform(0.15, 0.5)
        panel(drawing, camera, upright(x0, low, x1, low + 0.14), half, mix(paint, rng.choice(PAINTS), 0.8))
    pane(drawing, camera, (x0 - 0.003, y1 - 0.06, x0 - 0.003, y0 + 0.06), half * 0.88, shade(paint, 0.72))


CARGO = {"dump": _tipper, "tank": _tank, "flat": _flat_bed, "box": _box, "van": _box}


def _pickup(drawing: Drawing, camera: Camera, rng: RandomSource, look: tuple[Colour, Colour]) -> None:
    """A light truck with an open bed: the one that comes close to a car."""
    half, radius = rng.uniform(0.38, 0.44), rng.uniform(0.19, 0.24)
    y0 = radius * 0.85
    waist = y0 + rng.uniform(0.26, 0.32)
    size = (radius, rng.choice(HUBS))
    axles = [-0.6, 0.62]
    _far_wheels(drawing, camera, axles, half, size)
    top = waist + rng.uniform(0.26, 0.34)

    def bed() -> None:
        prism(drawing, camera, [(-1.0, y0), (0.0, y0), (0.0, waist), (-1.0, waist)], half, shade(look[0], 0.97))
        inside = [
            (-0.94, waist, -half * 0.82),
            (-0.06, waist, -half * 0.82),
            (-0.06, waist, half * 0.82),
            (-0.94, waist, half * 0.82),
        ]
        drawing.flat(camera.flat(inside), shade(look[0], 0.35))
        if rng.chance(0.4):
            prism(
                drawing,
                camera,
                [(-0.8, waist), (-0.3, waist), (-0.35, waist + 0.16), (-0.75, waist + 0.16)],
                half * 0.7,
                rng.tint((130, 104, 76), 24),
            )

    def cab() -> None:
        _bonnet_cab(drawing, camera, rng, (-0.05, 1.0, y0, top), look, half)

    for part in (bed, cab) if camera.sees((1.0, 0.0, 0.0)) else (cab, bed):
        part()
    _lamps(drawing, camera, rng, (9.0, 9.0), (-1.003, waist - 0.1), half) if camera.sees((-1.0, 0.0, 0.0)) else None
    _wheels(drawing, camera, axles, half, size)


def truck(rng: RandomSource) -> Subject:
    """A lorry with box, tank, tipper or flat bed, a delivery van, or a pick-up."""
    drawing, camera = Drawing(), _camera(rng)
    look = (rng.tint(rng.choice(PAINTS), 16), rng.tint(rng.choice(GLASS), 10))
    style = rng.weighted({"box": 3.4, "dump": 1.4, "tank": 0.9, "flat": 0.9, "van": 1.0, "pickup": 1.0})
    if style == "pickup":
        _pickup(drawing, camera, rng, look)
        return Subject(drawing, TRUCK_SCENES, gloss=0.2, tilt=0.06, size=(0.76, 1.05))
    long = style in ("box", "tank", "flat") and rng.chance(0.5)  # an articulated lorry
    half = rng.uniform(0.26, 0.32) if long else rng.uniform(0.36, 0.44)
    radius = rng.uniform(0.11, 0.14) if long else rng.uniform(0.16, 0.22)
    y0 = radius * 1.2
    split = rng.uniform(0.45, 0.6) if long else rng.uniform(0.1, 0.4)
    top = y0 + (rng.uniform(0.55, 0.75) if long else rng.uniform(0.72, 1.0))
    if style == "van":
        top, y0 = y0 + rng.uniform(0.6, 0.78), radius * 0.8
    cab_top = top - (0.0 if style == "van" else rng.uniform(0.05, 0.3) * (top - y0))
    axles = [-0.82, -0.58, 0.42, 0.8] if long else [-0.62, rng.uniform(0.6, 0.72)]
    if not long and rng.chance(0.3):
        axles.append(-0.25)
    size = (radius, rng.choice(HUBS))
    _far_wheels(drawing, camera, axles, half, size)
    cab_maker = _bonnet_cab if style != "van" and rng.chance(0.4) else _cab
    gap = 0.0 if style == "van" else rng.uniform(0.02, 0.1)

    def load() -> None:
        paint = rng.tint(rng.choice(PAINTS), 20) if rng.chance(0.45) else rng.tint((222, 222, 220), 14)
        CARGO[style](drawing, camera, rng, (-1.0, y0, split - gap, top), half, paint)

    def cab() -> None:
        cab_maker(drawing, camera, rng, (split, 1.0, y0 * 0.8, cab_top), look, half)

    prism(drawing, camera, [(-0.98, y0 * 0.7), (0.98, y0 * 0.7), (0.98, y0), (-0.98, y0)], half * 0.9, (44, 44, 46))
    for part in (load, cab) if camera.sees((1.0, 0.0, 0.0)) else (cab, load):
        part()
    _wheels(drawing, camera, axles, half, size)
    return Subject(drawing, TRUCK_SCENES, gloss=0.2, tilt=0.06, size=(0.76, 1.05))
