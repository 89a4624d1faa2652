"""One workspace with a tiny dataset for all tests of a module; each of them begins without runs."""

import shutil
from collections.abc import Iterator

import numpy as np
import pytest

from cifar_core.data import Dataset, open_dataset
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.runs.imported.prediction_files import made_up_logits, softmax


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = open_workspace(tmp_path_factory.mktemp("imported") / "workspace")
    save_tiny(made, train=20)
    return made


@pytest.fixture
def workspace(place: Workspace) -> Iterator[Workspace]:
    yield place
    for run in place.runs.iterdir():
        shutil.rmtree(run)


@pytest.fixture
def dataset(workspace: Workspace) -> Dataset:
    return open_dataset(workspace, "tiny")


@pytest.fixture
def probs(dataset: Dataset) -> np.ndarray:
    return softmax(made_up_logits(dataset))
