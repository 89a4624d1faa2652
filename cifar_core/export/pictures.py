"""Save pictures with their predictions: PNG files, a table and a contact sheet, as a folder or as a ZIP.

Both write the same files (`_files`).
"""

import contextlib
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cifar_core.data.dataset import Split
from cifar_core.data.picture_formats import EXTENSIONS
from cifar_core.data.pictures import to_png
from cifar_core.errors import ConfigError, DataError, StorageError
from cifar_core.evaluate import SCORES, check_class_names
from cifar_core.export.contact_sheet import MAX_TILES, contact_sheet, drawn_names
from cifar_core.export.csv_table import table_csv
from cifar_core.jobs.progress import OnProgress, no_progress
from cifar_core.limits import LIMITS_FILE, read_limits, require_room
from cifar_core.samples import COMPARED_COLUMNS, EXPORTED_SCORES, WRONG_COLUMNS, printable, tag_texts
from cifar_core.storage.atomic import new_file, new_folder, write_atomic
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.text import MB, is_device_name, size_text
from cifar_core.workspace import Workspace

MAX_EXPORTED = 10_000  # pictures in one export
MAX_ENLARGE = 16  # 32 x 32 becomes 512 x 512
MAX_SAME_NAME = 1000  # folders with the same second and label
MAX_FILE_NAME = 200  # bytes of a file name; every file system takes 255
MAX_CLASS_PART = 40  # bytes of a class name in a file name
TABLE_FILE, SHEET_FILE = "pictures.csv", "contact-sheet.png"
CLASSES_FILE = "classes.csv"  # the names of the classes that the contact sheet calls by their numbers
_NUMBERED = f'"class N" is a class whose name no font of this machine has: {CLASSES_FILE} lists the names.'
_PICTURE_ENDING = re.compile(rf"(\.({'|'.join(EXTENSIONS)}))+$", re.IGNORECASE)
# Letters that cannot be seen, the fillers of Korean.
_INVISIBLE_LETTERS = "\u115f\u1160\u3164\uffa0"
_MEASURED = 16  # pictures from whose size that of an export is estimated
_ROW_BYTES, _CELL_BYTES = 400, 12  # per picture in the table and the directory of the ZIP, and per probability
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that the same pictures give the same bytes


@dataclass(frozen=True)
class Export:
    """The paths of a saved export."""

    folder: Path
    pictures: tuple[Path, ...]  # in rank order
    table: Path
    contact_sheet: Path


@dataclass(frozen=True)
class _Selection:
    """The checked arguments of an export."""

    split: Split
    rows: pd.DataFrame  # in rank order
    probs: np.ndarray  # [N, K], all pictures of the split
    class_names: tuple[str, ...]
    epoch: int
    enlarge: int


def save_samples(  # noqa: PLR0913 - the arguments are independent of each other
    workspace: Workspace,
    split: Split,
    selection: pd.DataFrame,
    probs: ArrayLike,
    class_names: Sequence[str],
    epoch: int,
    *,
    label: str,
    enlarge: int = 1,
    out: Path | None = None,
    progress: OnProgress = no_progress,
) -> Export:
    """Save pictures into a new folder that appears whole or not at all; nothing is ever overwritten.

    Args:
        workspace: the folder is created in its `exports`, named by time and label.
        split: has the pixels.
        selection: rows of `sample_table` in rank order; `index` is the index in `split` and `probs`.
        probs: probabilities [N, K] of the whole split.
        class_names: K names.
        epoch: whose probabilities these are; a column of the table.
        label: part of the name of the folder, such as "quiet-otter-epoch-3"; it is made file-safe.
        enlarge: each pixel becomes a square of this width, 1 to 16; 1 keeps the pixels of the dataset.
        out: the folder to write instead; it must be absent or empty.
        progress: is told each picture.

    Raises:
        ConfigError: no or more than 10,000 pictures are selected, `enlarge` is out of range, `out` is in use, or the
            export is larger than the server allows.
        DataError: the selection belongs to other pictures.
        StorageError: there is no room, or the disk refused; nothing is left behind.
    """
    checked = _check_selection(split, selection, probs, class_names, epoch, enlarge)
    require_exportable(workspace, split, selection, class_names, enlarge=enlarge)
    if out is not None:
        folder = _new_folder_path(out)
        try:
            return _save(checked, folder, progress)
        except FileExistsError as error:  # taken since the check
            raise ConfigError([_in_use(out)]) from error
    name = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{safe_name(label, 80)}"
    for attempt in range(1, MAX_SAME_NAME + 1):
        folder = workspace.exports / (name if attempt == 1 else f"{name}-{attempt}")
        if not folder.exists():
            with contextlib.suppress(FileExistsError):  # taken since the check: try the next name
                return _save(checked, folder, progress)
    raise StorageError(f"There are too many folders named {name} in {workspace.exports}: remove some.")


def require_exportable(
    workspace: Workspace, split: Split, selection: pd.DataFrame, class_names: Sequence[str], *, enlarge: int = 1
) -> int:
    """Estimate the bytes of an export from some of its pictures.

    Args:
        workspace: its limits are applied.
        split, selection, class_names, enlarge: as `save_samples`.

    Raises:
        ConfigError: it is more than `export_mb` in the limits of the server, or these are invalid.
        StorageError: there is no room.
    """
    indices = selection["index"].to_numpy()
    measured = indices[:: max(1, len(indices) // _MEASURED)]
    picture = sum(len(to_png(split.images[index], enlarge)) for index in measured) / max(1, len(measured))
    size = int(len(indices) * (picture + _ROW_BYTES + _CELL_BYTES * len(class_names)))
    limit = read_limits(workspace).export_mb * MB
    if size > limit:
        problem = (
            f"{len(indices):,} pictures of this size are about {size_text(size)}, more than the {size_text(limit)} "
            f"that one export may have (export_mb in {LIMITS_FILE}): select fewer."
        )
        raise ConfigError([problem])
    require_room(workspace, size, "The export")
    return size


def zip_samples(
    split: Split,
    selection: pd.DataFrame,
    probs: ArrayLike,
    class_names: Sequence[str],
    epoch: int,
    target: BinaryIO | Path,
    *,
    enlarge: int = 1,
) -> None:
    """Write the files of `save_samples` as a ZIP; the same selection gives the same bytes.

    Args:
        split, selection, probs, class_names, epoch, enlarge: as `save_samples`.
        target: an open binary file, or the path of a new file that appears whole or not at all.

    Raises:
        ConfigError: as `save_samples`; or the file exists.
        DataError: the selection belongs to other pictures.
        StorageError: the disk refused; no file is left.
    """
    checked = _check_selection(split, selection, probs, class_names, epoch, enlarge)
    if not isinstance(target, Path):
        with storage_errors("writing the ZIP"):
            _write_zip(checked, target)
        return
    if target.exists():
        raise ConfigError([f"{target} exists already: choose another name."])
    with storage_errors(f"writing {target.name}"), new_file(target) as handle:
        _write_zip(checked, handle)


def zip_bytes(
    split: Split, selection: pd.DataFrame, probs: ArrayLike, class_names: Sequence[str], epoch: int, *, enlarge: int = 1
) -> bytes:
    """The ZIP of `zip_samples` in memory, for a download button (about 2.5 kB a picture at `enlarge` 1).

    Raises:
        ConfigError, DataError: as `zip_samples`.
    """
    buffer = io.BytesIO()
    zip_samples(split, selection, probs, class_names, epoch, buffer, enlarge=enlarge)
    return buffer.getvalue()


def file_name(rank: int, row: Mapping[Any, Any] | pd.Series, *, digits: int = 3) -> str:
    """`rank_true-cat_pred-dog_conf-0.98_ID.png`: at most 200 bytes of UTF-8, unique by its rank.

    The id loses the ending of its own file.

    Args:
        rank: position in the selection, from 1.
        row: a row of `sample_table`.
        digits: width of the rank, so that the names sort by it.
    """
    true, predicted = safe_name(row["true"], MAX_CLASS_PART), safe_name(row["predicted"], MAX_CLASS_PART)
    start = f"{rank:0{digits}d}_true-{true}_pred-{predicted}_conf-{row['confidence']:.2f}_"
    picture = safe_name(_PICTURE_ENDING.sub("", str(row["id"])), MAX_FILE_NAME - len(start.encode()) - len(".png"))
    return f"{start}{picture}.png"


def safe_name(text: str, max_bytes: int) -> str:
    """A part of a file name: letters and digits of every script (NFC) and single dashes; never empty or a device.

    Anything else becomes a dash, which never stands at an end. Of a text that takes more bytes of UTF-8 the end is
    kept: it has the file name of the picture.
    """
    kept: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        kind = "Z" if char in _INVISIBLE_LETTERS else unicodedata.category(char)[0]
        # A mark alone would change the character before the name.
        if kind in "LN" or (kind == "M" and kept and kept[-1] != "-"):
            kept.append(char)
        elif kept and kept[-1] != "-":
            kept.append("-")
    end = "".join(kept).encode()[-max_bytes:].decode(errors="ignore")
    while end and (end[0] == "-" or unicodedata.category(end[0])[0] == "M"):
        end = end[1:]
    name = end.strip("-") or "x"
    return f"x-{name}" if is_device_name(name) else name


def count_problems(count: int) -> list[str]:
    """A sentence where one export cannot take so many pictures."""
    if 1 <= count <= MAX_EXPORTED:
        return []
    return [f"{count:,} pictures are selected, but one export takes 1 to {MAX_EXPORTED:,}."]


def _check_selection(
    split: Split, selection: pd.DataFrame, probs: ArrayLike, class_names: Sequence[str], epoch: int, enlarge: int
) -> _Selection:
    """Check the arguments of an export."""
    problems = count_problems(len(selection))
    if isinstance(enlarge, bool) or not isinstance(enlarge, int) or not 1 <= enlarge <= MAX_ENLARGE:
        problems.append(f"enlarge is {enlarge!r}, but must be a whole number from 1 to {MAX_ENLARGE}.")
    if problems:
        raise ConfigError(problems)
    all_probs = np.asarray(probs)
    if all_probs.ndim != 2 or len(all_probs) != len(split.ids):
        raise DataError(
            f"The predictions have shape {list(all_probs.shape)}, but the dataset has {len(split.ids):,} pictures."
        )
    names = check_class_names(class_names, all_probs.shape[1])
    indices = selection["index"].to_numpy()
    in_range = bool(((indices >= 0) & (indices < len(all_probs))).all())
    if not in_range or [printable(name) for name in split.ids[indices]] != selection["id"].tolist():
        raise DataError(
            "These predictions belong to another version of the dataset: train a new run on the current one."
        )
    return _Selection(split, selection.reset_index(drop=True), all_probs, names, epoch, enlarge)


def _new_folder_path(out: Path) -> Path:
    """The absolute path of `out`, at which nothing exists any more: an empty folder is removed."""
    with storage_errors(f"reading {out}"):
        if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
            raise ConfigError([_in_use(out)])
        folder = out.resolve()  # "." has no name of its own
        if folder.is_dir():
            folder.rmdir()
    return folder


def _in_use(out: Path) -> str:
    return f"{out} is in use already: give a folder that is new or empty."


def _save(checked: _Selection, folder: Path, progress: OnProgress) -> Export:
    """Write all files into `folder`, which gets its name when they are complete; FileExistsError if it is taken."""
    pictures: list[Path] = []
    with new_folder(folder) as unfinished, storage_errors(f"saving pictures to {folder}"):
        for name, content in _files(checked):
            progress("Saving", len(pictures), len(checked.rows), "pictures")
            write_atomic(unfinished / name, content, durable=False)  # there may be thousands
            if name not in (TABLE_FILE, SHEET_FILE, CLASSES_FILE):
                pictures.append(folder / name)
    return Export(folder, tuple(pictures), folder / TABLE_FILE, folder / SHEET_FILE)


def _write_zip(checked: _Selection, handle: BinaryIO) -> None:
    with zipfile.ZipFile(handle, "w") as archive:
        for name, content in _files(checked):
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.external_attr = 0o644 << 16
            # A PNG is compressed already.
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


def _files(checked: _Selection) -> Iterator[tuple[str, bytes]]:
    """All files as (name, content), one at a time to save memory: pictures, contact sheet, tables."""
    digits = max(3, len(str(len(checked.rows))))
    drawn = drawn_names(checked.class_names)
    names, tiles, captions = [], [], []
    for rank, row in enumerate(checked.rows.to_dict("records"), start=1):
        names.append(file_name(rank, row, digits=digits))
        pixels = checked.split.images[row["index"]]  # [3, 32, 32]
        if rank <= MAX_TILES:
            tiles.append(pixels)
            true, predicted = drawn[row["true_index"]], drawn[row["predicted_index"]]
            captions.append(f"{rank} · {SCORES['confidence'].text(row['confidence'])}\ntrue {true}\npred. {predicted}")
        yield names[-1], to_png(pixels, checked.enlarge)
    shown = np.unique(checked.rows.head(MAX_TILES)[["true_index", "predicted_index"]])
    numbered = any(drawn[index] != checked.class_names[index] for index in shown)
    sheet = io.BytesIO()
    contact_sheet(tiles, captions, _NUMBERED if numbered else "").save(sheet, "PNG")
    yield SHEET_FILE, sheet.getvalue()
    yield TABLE_FILE, table_csv(_table(checked, names))
    if numbered:
        yield CLASSES_FILE, table_csv(pd.DataFrame({"number": range(len(drawn)), "name": checked.class_names}))


def _table(checked: _Selection, names: list[str]) -> pd.DataFrame:
    """The rows of the CSV, in rank order."""
    rows = checked.rows
    columns: list[pd.Series] = [
        pd.Series(np.arange(1, len(rows) + 1), name="rank"),
        *(rows[name] for name in ("id", "index")),
        pd.Series(checked.epoch, rows.index, name="epoch"),
        *(rows[name] for name in ("true", "predicted")),
        *(rows[name] for name in COMPARED_COLUMNS if name in rows),
        *([tag_texts(rows)] if "tags" in rows else []),
        *(
            pd.Series(checked.probs[rows["index"].to_numpy(), column], name=f"p_{name}")
            for column, name in enumerate(checked.class_names)
        ),
        *(rows[name] for name in (*EXPORTED_SCORES, *WRONG_COLUMNS) if name in rows),
        pd.Series(names, name="file"),
    ]
    return pd.concat(columns, axis=1)
