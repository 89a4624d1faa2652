"""The dataset `drawn10`: pictures of the ten CIFAR-10 classes drawn by this package. Reads and writes nothing.

A picture depends only on (seed, split, index, label), never on how many are drawn, in which order or by how many
processes.
"""

import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event

import numpy as np

from cifar_core.data.drawing.animals import animal
from cifar_core.data.drawing.birds_and_airplanes import airplane, bird
from cifar_core.data.drawing.canvas import SIDE, RandomSource
from cifar_core.data.drawing.finish import render
from cifar_core.data.drawing.frogs_and_ships import frog, ship
from cifar_core.data.drawing.subject import Subject
from cifar_core.data.drawing.vehicles import automobile, truck
from cifar_core.errors import DataError
from cifar_core.jobs.progress import CancelledError

CLASS_NAMES: tuple[str, ...] = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
DRAWN_SPLITS: tuple[str, ...] = ("train", "test")
_CHUNK = 250  # pictures a process draws before it reports
_DRAWERS: dict[str, Callable[[RandomSource], Subject]] = {
    "airplane": airplane,
    "automobile": automobile,
    "bird": bird,
    "frog": frog,
    "ship": ship,
    "truck": truck,
}

OnDrawn = Callable[[int, int], None]
OnPictures = Callable[[np.ndarray], None]
Task = tuple[str, int, np.ndarray]  # split, index of the first picture, labels
_cancelled: Event | None = None  # in a drawing process: set when its pictures are no longer needed


def _derived_seed(*parts: object) -> int:
    """A 64-bit seed derived from the text of `parts`, the same on every machine."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _draw_one(seed: int, split: str, index: int, label: int) -> np.ndarray:
    """One picture, uint8 [3, 32, 32]."""
    rng = RandomSource(_derived_seed("drawn10", seed, split, index, label))
    name = CLASS_NAMES[label]
    subject = _DRAWERS[name](rng) if name in _DRAWERS else animal(rng, name)
    return render(subject, rng)


def _draw_from(seed: int, split: str, first: int, labels: np.ndarray) -> np.ndarray:
    """Pictures `first`, `first` + 1, ...; uint8 [N, 3, 32, 32]. At module level, so that a process can import it."""
    pictures = np.empty((len(labels), 3, SIDE, SIDE), dtype=np.uint8)
    for i, label in enumerate(labels):
        if _cancelled is not None and _cancelled.is_set():
            raise CancelledError("Drawing was cancelled.")
        pictures[i] = _draw_one(seed, split, first + i, int(label))
    return pictures


def _check(seed: int, split: str) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise DataError(f"The seed of drawn10 must be a whole number, not {seed!r}.")
    if split not in DRAWN_SPLITS:
        raise DataError(f"drawn10 has the splits train and test, not {split!r}.")


def draw_pictures(label_of_each: np.ndarray, *, seed: int, split: str) -> np.ndarray:
    """Draw one picture per label, in this process.

    Args:
        label_of_each: class indices 0..9, [N].
        seed: any whole number; the embedded dataset uses 0.
        split: `train` or `test`.

    Returns:
        uint8 [N, 3, 32, 32]; picture i depends only on (seed, split, i, label i).

    Raises:
        DataError: a label, seed or split outside what is allowed.
    """
    _check(seed, split)
    labels = np.asarray(label_of_each)
    if labels.ndim != 1 or (labels.size and labels.dtype.kind not in "iu"):
        raise DataError(f"Labels must be whole numbers in one row, not {labels.dtype} of shape {labels.shape}.")
    if labels.size and (labels.min() < 0 or labels.max() >= len(CLASS_NAMES)):
        raise DataError(f"Labels must lie in 0..{len(CLASS_NAMES) - 1}, not {labels.min()}..{labels.max()}.")
    return _draw_from(int(seed), split, 0, labels)


def balanced_labels(seed: int, split: str, count: int) -> np.ndarray:
    """Labels in random order, int64 [count]; each block of ten holds every class once, whatever the count."""
    classes = len(CLASS_NAMES)
    blocks = [
        np.random.RandomState(_derived_seed("labels", seed, split, block) & 0xFFFFFFFF).permutation(classes)
        for block in range(-(-count // classes))
    ]
    return np.concatenate([np.empty(0, dtype=np.int64), *blocks]).astype(np.int64)[:count]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_worker(cancelled: Event) -> None:
    """Set up a drawing process: it ends when its parent has ended, even if that was killed, and stops once cancelled.

    The pool alone would do neither. Its workers wait for work on a pipe that they themselves hold open, so they do not
    notice the end of the parent; and they finish a task they have begun, which takes a second or more. A worker that is
    killed instead may leave half a result in the pipe, and the pool would wait for ever for the other half.
    """
    global _cancelled
    _cancelled = cancelled
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent handles it
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_with_parent, args=[parent], name="end after the parent", daemon=True).start()


def _exit_with_parent(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _draw_in_pool(seed: int, tasks: list[Task], workers: int, done: Callable[[Task, np.ndarray], None]) -> None:
    """Draw the tasks in `workers` new processes; `done` is called in this process as each finishes."""
    context = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang
    cancelled = context.Event()
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(cancelled,)) as pool:
        futures: dict[Future[np.ndarray], Task] = {pool.submit(_draw_from, seed, *task): task for task in tasks}
        try:
            for future in as_completed(futures):
                done(futures[future], future.result())
        except BaseException:  # on cancelling, do not wait until the rest is drawn
            cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def generate(
    seed: int = 0,
    train: int = 10_000,
    test: int = 2_000,
    progress: OnDrawn | None = None,
    workers: int | None = None,
    show: OnPictures | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw the whole dataset, on all cores.

    Args:
        seed: any whole number; the embedded dataset uses 0.
        train: number of training pictures.
        test: number of test pictures.
        progress: called with (pictures drawn, pictures in all) as they come.
        workers: processes; all cores when None. The pictures do not depend on it.
        show: called with the pictures that were just drawn, uint8 [N, 3, 32, 32]; the first ten show each class once.

    Returns:
        Training images uint8 [train, 3, 32, 32] and labels int64 [train], then the same for the test part.

    Raises:
        DataError: the seed is not a whole number, or a count is negative.
    """
    _check(seed, "train")
    if train < 0 or test < 0:
        raise DataError(f"drawn10 cannot have {min(train, test)} pictures: give 0 or more.")
    labels = {split: balanced_labels(seed, split, count) for split, count in (("train", train), ("test", test))}
    images = {split: np.empty((len(part), 3, SIDE, SIDE), dtype=np.uint8) for split, part in labels.items()}
    tasks: list[Task] = [
        (split, i, part[i : i + _CHUNK]) for split, part in labels.items() for i in range(0, len(part), _CHUNK)
    ]
    remaining = {(task[0], task[1]) for task in tasks}
    drawn = 0

    def done(task: Task, pictures: np.ndarray) -> None:
        nonlocal drawn
        split, first, _ = task
        images[split][first : first + len(pictures)] = pictures
        remaining.discard((split, first))
        drawn += len(pictures)
        if show is not None:
            show(pictures)
        if progress is not None:
            progress(drawn, train + test)

    workers = min(workers or _cores(), len(tasks))
    if workers > 1 and not multiprocessing.current_process().daemon:  # a daemonic process may not have children
        try:
            _draw_in_pool(seed, tasks, workers, done)
        except (BrokenProcessPool, OSError):  # without processes the same pictures are drawn, only slower
            drawn = train + test - sum(len(task[2]) for task in tasks if (task[0], task[1]) in remaining)
    for task in tasks:
        if (task[0], task[1]) in remaining:
            done(task, _draw_from(seed, *task))
    return images["train"], labels["train"], images["test"], labels["test"]
