"""Runs' networks as functions of pictures, computed in a helper process so that this one needs no torch."""

import json
import struct
import subprocess
import threading
from pathlib import Path

import numpy as np

from cifar_core.errors import RunError
from cifar_core.processes import Program, child_environment, command_of
from cifar_core.runs.listing import read_run
from cifar_core.runs.run import Run
from cifar_core.runs.run_folder import run_folder
from cifar_core.runs.transfer.audit import check_weights
from cifar_core.workspace import Workspace

_COUNT = struct.Struct("<I")


class PredictorProcess:
    """The process that holds torch and the networks asked last, one for any number of runs and threads.

    It starts when it is first asked, which takes some seconds, again where it has died, and ends with `close()` or with
    this process. Answers take milliseconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, run_dir: Path, epoch: int, images: np.ndarray) -> np.ndarray:
        """What the network of an epoch says of pictures uint8 [N, 3, 32, 32]: float32 [N * K].

        Raises:
            OSError: the process could not be asked, or it could not load the network.
        """
        head = json.dumps({"run_dir": str(run_dir), "epoch": epoch, "count": len(images)}).encode()
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._end()
                self._process = _start()
            try:
                return _exchange(self._process, _COUNT.pack(len(head)) + head + np.ascontiguousarray(images).tobytes())
            except BaseException:  # half a question or half an answer may lie in its pipes
                self._end()
                raise

    def close(self) -> None:
        """End the process; the next question starts another one."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None


class Predictor:
    """The best network of a run, as it is now. Safe to share between threads."""

    def __init__(self, workspace: Workspace, run_id: str, helper: PredictorProcess) -> None:
        """Look the network up.

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
            answer = self._helper.ask(self._folder, self._epoch, images)
        except OSError as error:
            raise RunError(
                f"The network of run {self._run_id} could not be loaded or gave no answer ({error})."
            ) from error
        if not np.isfinite(answer).all():
            raise RunError(
                f"The network of run {self._run_id} gives no numbers for this: its weights are too large. Train it again."
            )
        return answer.reshape(len(images), len(self.class_names))


def require_network(workspace: Workspace, run_id: str) -> tuple[Run, int]:
    """A run whose best network can be asked, and the epoch after which that network was kept.

    Raises:
        RunError: no such run, it has no finished epoch yet, or its weights cannot be used.
    """
    run = read_run(workspace, run_id)
    if run.dataset is None or run.best is None:
        raise RunError(f"Run {run_id} has no finished epoch yet, so there is no network to ask.")
    try:
        check_weights(run_folder(workspace, run.id), run.best.epoch, run.config.model, len(run.dataset.class_names))
    except ValueError as error:
        raise RunError(f"The network of run {run_id} cannot be asked: {error}. Train it again.") from error
    return run, run.best.epoch


def _start() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command_of(Program.PREDICTION_SERVER),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=child_environment(),
    )  # fmt: skip


def _exchange(process: "subprocess.Popen[bytes]", question: bytes) -> np.ndarray:
    source, target = process.stdin, process.stdout
    assert source is not None and target is not None  # both are pipes
    source.write(question)
    source.flush()
    head = target.read(_COUNT.size)
    if len(head) != _COUNT.size:
        raise OSError("its process ended")
    answer = target.read(_COUNT.unpack(head)[0])
    if len(answer) != _COUNT.unpack(head)[0]:
        raise OSError("its process ended")
    return np.frombuffer(answer, "<f4")
