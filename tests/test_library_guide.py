"""docs/LIBRARY.md says what is so: its examples run exactly as they stand there, and give what the run itself kept."""

import ast
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_core.config import ModelConfig, make_config
from cifar_core.data import to_image
from cifar_core.runs import Run, create_run, open_run_dataset, read_predictions
from cifar_core.runs.run_folder import run_folder
from cifar_core.runs.tensor_limits import network_tensors
from cifar_core.samples import COLUMNS
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import ROOT, save_tiny
from tests.runs.in_process import TINY, train

GUIDE = (ROOT / "docs" / "LIBRARY.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", GUIDE, re.M | re.S)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the examples run in: a workspace with a finished run, its weights, and a picture of its test
    part.
    """
    folder = tmp_path_factory.mktemp("library")
    workspace = open_workspace(folder / "workspace")
    save_tiny(workspace)
    run = train(workspace, create_run(workspace, make_config(TINY)))
    assert run.best is not None
    shutil.copy(run_folder(workspace, run.id).weights(run.best.epoch), folder / "weights.safetensors")
    to_image(open_run_dataset(workspace, run).test.images[0]).save(folder / "cat.png")
    return folder


def execute(example: str) -> dict[str, Any]:
    """Run an example in the working folder; returns its variables."""
    names: dict[str, Any] = {}
    exec(compile(example, "docs/LIBRARY.md", "exec"), names)
    return names


def test_the_first_example_reads_a_run_and_asks_its_network(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    names = execute(EXAMPLES[0])
    assert isinstance(names["workspace"], Workspace) and isinstance(names["run"], Run)
    kept = read_predictions(names["workspace"], names["run"].id)
    assert list(names["table"].columns) == list(COLUMNS) and len(names["table"]) == len(kept.labels)
    told = ast.literal_eval(capsys.readouterr().out.splitlines()[-1])
    assert tuple(told) == kept.class_names
    assert np.abs(np.array(list(told.values())) - kept.probs[0]).max() < 1e-5


def test_the_second_example_reads_the_weights_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    names = execute(EXAMPLES[1])
    about, model = names["about"], make_config(TINY).model
    assert len(about["class_names"]) == 10 and len(about["mean"]) == len(about["std"]) == 3
    assert about["model"].keys() == ModelConfig.__dataclass_fields__.keys()
    assert {name: tuple(value.shape) for name, value in names["tensors"].items()} == network_tensors(model, 10)


def test_there_are_two_examples() -> None:
    assert len(EXAMPLES) == 2
