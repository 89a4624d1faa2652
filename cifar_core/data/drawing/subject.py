"""What a class's drawing code hands over: the drawing and what the scene around it needs to know."""

from dataclasses import dataclass, field

from cifar_core.data.drawing.canvas import Drawing


@dataclass
class Subject:
    """One animal or vehicle, not yet placed in a picture."""

    drawing: Drawing
    scenes: dict[str, float]  # name of a scene -> how often
    stands: bool = True  # casts a shadow on the ground below it
    fur: float = 0.0  # strength of the texture on it
    gloss: float = 0.35  # strength of light and shade on its edges
    tilt: float = 0.08  # largest random turn in the picture, radians
    size: tuple[float, float] = (0.6, 0.98)  # its longer side, as a share of the picture
    close_up: bool = False  # frame only the part in focus (a head), the rest may run out of the picture
    afloat: bool = field(default=False)  # lies in water: reflection and foam instead of a shadow
