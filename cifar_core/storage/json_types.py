"""The types of values in the JSON files of runs, datasets and jobs, each with its limits, for reading and importing.

The dataclasses that mirror those files are declared with these types, and `cifar_core.storage.parse` checks their
rules. Reads and writes nothing.
"""

import datetime
import re
from typing import Annotated

from cifar_core.storage.parse import Rule
from cifar_core.text import FOLDER_NAME_RULE, can_be_shown, is_folder_name

MAX_CLASSES = 1000  # a confusion matrix has the square of it in cells, and each test picture that many probabilities
MAX_CLASS_NAME = 64  # characters
MAX_PICTURES = 10_000_000  # of a split; they stay on the disk
_MAX_EXACT = 2**53  # every reader of JSON keeps whole numbers up to here exact
# The rounding of float32 may take a share of weighted pictures out of 0 to 1, and the loss of a sure answer below 0.
_ROUNDING = 1e-6
_FIRST_YEAR, _LAST_YEAR = 1970, 2999  # a computer without a clock starts at the first
_LONGEST_MOMENT = 40  # characters
_MOST_PACKAGES = 100
_MAX_SENTENCES, _MAX_SENTENCE = 20, 500
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{0,64}", re.ASCII)
_VERSION = re.compile(r"[0-9A-Za-z.+_-]{1,64}", re.ASCII)
_PACKAGE = re.compile(r"[a-z0-9_.-]{1,40}", re.ASCII)


def moment_of(text: str) -> datetime.datetime:
    """A moment in UTC from its ISO 8601 text.

    Raises:
        ValueError: it is not a time, has no time zone, or lies outside of the years 1970 to 2999.
    """
    try:
        moment = datetime.datetime.fromisoformat(text[: _LONGEST_MOMENT + 1])
        if moment.tzinfo is not None and len(text) <= _LONGEST_MOMENT:
            moment = moment.astimezone(datetime.UTC)
            if _FIRST_YEAR <= moment.year <= _LAST_YEAR:
                return moment
    except OverflowError:
        pass
    raise ValueError(f"{text[:_LONGEST_MOMENT]!r} is not a time with a time zone in the years 1970 to 2999")


def is_sha256(text: str) -> bool:
    """Whether a text can be a SHA-256 in hexadecimal digits."""
    return _SHA256.fullmatch(text) is not None


def _is_moment(text: str) -> bool:
    try:
        moment_of(text)
    except ValueError:
        return False
    return True


def _are_versions(found: dict[str, object]) -> bool:
    return len(found) <= _MOST_PACKAGES and all(
        _PACKAGE.fullmatch(name) and isinstance(value, str) and _VERSION.fullmatch(value)
        for name, value in found.items()
    )


def _are_some_classes(names: tuple[str, ...]) -> bool:
    return (
        len(names) <= MAX_CLASSES
        and len(set(names)) == len(names)
        and all(0 < len(name) <= MAX_CLASS_NAME and can_be_shown(name) for name in names)
    )


def _are_classes(names: tuple[str, ...]) -> bool:
    return len(names) >= 2 and _are_some_classes(names)


def whole_from(low: int, most: int = _MAX_EXACT) -> Rule:
    """A whole number in a range, both ends included."""
    return Rule(f"a whole number from {low} to {most:,}", lambda value: low <= value <= most)


Count = Annotated[int, whole_from(0)]
Ordinal = Annotated[int, whole_from(1)]  # of epochs and the like, 1-based
Amount = Annotated[float, Rule("a number from 0", lambda value: 0 <= value < _MAX_EXACT)]  # of seconds and the like
# Without an upper limit: the loss of a training that diverges passes any.
Loss = Annotated[float, Rule("a number from 0", lambda value: value >= -_ROUNDING)]
Share = Annotated[float, Rule("a number from 0 to 1", lambda value: -_ROUNDING <= value <= 1 + _ROUNDING)]
Moment = Annotated[str, Rule("a time with a time zone in the years 1970 to 2999", _is_moment)]
Sha256 = Annotated[str, Rule("a SHA-256", is_sha256)]
Commit = Annotated[str, Rule("a commit", lambda text: _COMMIT.fullmatch(text) is not None)]
Versions = Annotated[dict[str, str], Rule("packages and their versions, at most 100", _are_versions)]
FolderName = Annotated[str, Rule(f"a name of {FOLDER_NAME_RULE}", is_folder_name)]  # of a run or a dataset
PictureCount = Annotated[int, whole_from(0, MAX_PICTURES)]
GreyBits = Annotated[int, Rule("12 or 16", lambda value: value in (12, 16))]  # that a 16-bit grey picture uses
ClassNames = Annotated[
    tuple[str, ...],
    Rule(f"2 to {MAX_CLASSES:,} different names of 1 to {MAX_CLASS_NAME} visible characters each", _are_classes),
]
Sentences = Annotated[
    tuple[str, ...],
    Rule(
        f"at most {_MAX_SENTENCES} sentences of at most {_MAX_SENTENCE} characters",
        lambda texts: (
            len(texts) <= _MAX_SENTENCES and all(len(text) <= _MAX_SENTENCE and can_be_shown(text) for text in texts)
        ),
    ),
]
SomeClassNames = Annotated[
    tuple[str, ...],
    Rule(f"at most {MAX_CLASSES:,} different names of classes", _are_some_classes),
]
