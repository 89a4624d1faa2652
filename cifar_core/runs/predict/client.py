"""Predicts pictures with the networks of runs: starts the prediction server and sends it the pictures.

The server is `cifar_core.runs.predict.server`, a process that loads torch, so that this one need not.
"""

import json
import struct
import subprocess
import threading
from pathlib import Path

import numpy as np

from cifar_core.errors import RunError
from cifar_core.processes import Program, child_environment, command_of
from cifar_core.runs.imported.no_network import require_own_network
from cifar_core.runs.listing import read_run
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.result_checks import check_weights
from cifar_core.runs.run import Run
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace

_COUNT = struct.Struct("<I")


class PredictorProcess:
    """The process that has torch and the networks used last; one serves any number of runs and threads.

    It starts with `start()`, else with the first prediction, and again where it has died; that takes some seconds. It
    ends with `close()` or with this process. A prediction takes milliseconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, so that it has loaded torch when the first pictures come; returns at once.

        Raises:
            OSError: it could not be started.
        """
        if self._lock.acquire(blocking=False):  # else another thread is predicting, and starts it itself
            try:
                self._ensure()
            finally:
                self._lock.release()

    def predict(self, run_dir: Path, epoch: int, images: np.ndarray) -> np.ndarray:
        """Probabilities float32 [N * K] by the network of an epoch for pictures uint8 [N, 3, 32, 32].

        Raises:
            OSError: the process could not be reached, or it could not load the network.
        """
        head = json.dumps({"run_dir": str(run_dir), "epoch": epoch, "count": len(images)}).encode()
        with self._lock:
            process = self._ensure()
            try:
                return _exchange(process, _COUNT.pack(len(head)) + head + np.ascontiguousarray(images).tobytes())
            except BaseException:  # half a request or half an answer may be left in its pipes
                self._end()
                raise

    def close(self) -> None:
        """End the process; the next prediction starts another one."""
        with self._lock:
            self._end()

    def _ensure(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = _start()
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None


class Predictor:
    """The best network of a run at the time of its making. Threads can share it."""

    def __init__(self, workspace: Workspace, run_id: str, helper: PredictorProcess) -> None:
        """Find the network.

        Raises:
            RunError: no such run, it has no finished epoch yet, or its weights cannot be used.
        """
        run, self._epoch = require_network(workspace, run_id)
        assert run.dataset is not None
        self.class_names = run.dataset.class_names
        self._run_id, self._folder, self._helper = run.id, run_folder(workspace, run.id).path, helper

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
        try:
            answer = self._helper.predict(self._folder, self._epoch, images)
        except OSError as error:
            raise RunError(
                f"The network of run {self._run_id} could not be loaded or did not answer ({error})."
            ) from error
        if not np.isfinite(answer).all():
            raise RunError(
                f"The network of run {self._run_id} gives values that are not numbers: its weights are too large. "
                "Train it again."
            )
        return answer.reshape(len(images), len(self.class_names))


def require_network(workspace: Workspace, run_id: str) -> tuple[Run, int]:
    """A run whose best network can be used, and the epoch of that network.

    Raises:
        RunError: no such run, it has no network or no finished epoch yet, or its weights cannot be used.
    """
    run = read_run(workspace, run_id)
    require_own_network(run)
    if run.dataset is None or run.best is None:
        raise RunError(f"Run {run_id} has no finished epoch yet, so it has no network that could predict.")
    try:
        check_weights(
            as_stored(run_folder(workspace, run.id)), run.best.epoch, run.config.model, len(run.dataset.class_names)
        )
    except ValueError as error:
        raise RunError(f"The network of run {run_id} cannot be used: {error}. Train it again.") from error
    return run, run.best.epoch


def _start() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command_of(Program.PREDICTION_SERVER),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
    )


def _exchange(process: "subprocess.Popen[bytes]", request: bytes) -> np.ndarray:
    to_process, from_process = process.stdin, process.stdout
    assert to_process is not None and from_process is not None  # both are pipes
    to_process.write(request)
    to_process.flush()
    head = from_process.read(_COUNT.size)
    if len(head) != _COUNT.size:
        raise OSError("its process ended")
    answer = from_process.read(_COUNT.unpack(head)[0])
    if len(answer) != _COUNT.unpack(head)[0]:
        raise OSError("its process ended")
    return np.frombuffer(answer, "<f4")
