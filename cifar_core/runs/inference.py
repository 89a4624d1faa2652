"""Answers pictures with class probabilities: `python -m cifar_core.runs.inference --run-dir=DIR --epoch=N`, over its pipes.

A helper of `cifar_core.runs.predictor`: it keeps torch out of the server. It reads frames (count as 4 bytes, then count
pictures of 3072 bytes) from its input, writes count x classes float32 to its output, and ends when its input closes.
"""

import argparse
import struct
import sys
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from cifar_core.data import usable_std
from cifar_core.models.network import create_model
from cifar_core.runs.facts import read_facts, run_config
from cifar_core.runs.folder import RunFolder
from cifar_core.runs.sealed import read_sealed
from cifar_core.train.measure import probabilities

PICTURE_BYTES = 3 * 32 * 32


def main() -> int:
    """Load the run's weights, then answer until the input closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-dir", required=True, type=Path)
    parser.add_argument("--epoch", required=True, type=int, help="The epoch whose weights answer.")
    arguments = parser.parse_args()
    folder = RunFolder(arguments.run_dir)
    facts, config = read_facts(folder), run_config(folder)
    if facts is None:
        return 1
    net = create_model(config.model, len(facts.dataset.class_names))
    content, _ = read_sealed(folder.weights(arguments.epoch), required=False)
    net.load_state_dict(safetensors.torch.load(content))
    net.eval()
    mean, std = (
        torch.tensor(part).reshape(3, 1, 1) * 255 for part in (facts.dataset.mean, usable_std(facts.dataset.std))
    )
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while len(head := source.read(4)) == 4:
        (count,) = struct.unpack("<I", head)
        pixels = np.frombuffer(source.read(count * PICTURE_BYTES), np.uint8).reshape(count, 3, 32, 32)
        with torch.no_grad():
            images = (torch.from_numpy(pixels.copy()).float() - mean) / std  # [count, 3, 32, 32]
            probs = probabilities(net, images, config.data)
        target.write(probs.numpy().astype("<f4").tobytes())
        target.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
