"""What four-legged animals look like: proportions and coats of cats, dogs, deer and horses, as seeded choices."""

from dataclasses import dataclass

from cifar_core.data.drawing.canvas import Colour, RandomSource, mix, shade

SHORTEST_DOG = 0.09  # muzzles of cats are shorter than this, those of dogs longer
CAT_COLOURS: tuple[Colour, ...] = (
    (150, 140, 128), (200, 138, 78), (56, 54, 56), (222, 218, 212), (118, 116, 116), (142, 138, 134), (170, 156, 136),
)  # fmt: skip
DOG_COLOURS: tuple[Colour, ...] = (
    (186, 142, 92), (120, 82, 54), (54, 48, 46), (224, 216, 200), (208, 172, 120), (150, 108, 74), (132, 124, 116),
)  # fmt: skip
DEER_COLOURS: tuple[Colour, ...] = ((158, 114, 72), (138, 100, 68), (178, 132, 84), (120, 96, 74), (148, 122, 94))
HORSE_COLOURS: tuple[Colour, ...] = (
    (122, 76, 46), (92, 58, 40), (152, 98, 58), (50, 44, 42), (212, 206, 198), (146, 138, 130), (176, 128, 80),
)  # fmt: skip


@dataclass(frozen=True)
class Coat:
    """Colours of a fur."""

    base: Colour
    belly: Colour
    dark: Colour  # ears, mane, stripes, saddle
    sock: Colour  # lower legs
    muzzle: Colour
    pattern: str  # plain, stripes, patches, saddle, spots


@dataclass(frozen=True)
class Build:
    """Proportions; the length of the back is 1."""

    depth: float  # height of the trunk
    leg: float  # length of the legs
    leg_width: float
    neck: float  # length
    neck_width: float
    neck_angle: float  # above the horizontal, radians
    head: float  # radius
    muzzle: float  # length in front of the head
    muzzle_width: float
    ear: str  # point, flop, leaf
    ear_size: float
    tail: str  # thin, brush, stub, hair
    antlers: float  # size, 0 for none
    mane: bool
    hoof: bool
    coat: Coat


def _cat_coat(rng: RandomSource) -> Coat:
    base = rng.tint(rng.choice(CAT_COLOURS), 16)
    white = rng.chance(0.35)
    pale = (236, 230, 222) if white else shade(base, 1.15)
    dark = shade(base, rng.uniform(0.45, 0.75))
    pattern = rng.weighted({"stripes": 4.5, "plain": 3.5, "patches": 1.2, "saddle": 0.4})
    return Coat(base, pale, dark, pale if rng.chance(0.5) else base, mix(base, pale, rng.random()), pattern)


def _dog_coat(rng: RandomSource) -> Coat:
    base = rng.tint(rng.choice(DOG_COLOURS), 16)
    white = rng.chance(0.3)
    pale = (236, 228, 216) if white else shade(base, 1.12)
    dark = shade(base, rng.uniform(0.4, 0.8))
    pattern = rng.weighted({"plain": 4.5, "saddle": 2.0, "patches": 2.2, "stripes": 0.2})
    return Coat(base, pale, dark, pale if rng.chance(0.5) else base, mix(base, pale, rng.random()), pattern)


def cat_build(rng: RandomSource) -> Build:
    """A cat: round head, short muzzle, pointed ears, thin tail; some are stocky or long-faced, like small dogs."""
    return Build(
        depth=rng.uniform(0.32, 0.46),
        leg=rng.uniform(0.3, 0.5),
        leg_width=rng.uniform(0.06, 0.085),
        neck=rng.uniform(0.08, 0.22),
        neck_width=rng.uniform(0.12, 0.17),
        neck_angle=rng.uniform(0.4, 1.0),
        head=rng.uniform(0.18, 0.24),
        muzzle=rng.uniform(0.03, SHORTEST_DOG),
        muzzle_width=rng.uniform(0.07, 0.11),
        ear="point",
        ear_size=rng.uniform(0.14, 0.21),
        tail=rng.weighted({"thin": 5, "brush": 1}),
        antlers=0.0,
        mane=False,
        hoof=False,
        coat=_cat_coat(rng),
    )


def dog_build(rng: RandomSource) -> Build:
    """A dog of any breed: longer muzzle, hanging or pointed ears; toy breeds come close to cats."""
    toy = rng.chance(0.22)
    return Build(
        depth=rng.uniform(0.34, 0.5),
        leg=rng.uniform(0.3, 0.46) if toy else rng.uniform(0.42, 0.58),
        leg_width=rng.uniform(0.06, 0.1),
        neck=rng.uniform(0.12, 0.27),
        neck_width=rng.uniform(0.12, 0.18),
        neck_angle=rng.uniform(0.4, 1.1),
        head=rng.uniform(0.16, 0.22) if toy else rng.uniform(0.14, 0.19),
        muzzle=rng.uniform(SHORTEST_DOG, 0.18) if toy else rng.uniform(0.15, 0.27),
        muzzle_width=rng.uniform(0.085, 0.13),
        ear="point" if rng.chance(0.18) else "flop",
        ear_size=rng.uniform(0.13, 0.21),
        tail=rng.weighted({"brush": 3, "thin": 2, "stub": 1}),
        antlers=0.0,
        mane=False,
        hoof=False,
        coat=_dog_coat(rng),
    )


def deer_build(rng: RandomSource) -> Build:
    """A deer: slender, long thin legs, leaf-shaped ears, white rump; half of them bear antlers."""
    base = rng.tint(rng.choice(DEER_COLOURS), 14)
    pale = mix(base, (236, 226, 208), rng.uniform(0.35, 0.75))
    pattern = "spots" if rng.chance(0.25) else "plain"
    return Build(
        depth=rng.uniform(0.34, 0.44),
        leg=rng.uniform(0.66, 0.9),
        leg_width=rng.uniform(0.04, 0.062),
        neck=rng.uniform(0.38, 0.56),
        neck_width=rng.uniform(0.085, 0.13),
        neck_angle=rng.uniform(0.7, 1.3),
        head=rng.uniform(0.095, 0.12),
        muzzle=rng.uniform(0.15, 0.21),
        muzzle_width=rng.uniform(0.045, 0.065),
        ear="leaf",
        ear_size=rng.uniform(0.13, 0.2),
        tail="stub",
        antlers=rng.uniform(0.35, 0.7) if rng.chance(0.34) else 0.0,
        mane=False,
        hoof=True,
        coat=Coat(base, pale, shade(base, 0.6), shade(base, rng.uniform(0.7, 1.0)), shade(base, 0.75), pattern),
    )


def horse_build(rng: RandomSource) -> Build:
    """A horse or a foal: deep trunk, strong neck with a mane, long face, tail of hair."""
    base = rng.tint(rng.choice(HORSE_COLOURS), 14)
    hair = base if rng.chance(0.4) else rng.tint(rng.choice(((40, 34, 32), (60, 44, 34), (206, 188, 150))))
    sock = (228, 224, 216) if rng.chance(0.25) else shade(base, rng.uniform(0.6, 1.0))
    slim = rng.chance(0.32)
    return Build(
        depth=rng.uniform(0.38, 0.44) if slim else rng.uniform(0.42, 0.54),
        leg=rng.uniform(0.64, 0.82),
        leg_width=rng.uniform(0.05, 0.065) if slim else rng.uniform(0.06, 0.085),
        neck=rng.uniform(0.42, 0.6),
        neck_width=rng.uniform(0.12, 0.15) if slim else rng.uniform(0.14, 0.19),
        neck_angle=rng.uniform(0.45, 1.1),
        head=rng.uniform(0.11, 0.135),
        muzzle=rng.uniform(0.2, 0.3),
        muzzle_width=rng.uniform(0.06, 0.085),
        ear="point",
        ear_size=rng.uniform(0.07, 0.1),
        tail="hair",
        antlers=0.0,
        mane=rng.chance(0.9),
        hoof=True,
        coat=Coat(
            base,
            shade(base, rng.uniform(0.9, 1.1)),
            hair,
            sock,
            shade(base, 0.75),
            "patches" if rng.chance(0.18) else "plain",
        ),
    )
