"""Text that people typed, such as names and file names: what of it can be shown, and the known name it may mean.

Also the natural order of names, and times, shares and sizes as text. Reads and writes nothing.
"""

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

MB = 1024 * 1024  # bytes
_JOINERS = "\u200c\u200d"  # invisible themselves, but emoji and some scripts need them
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³")}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
FOLDER_NAME_RULE = "1 to 64 small letters a-z, digits and hyphens, beginning with a letter or digit"
_HISSING = re.compile(r"(s|x|sh|(?<!po)ch)$")  # nouns that end so take -es; the ch of epoch is a k
_DIGITS = re.compile(r"(\D*)(\d*)")
_LONGEST = 200  # characters of a name that are compared with known ones
# Units of a time to come, in seconds: its name, the longest time that is said in it, and the steps it is rounded to,
# each with the value from which it holds.
_UNITS = (
    ("s", 1, 90, ((60, 10), (10, 5), (0, 1))),
    ("min", 60, 5400, ((30, 5), (5, 1), (0, 0.5))),
    ("h", 3600, math.inf, ((10, 1), (0, 0.5))),
)
_SLACK = 0.1  # of a step, by which rounding may cut a range
_SHORTEST = 5  # seconds; shorter times to come are not told apart
# What a formula in a spreadsheet can begin with; the full-width characters count in East Asian ones.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")
_SURPLUS = 16  # only this many times the allowed length is read: a name of megabytes takes no longer than a long one


def can_be_shown(text: str) -> bool:
    """Whether every character of a text is visible: no line break, control or direction mark, no lone surrogate."""
    return text.isprintable() or all(char.isprintable() or char in _JOINERS for char in text)


def some_lines(text: object, longest: int) -> str:
    """A text of several lines, each as by `one_line`, of at most `longest` characters in all."""
    start = str(text)[: _SURPLUS * longest]
    joined = "\n".join(one_line(line, longest) for line in start.splitlines())
    return joined if len(joined) <= longest else joined[: longest - 1] + "…"


def one_line(text: object, longest: int = 100) -> str:
    """A text on one line of at most `longest` characters: invisible ones become spaces, a cut text ends in `…`."""
    whole = str(text)
    start = whole[: _SURPLUS * longest]
    seen = start if can_be_shown(start) else "".join(char if can_be_shown(char) else " " for char in start)
    line = " ".join(seen.split())
    return line if len(line) <= longest and len(start) == len(whole) else line[: longest - 1] + "…"


def clean_text(text: str, what: str, longest: int, error: type[Exception], *, lines: bool = False) -> str:
    """A text that a person typed, without spaces around it.

    Args:
        text: as it was typed.
        what: its name in the error.
        longest: characters that it may have.
        error: is raised where it is too long or holds control characters.
        lines: whether it may have several lines.
    """
    text = text.strip()
    if len(text) > longest:
        raise error(f"The {what} has {len(text):,} characters; {longest:,} are allowed.")
    if not can_be_shown(text.replace("\n", "") if lines else text):
        raise error(f"The {what} holds a line break or another character that cannot be shown: remove it.")
    return text


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """` (did you mean 'quick'?)`, for a sentence about a name that is not `known`; empty where none is near."""
    by_text = {item.lower(): item for item in known}
    close = difflib.get_close_matches(str(name)[:_LONGEST].lower(), by_text, n=1, cutoff=0.5)
    return f" (did you mean {by_text[close[0]]!r}?)" if close else ""


def natural_key(text: str) -> tuple[tuple[tuple[str, int, str], ...], str]:
    """The key that sorts names as people count: img2, IMG3, img10; case is ignored, and the text itself breaks ties.

    Decimal digits of every script count as numbers; a number of any length takes no longer than its digits.
    """
    pieces = []
    for words, digits in _DIGITS.findall(unicodedata.normalize("NFC", text).casefold()):
        number = "".join(str(unicodedata.decimal(digit)) for digit in digits).lstrip("0")
        pieces.append((words, len(number), number))
    return tuple(pieces), text


def clock(seconds: float | None) -> str:
    """Seconds as `0:31`, `12:05`, `1:02:03`; an ellipsis where they are not known."""
    if seconds is None:
        return "…"
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def range_words(low: float, high: float) -> str:
    """A time to come that is known within bounds: `40 to 60 s`, `1 to 2 min`, `under 5 s`, `about 60 s`.

    The lower bound is rounded down and the upper one up (but for a tenth of a step), so that the words hold what the
    numbers hold. A lower bound too short for the unit of the upper one has its own: `25 s to 2 min`.

    Args:
        low: seconds, from 0.
        high: seconds, at least `low`.
    """
    high = max(high, _SHORTEST)
    place = next(number for number, item in enumerate(_UNITS) if high <= item[2])
    unit = _UNITS[place][0]
    least, most = _rounded(low, place, math.floor), _rounded(high, place, math.ceil)
    if least >= most:
        return f"about {most:,g} {unit}"
    if high > _SHORTEST and least > 0:
        return f"{least:,g} to {most:,g} {unit}"
    finer = place - 1
    if finer >= 0 and low >= _UNITS[finer][1] * _SHORTEST:
        return f"{_rounded(low, finer, math.floor):,g} {_UNITS[finer][0]} to {most:,g} {unit}"
    return f"under {most:,g} {unit}"


def _rounded(seconds: float, place: int, way: Callable[[float], int]) -> float:
    """A time in a unit of the table, rounded to its steps; a tenth of a step more or less is not said."""
    _, size, _, steps = _UNITS[place]
    value = seconds / size
    step = next(step for start, step in steps if value >= start)
    return way(value / step + (_SLACK if way is math.floor else -_SLACK)) * step


def no_pictures(split: str) -> str:
    """What stands in place of a score that no picture defines: `no test pictures`."""
    return f"no {split} pictures"


def counted(count: int, noun: str) -> str:
    """A number with its noun: `1 run`, `2,000 runs`, `10 classes`."""
    ending = "" if count == 1 else "es" if _HISSING.search(noun) else "s"
    return f"{count:,} {noun}{ending}"


def first_names(names: Sequence[str]) -> str:
    """The first five of some names: `cat, dog`, `a, b, c, d, e and 3 more`."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")


def is_folder_name(text: str) -> bool:
    """Whether a text may be the id of a run or the name of a dataset, which name their folders (`FOLDER_NAME_RULE`).

    Names that Windows reserves for devices are refused on every system.
    """
    return _NAME.fullmatch(text) is not None and not is_device_name(text)


def is_device_name(text: str) -> bool:
    """Whether Windows reserves this file name for a device: `con`, `lpt1`, in any case, any extension (`NUL.txt`)."""
    return text.partition(".")[0].strip().lower() in _DEVICES


def whole_percent(share: float) -> str:
    """A share as text, rounded to whole per cent; only an exact 0 or 1 reads "0 %" or "100 %"."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def percent(share: float) -> str:
    """A share as text with one decimal; only an exact 0 or 1 reads "0.0 %" or "100.0 %"."""
    if 0 < share < 0.0005:
        return "<0.1\u00a0%"
    if 0.9995 <= share < 1:
        return ">99.9\u00a0%"
    return f"{100 * share:.1f}\u00a0%"


def times_in_100(count: int, n: int) -> str:
    """`76 times in 100`: how often something holds, of n > 0; never `100 times` or `0 times` where that is rounded."""
    times = round(100 * count / n)
    if times == 100 and count < n:
        return "more than 99 times in 100"
    if times == 0 and count:
        return "less than once in 100"
    return f"{times} {'time' if times == 1 else 'times'} in 100"


def size_text(size: int) -> str:
    """Bytes as people read them: `12 kB`, `3.4 MB`, `1.2 GB` (1 MB = 1,048,576 bytes)."""
    if size < MB:
        return f"{-(-size // 1024):,} kB"
    return f"{size / MB:,.1f} MB" if size < 1024 * MB else f"{size / 1024 / MB:,.1f} GB"


def guarded_cell(text: str) -> str:
    """A text as a cell in which a spreadsheet runs no formula: with an apostrophe in front where it could be one."""
    return f"'{text}" if text.startswith(_RISKY) else text


def original_cell(cell: str) -> str:
    """A text cell as it was before `guarded_cell`; one written elsewhere as it is."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_RISKY) else cell
