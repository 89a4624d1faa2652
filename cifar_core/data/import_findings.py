"""What was found in a source: by a look inside before an import, and by the import itself.

Reads and writes `findings.json` and `preview.npy` in the folder of the job, where an upload lies beside them.
"""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from cifar_core.data.array_files import map_array
from cifar_core.jobs.job import JobFolder
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.json_types import Count
from cifar_core.storage.parse import parse
from cifar_core.text import MB, counted

PREVIEW_PICTURES = 12
_MAX_BYTES = 4 * MB  # a thousand classes take a quarter of it


@dataclass(frozen=True)
class Findings:
    """What was found in a source."""

    sentences: list[str] = field(default_factory=list)  # what was taken for what, then what is passed over
    problems: list[str] = field(default_factory=list)  # files that cannot be used: the first ones, and how many more
    problem_count: Count = 0  # files that cannot be used, or that were left out
    usable: Count = 0  # files of the dataset without those
    flat: bool = False  # class folders without a test part: it is to be chosen
    classes: list[str] = field(default_factory=list)  # in their order
    train: list[Count] = field(default_factory=list)  # files of each class
    valid: list[Count] = field(default_factory=list)
    test: list[Count] = field(default_factory=list)
    encodings: list[str] = field(default_factory=list)  # of the names in a zip, where several make sense: choose one
    examples: list[str] = field(default_factory=list)  # for each encoding: some names as they read in it
    imported: bool = False  # without the files that cannot be used

    @property
    def report(self) -> list[str]:
        """All that is to be said, line by line."""
        were = "was" if self.problem_count == 1 else "were"
        heading = f"{counted(self.problem_count, 'file')} {f'{were} left out' if self.imported else 'cannot be used'}:"
        return [*self.sentences, *([heading, *self.problems] if self.problem_count else [])]


def findings_file(job: JobFolder) -> Path:
    """The file in the folder of the job."""
    return job.path / "findings.json"


def upload_file(job: JobFolder) -> Path:
    """The archive that was uploaded, until it is imported or given up."""
    return job.path / "upload"


def has_upload(job: JobFolder) -> bool:
    """Whether an upload waits there; False also where the folder may not be read."""
    return os.path.lexists(upload_file(job))


def spool_folder(job: JobFolder) -> Path:
    """What an import has read so far (`sources/own/spool.py`), until it ends or is given up."""
    return job.path / "read"


def preview_file(job: JobFolder) -> Path:
    """The pictures read last, for whoever watches: `.npy`, uint8 [N, 3, 32, 32]."""
    return job.path / "preview.npy"


def write_findings(job: JobFolder, findings: Findings) -> None:
    """Write what was found; StorageError if the disk refused."""
    write_json(findings_file(job), asdict(findings), durable=False)


def read_findings(job: JobFolder) -> Findings:
    """What the last job of this folder found; nothing where it did not come so far."""
    try:
        findings = parse(Findings, read_json(findings_file(job), max_bytes=_MAX_BYTES), exact=False)
    except (OSError, ValueError):
        return Findings()
    columns = {len(findings.classes), len(findings.train), len(findings.valid), len(findings.test)}
    return findings if len(columns) == 1 and len(findings.encodings) == len(findings.examples) else Findings()


def read_preview(job: JobFolder) -> np.ndarray | None:
    """The pictures that an import has read last, uint8 [N, 3, 32, 32]; None where there are none yet."""
    try:
        pictures = map_array(preview_file(job))
    except (OSError, ValueError):
        return None
    fits = pictures.dtype == np.uint8 and pictures.ndim == 4 and pictures.shape[1:] == (3, 32, 32)
    return np.array(pictures[:PREVIEW_PICTURES]) if fits else None
