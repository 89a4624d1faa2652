"""A run's network as a function of pictures, computed in a helper process so that this one needs no torch."""

import struct
import subprocess
import sys
import threading

import numpy as np

from cifar_core.errors import RunError
from cifar_core.processes import child_environment
from cifar_core.runs.folder import run_folder
from cifar_core.runs.sealed import DamagedError, read_sealed
from cifar_core.runs.store import read_run
from cifar_core.workspace import Workspace


class Predictor:
    """The best network of a run. Starting takes some seconds in the background; answers then take milliseconds.

    Safe to share between threads. Its helper process ends with `close()` or with this process.
    """

    def __init__(self, workspace: Workspace, run_id: str) -> None:
        """Start the helper.

        Raises:
            RunError: no such run, or it has no finished epoch yet.
        """
        run = read_run(workspace, run_id)
        folder = run_folder(workspace, run.id)
        if run.dataset is None or run.best is None:
            raise RunError(f"Run {run_id} has no finished epoch yet, so there is no network to ask.")
        try:
            read_sealed(folder.weights(run.best.epoch), required=False)
        except DamagedError as error:
            raise RunError(f"The best weights of run {run_id} cannot be used: {error}. Train it again.") from error
        self.class_names = run.dataset.class_names
        self._run_id = run.id
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "cifar_core.runs.inference", f"--run-dir={folder.path}",
             f"--epoch={run.best.epoch}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=child_environment(),
        )  # fmt: skip

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Class probabilities of pictures.

        Args:
            images: uint8 [N, 3, 32, 32].

        Returns:
            float32 [N, K]; each row sums to 1.

        Raises:
            RunError: another shape or type, or the helper process ended.
        """
        if images.dtype != np.uint8 or images.shape[1:] != (3, 32, 32):
            raise RunError(f"The network takes uint8 pictures [N, 3, 32, 32], not {images.dtype} {images.shape}.")
        wanted = len(images) * len(self.class_names) * 4
        source, target = self._process.stdin, self._process.stdout
        assert source is not None and target is not None  # both are pipes
        with self._lock:
            try:
                source.write(struct.pack("<I", len(images)) + np.ascontiguousarray(images).tobytes())
                source.flush()
                answer = target.read(wanted)
            except (OSError, ValueError) as error:  # ValueError: closed
                raise RunError(f"The network of run {self._run_id} could not be asked ({error}).") from error
        if len(answer) != wanted:
            raise RunError(f"The network of run {self._run_id} could not be loaded or gave no answer.")
        return np.frombuffer(answer, "<f4").reshape(len(images), len(self.class_names))

    def close(self) -> None:
        """End the helper process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=30)
