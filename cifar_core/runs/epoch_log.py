"""The log of a run's epochs, `metrics.jsonl`: one line of JSON for each, read without torch."""

import contextlib
import json
from dataclasses import fields
from typing import Any

import pandas as pd

from cifar_core.config import spec_of
from cifar_core.runs.run_folder import METRICS, MOST_BYTES, RunFolder, run_folder
from cifar_core.storage.json_files import read_start
from cifar_core.train import EpochLine, epoch_line
from cifar_core.workspace import Workspace

_MAX_LINES = int(spec_of("epochs").high)
_MAX_LINE = 2000  # bytes; a line that this program writes has about 300
_COLUMNS = [item.name for item in fields(EpochLine)]


def read_lines(folder: RunFolder) -> tuple[list[EpochLine], list[str]]:
    """The epochs logged so far, and a sentence for each line that cannot be read.

    A last line without its line break is still being written and is no fault. Of a file that is longer than that of any
    run only the beginning is read.
    """
    try:
        texts = read_start(folder.text_of(METRICS), MOST_BYTES[METRICS]).split(b"\n", _MAX_LINES + 1)[:-1]
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"{METRICS} cannot be read ({error.strerror})."]
    lines: list[EpochLine] = []
    problems: list[str] = []
    for number, content in enumerate(_decoded(texts[:_MAX_LINES]), start=1):
        try:
            if isinstance(content, Exception):
                raise content
            lines.append(epoch_line(content))
        except (ValueError, RecursionError) as error:
            problems.append(f"Line {number} of {METRICS} cannot be read ({error}).")
    if len(texts) > _MAX_LINES:
        problems.append(f"{METRICS} has more than {_MAX_LINES:,} lines: the rest is not read.")
    return lines, problems


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


def read_metrics(workspace: Workspace, run_id: str) -> pd.DataFrame:
    """A row for each epoch, with the fields of `EpochLine` as columns; accuracies are fractions.

    Raises:
        RunError: no such run.
    """
    lines, _ = read_lines(run_folder(workspace, run_id))
    frame = pd.DataFrame([[getattr(line, name) for name in _COLUMNS] for line in lines], columns=_COLUMNS)
    return frame.astype({name: "float64" for name in _COLUMNS if name != "epoch"}).astype({"epoch": "int64"})
