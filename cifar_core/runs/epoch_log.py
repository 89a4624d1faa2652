"""The logs of a training, one line of JSON for each epoch or point, read without torch.

`metrics.jsonl` has the epochs, `within-epochs.jsonl` the accuracy that was measured in the middle of them.
"""

import contextlib
import json
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, TypeVar

import pandas as pd

from cifar_core.config import spec_of
from cifar_core.runs.run_folder import METRICS, MOST_BYTES, WITHIN_EPOCHS, RunFolder, run_folder
from cifar_core.storage.json_files import read_start
from cifar_core.train import MOST_POINTS, EpochLine, EpochPoint, epoch_line, epoch_point
from cifar_core.workspace import Workspace

_MAX_LINES = int(spec_of("epochs").high)
_MAX_LINE = 2000  # bytes; a line that this program writes has about 300
_COLUMNS = [item.name for item in fields(EpochLine)]
T = TypeVar("T")


def read_lines(folder: RunFolder) -> tuple[list[EpochLine], list[str]]:
    """The epochs logged so far, and a sentence for each line that cannot be read.

    A last line without its line break is still being written and is no fault. Of a file that is longer than that of any
    run only the beginning is read.
    """
    return _read_log(folder, METRICS, epoch_line, _MAX_LINES)


def read_points(folder: RunFolder) -> tuple[list[EpochPoint], list[str]]:
    """The accuracy measured within epochs so far, as `read_lines`; runs of earlier versions have none."""
    return _read_log(folder, WITHIN_EPOCHS, epoch_point, _MAX_LINES * MOST_POINTS)


def _read_log(folder: RunFolder, name: str, parse: Callable[[Any], T], most: int) -> tuple[list[T], list[str]]:
    """What the lines of a file say, each parsed, at most so many; and a sentence for each that cannot be read."""
    try:
        texts = read_start(folder.text_of(name), MOST_BYTES[name]).split(b"\n", most + 1)[:-1]
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"{name} cannot be read ({error.strerror})."]
    found: list[T] = []
    problems: list[str] = []
    for number, content in enumerate(_decoded(texts[:most]), start=1):
        try:
            if isinstance(content, Exception):
                raise content
            found.append(parse(content))
        except (ValueError, RecursionError) as error:
            problems.append(f"Line {number} of {name} cannot be read ({error}).")
    if len(texts) > most:
        problems.append(f"{name} has more than {most:,} lines: the rest is not read.")
    return found, problems


def _decoded(texts: list[bytes]) -> list[Any]:
    """The JSON value of each line, or the error of reading it; all are read at once where possible, which is faster."""
    with contextlib.suppress(ValueError, RecursionError):
        if max(map(len, texts), default=0) > _MAX_LINE:
            raise ValueError("one is too long")
        found = json.loads(b"[" + b",".join(texts) + b"]")
        if len(found) == len(texts):  # a damaged line such as `1, 2` gives two values
            return list(found)
    return [_decode(text) for text in texts]


def _decode(text: bytes) -> Any:
    if len(text) > _MAX_LINE:
        return ValueError(f"it has more than {_MAX_LINE:,} bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return error


def line_text(line: EpochLine | EpochPoint) -> str:
    """A line of `metrics.jsonl` or of `within-epochs.jsonl`, without its line break."""
    return json.dumps(asdict(line), allow_nan=False)


def read_metrics(workspace: Workspace, run_id: str) -> pd.DataFrame:
    """A row for each epoch, with the fields of `EpochLine` as columns; accuracies are fractions.

    What is None there is NaN here, as all that a training measures is for imported predictions.

    Raises:
        RunError: no such run.
    """
    lines, _ = read_lines(run_folder(workspace, run_id))
    frame = pd.DataFrame([[getattr(line, name) for name in _COLUMNS] for line in lines], columns=_COLUMNS)
    return frame.astype({name: "float64" for name in _COLUMNS if name != "epoch"}).astype({"epoch": "int64"})


def read_within_epochs(workspace: Workspace, run_id: str) -> pd.DataFrame:
    """The accuracy in the middle of epochs, a row for each time that it was measured, in the order of the training.

    The columns are `epoch` (float: 0.25 is a quarter of the first epoch), `accuracy` (a fraction), `pictures` (how many
    were measured, always the same ones) and `part`: `validation`, or `test` where the run has no validation part.
    Runs of earlier versions and very short epochs have no rows.

    Raises:
        RunError: no such run.
    """
    points, _ = read_points(run_folder(workspace, run_id))
    rows = [
        (point.epoch - 1 + point.batch / point.batches, point.accuracy, point.pictures, point.part)
        for point in sorted(points, key=lambda point: point.place)
    ]
    frame = pd.DataFrame(rows, columns=["epoch", "accuracy", "pictures", "part"])
    return frame.astype({"epoch": "float64", "accuracy": "float64", "pictures": "int64", "part": "object"})
