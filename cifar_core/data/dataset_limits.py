"""The rules of a dataset: array types and shapes, class names, and the limits on sizes. Reads nothing.

They are checked when a dataset is saved and when it is opened. The limits on arrays hold for runs too, since runs can
be imported from elsewhere.
"""

import numpy as np

from cifar_core.data.dataset import Split
from cifar_core.data.picture_formats import PILLOW_FORMATS
from cifar_core.errors import DataError
from cifar_core.storage.json_types import MAX_CLASS_NAME, MAX_CLASSES, MAX_PICTURES
from cifar_core.text import MB, can_be_shown, size_text

MAX_FILE_NAME = 255  # characters of the file name of a picture; no file system takes more
MAX_ID = len("train/") + MAX_CLASS_NAME + len("/") + MAX_FILE_NAME  # characters: an id is part/class/file
MAX_TEST = 1_000_000  # pictures of the test part: their predictions are held in memory
MAX_PREDICTIONS = 256 * MB  # for all test pictures after one epoch; 50,000 of 1,000 classes take 200
_CHARACTER = 4  # bytes, as NumPy stores texts


def predictions_bytes(test: int, classes: int, id_width: int) -> int:
    """Bytes of the predictions of one epoch: the label, the probabilities and the id of each test picture."""
    return test * (8 + 4 * classes + _CHARACTER * id_width)


def check_classes(class_names: tuple[str, ...]) -> None:
    """Raise DataError unless these may be the classes of a dataset."""
    if not 2 <= len(class_names) <= MAX_CLASSES or len(set(class_names)) != len(class_names):
        raise DataError(f"A dataset has 2 to {MAX_CLASSES:,} different classes; these are {len(class_names):,}.")
    for name in class_names:
        if not 0 < len(name) <= MAX_CLASS_NAME or not can_be_shown(name):
            raise DataError(f"{name[:80]!r} cannot be a class: names have 1 to {MAX_CLASS_NAME} visible characters.")


def check_split(part: str, split: Split, classes: int) -> None:
    """As `check_arrays`; also, no two pictures may have the same id."""
    check_arrays(part, split, classes)
    if not _are_different(split.ids):
        raise DataError(f"Two pictures of the {part} part have the same id.")


def _are_different(ids: np.ndarray) -> bool:
    """Whether no two of them are equal; an import has sorted them, and sorting copies them."""
    in_order = ids if (ids[1:] >= ids[:-1]).all() else np.sort(ids)
    return not (in_order[1:] == in_order[:-1]).any()


def check_arrays(part: str, split: Split, classes: int) -> None:
    """Check shapes, types, sizes and the range of the labels, without reading pictures and ids.

    Raises:
        DataError: an array breaks a rule; the message says which.
    """
    count = len(split.labels)
    if split.images.dtype != np.uint8 or split.images.shape != (count, 3, 32, 32):
        raise DataError(
            f"The {part} images are {split.images.dtype} {list(split.images.shape)}, not uint8 [{count}, 3, 32, 32]."
        )
    if split.labels.dtype != np.int64 or split.labels.ndim != 1 or count == 0:
        raise DataError(
            f"The {part} labels are {split.labels.dtype} {list(split.labels.shape)}, not int64 [N], N >= 1."
        )
    if split.ids.dtype.kind != "U" or split.ids.shape != (count,):
        raise DataError(f"The {part} ids are {split.ids.dtype} {list(split.ids.shape)}, not text [{count}].")
    _check_limits(part, count, classes, split.ids.dtype.itemsize // _CHARACTER)
    if split.labels.min() < 0 or split.labels.max() >= classes:
        raise DataError(f"The {part} labels are not all between 0 and {classes - 1}.")
    sizes = split.sizes
    if sizes is not None and (sizes.dtype != np.int32 or sizes.shape != (count, 2) or sizes.min() < 1):
        found = f"{sizes.dtype} {list(sizes.shape)}"
        raise DataError(f"The {part} sizes are {found}, not widths and heights from 1 as int32 [{count}, 2].")
    formats = split.formats
    known = len(PILLOW_FORMATS)
    if formats is not None and (formats.dtype != np.uint8 or formats.shape != (count,) or formats.max() >= known):
        found = f"{formats.dtype} {list(formats.shape)}"
        raise DataError(f"The {part} formats are {found}, not numbers below {known} as uint8 [{count}].")
    kept = split.originals
    if kept is not None and (kept.dtype != np.int64 or kept.shape != (count, 2) or kept.min() < 0):
        found = f"{kept.dtype} {list(kept.shape)}"
        raise DataError(f"The {part} originals are {found}, not starts and lengths from 0 as int64 [{count}, 2].")


def check_validation(validation: np.ndarray, train: Split, class_names: tuple[str, ...]) -> None:
    """Check the positions of a dataset's own validation pictures in its training part.

    Raises:
        DataError: they are not different positions in ascending order, or leave a class nothing to learn from.
    """
    count = len(train.labels)
    if validation.dtype != np.int64 or validation.ndim != 1 or len(validation) == 0:
        raise DataError(
            f"The validation positions are {validation.dtype} {list(validation.shape)}, not int64 [V], V >= 1."
        )
    if validation[0] < 0 or validation[-1] >= count or (np.diff(validation) <= 0).any():
        raise DataError(f"The validation positions are not ascending numbers from 0 to {count - 1}.")
    held = np.bincount(train.labels[validation], minlength=len(class_names))
    emptied = np.flatnonzero((held > 0) & (held == np.bincount(train.labels, minlength=len(class_names))))
    if len(emptied):
        raise DataError(
            f"The class {class_names[emptied[0]]} has validation pictures but no other training pictures: "
            "add training pictures of it, or leave its validation pictures out."
        )


def _check_limits(part: str, count: int, classes: int, id_width: int) -> None:
    most = MAX_TEST if part == "test" else MAX_PICTURES
    if count > most:
        raise DataError(f"The {part} part has {count:,} pictures, more than the {most:,} allowed: leave some out.")
    if id_width > MAX_ID:
        raise DataError(
            f"The {part} part has ids of {id_width:,} characters, more than the {MAX_ID} allowed: give its files "
            "shorter names."
        )
    needed = predictions_bytes(count, classes, id_width) if part == "test" else 0
    if needed > MAX_PREDICTIONS:
        raise DataError(
            f"Predictions for the {count:,} test pictures of {classes:,} classes, with ids of up to {id_width} "
            f"characters, would take {size_text(needed)} an epoch, more than the {size_text(MAX_PREDICTIONS)} allowed: "
            "leave out test pictures or shorten their names."
        )
