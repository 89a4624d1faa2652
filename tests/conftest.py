"""Fixtures that every test may use: seeds, a workspace, tiny pictures, and a browser and real pictures if there are."""

import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import settings

from cifar_core.bench.app import find_chromium
from cifar_core.data import Dataset, Split, save_dataset
from cifar_core.runs.run_folder import RunFolder
from cifar_core.storage import faults
from cifar_core.workspace import Workspace, open_workspace

ROOT = Path(__file__).resolve().parent.parent
REAL_PICTURES = ROOT.parent / "shared" / "data" / "cifar10-images.tar.xz"

# Waiting threads of PyTorch sleep instead of spinning: beside other work the tests take a fraction of the time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Set by scikit-learn, torch and pytest themselves, not by our code.
_FOREIGN_VARIABLES = {"PYTEST_CURRENT_TEST", "KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "TORCHINDUCTOR_CACHE_DIR"}

# Two shared cores make single examples slow at times: no deadline. On CI the same examples each time.
settings.register_profile("project", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("project")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test starts from the same global random state."""
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(autouse=True)
def clean_environment() -> Iterator[None]:
    """Fail a test that changes `os.environ` and does not restore it (`monkeypatch.setenv` does)."""
    before = _environment()
    yield
    after = _environment()
    if before != after:
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        for name in changed:  # so that later tests do not fail as well
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]
        pytest.fail(f"the test changed the environment and did not restore it: {', '.join(changed)}")


@pytest.fixture(autouse=True)
def clean_ctrl_c() -> Iterator[None]:
    """Fail a test that leaves another handler of Ctrl-C behind, with which a later test would not be interrupted."""
    before = signal.getsignal(signal.SIGINT)
    yield
    after = signal.getsignal(signal.SIGINT)
    if after != before:
        signal.signal(signal.SIGINT, before)
        pytest.fail(f"the test left another handler of Ctrl-C behind: {after}")


@pytest.fixture
def arm() -> Iterator[Callable[[str], None]]:
    """`cifar_core.storage.faults.arm`, which makes writes of this process fail; undone at the end."""
    yield faults.arm
    faults.arm("")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace for this test alone."""
    return open_workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium: $CHROMIUM, else one on the PATH. With CIFAR_REQUIRE_BROWSER=1 its absence is a failure."""
    found = find_chromium()
    if not found:
        _absent("there is no Chromium on this machine (install one or set CHROMIUM)", "CIFAR_REQUIRE_BROWSER")
    return found


@pytest.fixture(scope="session")
def real_pictures() -> Path:
    """The CIFAR-10 pictures as a tar of JPEG files, kept beside the checkout, never in it."""
    return require_file(REAL_PICTURES, "the CIFAR-10 pictures are not beside the checkout", "CIFAR_REQUIRE_REAL_DATA")


def require_file(path: Path, reason: str, required_by: str) -> Path:
    """A file that is no part of the checkout; without it the test is skipped, or fails where `required_by` is 1."""
    if not path.is_file():
        _absent(reason, required_by)
    return path


def tiny_pictures(count: int, *, classes: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures that a small network learns in an epoch or two: noise, and a bright patch whose position is the class.

    Args:
        count: how many pictures; the labels repeat in turn, so the classes differ by one picture at most.
        classes: how many classes, at most 16.
        seed: the same seed gives the same pictures.

    Returns:
        Images uint8 [count, 3, 32, 32] and labels int64 [count].
    """
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 120, (count, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(count, dtype=np.int64) % classes
    for image, label in zip(images, labels, strict=True):
        row, column = 8 * (int(label) // 4), 8 * (int(label) % 4)
        image[:, row : row + 8, column : column + 8] += np.uint8(120)
    return images, labels


def save_tiny(
    workspace: Workspace,
    name: str = "tiny",
    *,
    train: int = 300,
    test: int = 100,
    validation: int = 0,
    grey_bits: int = 16,
    seed: int = 0,
) -> Dataset:
    """Store `tiny_pictures` of the ten CIFAR-10 classes as a dataset; the test part is drawn with the next seed.

    The last pictures of the training part are its own validation pictures, as many as `validation` says.
    """
    splits = []
    for offset, (part, count) in enumerate({"train": train, "test": test}.items()):
        images, labels = tiny_pictures(count, seed=seed + offset)
        splits.append(Split(images, labels, np.array([f"{part}/{number:05d}.png" for number in range(count)])))
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    own = np.arange(train - validation, train) if validation else None
    return save_dataset(
        workspace,
        name,
        *splits,
        title="Tiny",
        class_names=names,
        source="Made by the tests.",
        validation=own,
        grey_bits=grey_bits,
    )


def make_perfect(folder: RunFolder, epoch: int) -> None:
    """Let a run have predicted every test picture right at an epoch."""
    with np.load(folder.samples("test")) as stored:
        labels = stored["labels"]
    np.save(folder.probs("test", epoch), np.eye(10, dtype=np.float32)[labels])


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _FOREIGN_VARIABLES}


def _absent(reason: str, required_by: str) -> NoReturn:
    """Skip with the reason, or fail where the variable `required_by` forbids that."""
    if os.environ.get(required_by) == "1":
        pytest.fail(f"{reason}, but {required_by}=1 asks for it")
    pytest.skip(reason)
