"""The prediction server: a process that answers pictures with class probabilities of runs' networks, over its pipes.

Run as `python -m cifar_core.runs.predict.server` by `cifar_core.runs.predict.client`, so that the app loads no torch.
It reads the length of a head (4 bytes), the head (JSON: `run_dir`, `epoch`, `count`) and count pictures of 3072 bytes
from its input, writes the length of the answer (4 bytes) and count x classes float32 to its output, and ends when its
input closes, or when a network cannot be loaded.
"""

import functools
import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch

from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.predict.run_network import RunNetwork
from cifar_core.runs.run_folder import RunFolder

PICTURE_BYTES = 3 * 32 * 32
_NETWORKS = 3  # kept: some MB each, but 0.6 GB the largest that the settings allow
_COUNT = struct.Struct("<I")


@functools.lru_cache(maxsize=_NETWORKS)
def _network(run_dir: str, epoch: int, saved_at: int) -> RunNetwork:
    """The network, cached by the time of its file too, because another run may have got the id of a deleted one."""
    return RunNetwork(RunFolder(Path(run_dir)), epoch)


def main() -> int:
    """Answer until the input closes."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while len(length := source.read(_COUNT.size)) == _COUNT.size:
        head = json.loads(source.read(_COUNT.unpack(length)[0]))
        pixels = np.frombuffer(source.read(head["count"] * PICTURE_BYTES), np.uint8).reshape(-1, 3, 32, 32)
        weights = as_stored(RunFolder(Path(head["run_dir"]))).weights(head["epoch"])
        network = _network(head["run_dir"], head["epoch"], weights.stat().st_mtime_ns)
        with torch.no_grad():
            answer = network(torch.from_numpy(pixels.copy())).numpy().astype("<f4").tobytes()
        target.write(_COUNT.pack(len(answer)) + answer)
        target.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
