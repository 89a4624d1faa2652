"""The built-in dataset: reproducible from its seed, balanced, varied, neither trivial nor too hard."""

import hashlib
import importlib
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
import psutil
import pytest
from sklearn.neighbors import NearestCentroid

from cifar_core.data.drawing import CLASS_NAMES, draw_pictures, generate
from cifar_core.data.sources.own.importing import CIFAR_CLASSES
from cifar_core.errors import DataError
from cifar_core.jobs.progress import CancelledError
from tests.conftest import ROOT
from tests.lifecycle.conftest import until

DRAWING = importlib.import_module("cifar_core.data.drawing.generate")  # the package's `generate` is the function
LABELS = np.tile(np.arange(10), 4)
# SHA-256 of draw_pictures(LABELS, seed=0, split="test").
# If it changes, drawn10 changes for everybody: say so in the notes.
SAMPLE_SHA256 = "d2e5e09c6546d46599f4787e80b1b87671362427816457badd1d296c8cd1acf9"


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    """Forty pictures, four of each class."""
    return draw_pictures(LABELS, seed=0, split="test")


@pytest.fixture(scope="module")
def small() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """600 training and 200 test pictures, drawn here without other processes."""
    return generate(seed=0, train=600, test=200, workers=1)


def test_class_names_are_those_of_cifar10() -> None:
    assert CLASS_NAMES == CIFAR_CLASSES


def test_shapes_and_types(sample: np.ndarray) -> None:
    assert sample.shape == (40, 3, 32, 32)
    assert sample.dtype == np.uint8
    assert draw_pictures(np.empty(0, dtype=int), seed=0, split="train").shape == (0, 3, 32, 32)


def test_the_built_in_pictures_have_not_changed(sample: np.ndarray) -> None:
    assert hashlib.sha256(np.ascontiguousarray(sample).tobytes()).hexdigest() == SAMPLE_SHA256


def test_the_same_seed_draws_the_same_bytes(sample: np.ndarray) -> None:
    np.testing.assert_array_equal(draw_pictures(LABELS, seed=0, split="test"), sample)


def test_a_picture_does_not_depend_on_its_neighbours(sample: np.ndarray) -> None:
    np.testing.assert_array_equal(draw_pictures(LABELS[:13], seed=0, split="test"), sample[:13])
    other = LABELS.copy()
    other[::2] = 7
    np.testing.assert_array_equal(draw_pictures(other, seed=0, split="test")[1::2], sample[1::2])


@pytest.mark.parametrize(("seed", "split"), [(1, "test"), (0, "train"), (-1, "test"), (2**70, "test")])
def test_another_seed_or_split_draws_other_pictures(sample: np.ndarray, seed: int, split: str) -> None:
    other = draw_pictures(LABELS, seed=seed, split=split)
    assert all((other[i] != sample[i]).any() for i in range(len(LABELS)))


def test_generate_does_not_depend_on_the_processes_or_the_count(
    small: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    seen: list[tuple[int, int]] = []
    images, labels, test_images, test_labels = generate(
        seed=0, train=300, test=20, progress=lambda done, total: seen.append((done, total)), workers=2
    )
    np.testing.assert_array_equal(images, small[0][:300])
    np.testing.assert_array_equal(labels, small[1][:300])
    np.testing.assert_array_equal(test_images, small[2][:20])
    np.testing.assert_array_equal(test_labels, small[3][:20])
    assert [total for _, total in seen] == [320] * len(seen)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1][0] == 320


def test_generate_draws_what_draw_pictures_draws(small: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(small[2], draw_pictures(small[3], seed=0, split="test"))


@pytest.mark.slow
def test_generate_inside_another_process(small: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        images = pool.submit(generate, 0, 20, 10, None, 2).result(60)[0]
        np.testing.assert_array_equal(images, small[0][:20])


def test_without_processes_the_same_pictures_are_drawn(
    monkeypatch: pytest.MonkeyPatch, small: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
) -> None:
    def broken_pool(seed: int, tasks: list[Any], workers: int, done: Callable[..., None]) -> None:
        split, _, labels = tasks[0]
        done(tasks[0], draw_pictures(labels, seed=seed, split=split))
        raise BrokenProcessPool("killed")

    monkeypatch.setattr(DRAWING, "_draw_in_pool", broken_pool)
    seen: list[int] = []
    images = generate(seed=0, train=300, test=50, progress=lambda done, _: seen.append(done), workers=2)[0]
    np.testing.assert_array_equal(images, small[0][:300])
    assert seen == [250, 300, 350]


GENERATE = """
from cifar_core.data.drawing import generate
generate(0, 200_000, 0, lambda done, total: print(done, flush=True), workers=2)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_nothing_is_left_of_a_killed_process() -> None:
    """Its workers end, whether they are drawing or waiting."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", GENERATE], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline()
        below = psutil.Process(parent.pid).children(recursive=True)
        workers = [child for child in below if any("spawn_main" in argument for argument in child.cmdline())]
        assert len(workers) == 2
        parent.kill()
    end = time.monotonic() + 20
    while running := [worker for worker in workers if _is_alive(worker)]:
        if time.monotonic() > end:
            for worker in running:
                worker.kill()
            pytest.fail(f"{len(running)} workers outlived the process that started them")
        time.sleep(0.05)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_classes_are_balanced_and_mixed(small: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> None:
    for labels, each in ((small[1], 60), (small[3], 20)):
        assert labels.dtype == np.int64
        assert np.bincount(labels, minlength=10).tolist() == [each] * 10
    assert len({tuple(block) for block in small[1].reshape(-1, 10).tolist()}) > 54  # (blocks of ten, ten)


def test_no_two_pictures_are_the_same(small: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> None:
    pictures = [picture.tobytes() for picture in (*small[0], *small[2])]
    assert len(set(pictures)) == len(pictures)


def test_pictures_use_the_range_of_light(small: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> None:
    spread = small[0].std(axis=(1, 2, 3))
    assert spread.min() > 4
    assert 90 < small[0].mean() < 165
    assert small[0].min() < 10
    assert small[0].max() > 245


def test_classes_differ_but_not_by_colour_alone(small: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> None:
    """A classifier that knows only the mean picture of each class beats chance (0.10) and stays far from good."""
    train, train_labels, test, test_labels = small
    model = NearestCentroid().fit(train.reshape(len(train), -1), train_labels)  # [N, 3072]
    accuracy = (model.predict(test.reshape(len(test), -1)) == test_labels).mean()
    assert 0.2 < accuracy < 0.6


@pytest.mark.parametrize("labels", [np.array([10]), np.array([-1]), np.array([0.5]), np.array([[1]])])
def test_bad_labels_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(DataError, match="Labels must"):
        draw_pictures(labels, seed=0, split="train")


def test_bad_seed_split_and_count_are_refused() -> None:
    with pytest.raises(DataError, match="whole number"):
        draw_pictures(LABELS, seed=0.5, split="train")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="not 'validation'"):
        draw_pictures(LABELS, seed=0, split="validation")
    with pytest.raises(DataError, match="cannot have -1 pictures"):
        generate(train=-1)


@pytest.mark.fault(93)
def test_cancelling_leaves_no_drawing_process() -> None:
    """The first process draws one picture; those of the second would take a minute."""
    tasks = [("train", 0, LABELS[:1]), ("train", 1, np.tile(LABELS, 1500))]

    def cancel(*_picture: object) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        DRAWING._draw_in_pool(0, tasks, 2, cancel)
    until(lambda: not multiprocessing.active_children(), "the drawing processes are gone", timeout=20.0)
