"""Answers pictures with class probabilities of runs' networks: `python -m cifar_core.runs.predict.server`, over its pipes.

The helper of `cifar_core.runs.predict.client`: it keeps torch out of the server. It reads the length of a head (4 bytes), the head
(JSON: `run_dir`, `epoch`, `count`) and count pictures of 3072 bytes from its input, writes the length of the answer (4 bytes)
and count x classes float32 to its output, and ends when its input closes, or when a network cannot be loaded.
"""

import functools
import json
import struct
import sys
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from cifar_core.config import Precision
from cifar_core.data import usable_std
from cifar_core.errors import RunError
from cifar_core.models.network import create_model
from cifar_core.runs.hashed_tensors import read_hashed
from cifar_core.runs.records import read_training_record, run_config
from cifar_core.runs.results import read_lines
from cifar_core.runs.run_folder import RunFolder
from cifar_core.runs.tensor_limits import most_weights
from cifar_core.train.device import computing_in, has_fast_bfloat16
from cifar_core.train.predict import judged_by, probabilities

PICTURE_BYTES = 3 * 32 * 32
_NETWORKS = 3  # kept: some MB each, but 0.6 GB the largest that the settings allow
_COUNT = struct.Struct("<I")


class Network:
    """The weights of one epoch of a run, with what its pictures go through first."""

    def __init__(self, folder: RunFolder, epoch: int) -> None:
        facts, config = read_training_record(folder), run_config(folder)
        if facts is None:
            raise RunError(f"Run {folder.run_id} has not opened its data yet.")
        classes = len(facts.dataset.class_names)
        self._net = create_model(config.model, classes)
        content, _ = read_hashed(folder.weights(epoch), most_weights(config.model, classes), required=False)
        self._net.load_state_dict(safetensors.torch.load(content))
        self._net.eval()
        self._mean, self._std = (
            torch.tensor(part).reshape(3, 1, 1) * 255 for part in (facts.dataset.mean, usable_std(facts.dataset.std))
        )
        looks = next((line.looks for line in read_lines(folder)[0] if line.epoch == epoch), None)
        self._data = judged_by(config.data, looks)  # so that it answers as it was judged
        self._precision: Precision = facts.precision if has_fast_bfloat16() else "float32"

    def answer(self, pixels: np.ndarray) -> np.ndarray:
        """Probabilities float32 [count, classes] of pictures uint8 [count, 3, 32, 32]."""
        with torch.no_grad():
            images = (torch.from_numpy(pixels).float() - self._mean) / self._std
            with computing_in(self._precision, images.device):
                return probabilities(self._net, images, self._data).numpy().astype("<f4")


@functools.lru_cache(maxsize=_NETWORKS)
def _network(run_dir: str, epoch: int, saved_at: int) -> Network:
    """The network, kept as long as its file is the same: a run of a deleted one's name may have come in its place."""
    return Network(RunFolder(Path(run_dir)), epoch)


def main() -> int:
    """Answer until the input closes."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while len(length := source.read(_COUNT.size)) == _COUNT.size:
        head = json.loads(source.read(_COUNT.unpack(length)[0]))
        pixels = np.frombuffer(source.read(head["count"] * PICTURE_BYTES), np.uint8).reshape(-1, 3, 32, 32)
        weights = RunFolder(Path(head["run_dir"])).weights(head["epoch"])
        network = _network(head["run_dir"], head["epoch"], weights.stat().st_mtime_ns)
        answer = network.answer(pixels.copy()).tobytes()
        target.write(_COUNT.pack(len(answer)) + answer)
        target.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
