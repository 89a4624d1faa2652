"""Runs of schemas 1 and 2: read as if they were of the present schema, and carried over to it.

They kept the predictions of the test part in `predictions.npz` (best epoch, with labels and ids) and `history/` (every
epoch), and none of the validation part; schema 1 had one file of weights. Whoever reads a run's arrays or weights asks
`as_stored` for its folder, whoever continues it calls `carry_over` first. Beside this module, `transfer.manifest` knows
the names in an old zip, and `training.checkpoints` the only checkpoint of schema 1.
"""

import contextlib
from pathlib import Path
from typing import Any

from cifar_core.errors import DataError, StorageError
from cifar_core.lifecycle.life_folder import CONFIG
from cifar_core.runs.epoch_log import read_lines
from cifar_core.runs.run import RUN_SCHEMA
from cifar_core.runs.run_folder import MOST_BYTES, RunFolder
from cifar_core.runs.sample_files import Samples, read_samples, samples_content
from cifar_core.storage.atomic import link_or_copy, make_folder, new_folder, remove, remove_folder, write_atomic
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.train import EARLIEST, MeasuredSplit, best_line


class OldFolder(RunFolder):
    """The folder of a run of schema 1 or 2, whose files have other names."""

    def samples(self, split: MeasuredSplit) -> Path:
        """`predictions.npz`, which holds more than labels and ids."""
        return self.path / "predictions.npz" if split == "test" else super().samples(split)

    def sample_arrays(self, split: MeasuredSplit, *, seen: bool = False) -> list[str]:
        """The names of the arrays in `samples`; those of the best epoch are in its file too."""
        more = ["class_names.npy", "epoch.npy", "probs.npy"] if split == "test" else []
        return sorted([*super().sample_arrays(split, seen=seen), *more])

    def probs(self, split: MeasuredSplit, epoch: int) -> Path:
        """Test probabilities float32 [N, K] after one epoch."""
        return self.path / "history" / f"test-{epoch:04d}.npy" if split == "test" else super().probs(split, epoch)

    @property
    def only_weights(self) -> Path:
        """The only file of weights in a run of schema 1, whatever its best epoch is."""
        return self.path / "best.safetensors"

    def weights(self, epoch: int) -> Path:
        """The weights of the best epoch."""
        current = super().weights(epoch)
        return self.only_weights if self.only_weights.exists() and not current.exists() else current


def as_stored(folder: RunFolder) -> RunFolder:
    """The folder with the names that its files have in the schema that its `config.json` gives."""
    with contextlib.suppress(OSError, ValueError):
        if _is_old(read_json(folder.text_of(CONFIG), max_bytes=MOST_BYTES[CONFIG])):
            return OldFolder(folder.path)
    return folder


def _is_old(content: Any) -> bool:
    """Whether the content of a `config.json` is of an earlier schema."""
    version = content.get("schema_version") if isinstance(content, dict) else None
    return type(version) is int and 1 <= version < RUN_SCHEMA


def upgraded(content: Any) -> Any:
    """The content of a `config.json` with the fields of the present schema; `schema_version` stays what it is."""
    if not _is_old(content):
        return content
    fields = {"first_schema": content["schema_version"], "epoch_rule": EARLIEST, "origin": "trained"}
    renamed = {"parent": content.get("made_from", ""), "identity": content.get("origin", "")}
    return {name: value for name, value in content.items() if name != "made_from"} | fields | renamed


def carry_over(folder: RunFolder) -> None:
    """Make a run of an earlier schema one of the present schema, whole or not at all.

    The files get their new names beside the old ones; the run is of the present schema from the moment its
    `config.json` says so, and the old names are removed after that. Of a damaged `predictions.npz` nothing is kept:
    training and recomputing write labels and ids again. The caller holds the lock of the training process.

    Raises:
        StorageError: the disk refused; the run is of the one schema or of the other.
    """
    try:
        content = read_json(folder.text_of(CONFIG), max_bytes=MOST_BYTES[CONFIG])
    except (OSError, ValueError) as error:
        raise StorageError(f"The config.json of run {folder.run_id} cannot be read ({error}).") from error
    old = OldFolder(folder.path)
    if _is_old(content):
        _write_new_names(old)
        write_json(folder.config, {**upgraded(content), "schema_version": RUN_SCHEMA})
    for path in (old.samples("test"), old.only_weights):
        remove(path)
    history = old.probs("test", 1).parent
    if history.is_dir() and not history.is_symlink():
        remove_folder(history, "removing the predictions of the earlier schema")


def _write_new_names(old: OldFolder) -> None:
    new = RunFolder(old.path)
    best = best_line(read_lines(old)[0], EARLIEST)
    if best is not None and old.weights(best.epoch) != new.weights(best.epoch):
        make_folder(new.weights(best.epoch).parent)
        link_or_copy(old.weights(best.epoch), new.weights(best.epoch))
    if new.predictions.is_dir():  # by a process that was killed
        remove_folder(new.predictions, "removing unfinished predictions")
    with new_folder(new.predictions) as temp:
        for path in sorted(old.probs("test", 1).parent.glob("test-[0-9][0-9][0-9][0-9].npy")):
            if path.is_file() and not path.is_symlink():
                link_or_copy(path, temp / path.name)
        found = _samples(old)
        if found is not None:
            write_atomic(temp / new.samples("test").name, samples_content(found))


def _samples(old: OldFolder) -> Samples | None:
    """Labels and ids of the test part; None where their file is missing or damaged."""
    try:
        with storage_errors("reading predictions.npz", to="read"):
            return read_samples(old.samples("test"))
    except (ValueError, DataError):
        return None
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
