"""What the drawing code of a class returns: the drawing, and what the code of the scene around it needs."""

from dataclasses import dataclass

from cifar_core.data.drawing.canvas import Drawing


@dataclass
class Subject:
    """One animal or vehicle, not yet placed in a picture."""

    drawing: Drawing
    scenes: dict[str, float]  # name of a scene -> its weight
    stands: bool = True  # casts a shadow on the ground below it
    fur: float = 0.0  # strength of the texture on it
    gloss: float = 0.35  # strength of light and shade on its edges
    tilt: float = 0.08  # largest random turn in the picture, radians
    size: tuple[float, float] = (0.6, 0.98)  # its longer side, as a share of the picture
    close_up: bool = False  # frame only the part in focus (a head); the rest may lie outside the picture
    afloat: bool = False  # in water: reflection and foam instead of a shadow
