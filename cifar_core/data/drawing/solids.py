"""Flat-sided solids seen from any side: x forward, y up, z towards the right-hand side; parallel projection."""

import math
from collections.abc import Sequence

import numpy as np

from cifar_core.data.drawing.canvas import Colour, Drawing, shade

Profile = Sequence[tuple[float, float]]  # (x, y) corners, convex, anticlockwise with y up


class Camera:
    """Turns points in space into points of a drawing. `yaw` 0 shows the right-hand side, +90 degrees the front."""

    def __init__(self, yaw: float, pitch: float, roll: float = 0.0) -> None:
        cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
        cr, sr = math.cos(roll), math.sin(roll)
        about_x = np.array([[1.0, 0.0, 0.0], [0.0, cr, -sr], [0.0, sr, cr]])
        about_y = np.array([[cy, 0.0, -sy], [0.0, 1.0, 0.0], [sy, 0.0, cy]])
        tilt = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
        self.matrix = tilt @ about_y @ about_x  # rows: right, up, towards the eye

    def flat(self, points: Sequence[tuple[float, float, float]] | np.ndarray) -> np.ndarray:
        """Points in space [n, 3] -> points of the drawing [n, 2] (y down)."""
        seen = np.asarray(points, dtype=float) @ self.matrix.T
        return seen[:, :2] * (1.0, -1.0)

    def depth(self, point: tuple[float, float, float]) -> float:
        """How near to the eye a point is; larger is nearer."""
        m = self.matrix[2]
        return float(m[0] * point[0] + m[1] * point[1] + m[2] * point[2])

    def sees(self, normal: tuple[float, float, float]) -> bool:
        """Whether a face with this outward normal is turned to the eye."""
        return self.depth(normal) > 0.02


def upright(x0: float, y0: float, x1: float, y1: float) -> Profile:
    """The profile of a box from (x0, y0) at the bottom to (x1, y1) at the top."""
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def prism(drawing: Drawing, camera: Camera, profile: Profile, half: float, colour: Colour) -> None:
    """A side profile stretched from z = -half to z = half, each face lit by where it points."""
    count = len(profile)
    for i in range(count):
        (x0, y0), (x1, y1) = profile[i], profile[(i + 1) % count]
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        normal = ((y1 - y0) / length, -(x1 - x0) / length, 0.0)
        if camera.sees(normal):
            corners = [(x0, y0, -half), (x1, y1, -half), (x1, y1, half), (x0, y0, half)]
            drawing.flat(camera.flat(corners), shade(colour, 0.82 + 0.33 * normal[1] - 0.05 * normal[0]))
    for z in (-half, half):
        if camera.sees((0.0, 0.0, z)):
            drawing.flat(camera.flat([(x, y, z) for x, y in profile]), shade(colour, 0.93))


def panel(drawing: Drawing, camera: Camera, profile: Profile, half: float, colour: Colour) -> None:
    """A polygon painted on whichever flank (z = +-half) is seen: side windows, doors, stripes."""
    for z in (-half, half):
        if camera.sees((0.0, 0.0, z)):
            drawing.flat(camera.flat([(x, y, z) for x, y in profile]), colour)


def pane(
    drawing: Drawing, camera: Camera, edge: tuple[float, float, float, float], half: float, colour: Colour
) -> None:
    """A rectangle on the sloping face from (x0, y0) at its foot to (x1, y1) at its top: windscreens, bonnets, grilles.

    `edge` = x0, y0, x1, y1, walked upwards for a face that looks forward and downwards for one that looks back.
    """
    x0, y0, x1, y1 = edge
    if camera.sees((y1 - y0, x0 - x1, 0.0)):
        drawing.flat(camera.flat([(x0, y0, -half), (x1, y1, -half), (x1, y1, half), (x0, y0, half)]), colour)


_TURN = np.linspace(0.0, 2 * math.pi, 14, endpoint=False)
_WHEEL = np.stack([np.cos(_TURN), np.sin(_TURN), np.zeros(14)], axis=1)


def wheel(drawing: Drawing, camera: Camera, at: tuple[float, float, float], radius: float, hub: Colour) -> None:
    """A wheel standing at `at` (its outer middle), facing z."""
    x, y, z = at
    outward = 1.0 if z > 0 else -1.0
    tyre = (30.0, 30.0, 32.0)
    for inset in (0.16, 0.08, 0.0):
        drawing.flat(camera.flat(_WHEEL * radius + (x, y, z - outward * inset)), tyre)
    if camera.sees((0.0, 0.0, outward)):
        drawing.flat(camera.flat(_WHEEL * (radius * 0.55) + (x, y, z)), hub)
