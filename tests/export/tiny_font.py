"""A TrueType font of one letter, so that tests do not depend on the fonts of their machine."""

import struct
from pathlib import Path

_EM = 1000  # units of the grid on which glyphs are drawn


def write_font(path: Path, characters: str) -> Path:
    """Write a font in which each of the characters is a wide bar, and any other a narrow one."""
    glyphs = [_bar(300), _bar(900)]
    tables = {
        b"cmap": _character_map(characters),
        b"glyf": b"".join(glyphs),
        b"head": struct.pack(
            *(">4I2H2q4h2H3h", 0x10000, 0, 0, 0x5F0F3CF5, 0, _EM, 0, 0, 0, 0, _EM, _EM, 0, 8, 2, 1, 0)
        ),
        b"hhea": struct.pack(">I3hH11hH", 0x10000, _EM, 0, 0, _EM, *[0] * 11, len(glyphs)),
        b"hmtx": struct.pack(">4H", _EM, 0, _EM, 0),
        b"loca": struct.pack(">3I", 0, len(glyphs[0]), len(glyphs[0]) * 2),
        b"maxp": struct.pack(">I14H", 0x10000, len(glyphs), 4, 1, *[0] * 11),
    }
    place, directory = 12 + 16 * len(tables), struct.pack(">I4H", 0x10000, len(tables), 64, 2, 0)
    for tag, content in tables.items():
        directory += struct.pack(">4s3I", tag, 0, place, len(content))
        place += len(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(directory + b"".join(tables.values()))
    return path


def _bar(width: int) -> bytes:
    """A glyph of one rectangle."""
    corners = [(0, 0), (width, 0), (width, 700), (0, 700)]
    steps = zip([(0, 0), *corners], corners, strict=False)
    moves = [(x - before_x, y - before_y) for (before_x, before_y), (x, y) in steps]
    outline = struct.pack(">5h2H4B", 1, 0, 0, width, 700, 3, 0, 1, 1, 1, 1)
    glyph = (
        outline + b"".join(struct.pack(">h", x) for x, _ in moves) + b"".join(struct.pack(">h", y) for _, y in moves)
    )
    return glyph + b"\0" * (-len(glyph) % 4)


def _character_map(characters: str) -> bytes:
    """The table that gives each of the characters the second glyph."""
    groups = b"".join(struct.pack(">3I", ord(char), ord(char), 1) for char in sorted(set(characters)))
    subtable = struct.pack(">2H3I", 12, 0, 16 + len(groups), 0, len(set(characters))) + groups
    return struct.pack(">4HI", 0, 1, 3, 10, 12) + subtable
