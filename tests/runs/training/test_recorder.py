"""The metadata of a run's weights, with which a person can use the file alone."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from safetensors import safe_open

from cifar_core.config import ModelConfig, make_config
from cifar_core.data.dataset_limits import check_classes
from cifar_core.models.network import create_model
from cifar_core.runs import Run
from cifar_core.runs.hashed_tensors import DamagedError, check_hashed
from cifar_core.runs.result_checks import check_weights
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.tensor_limits import most_weights
from cifar_core.runs.training.recorder import write_weights
from cifar_core.storage.json_types import MAX_CLASS_NAME, MAX_CLASSES
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.in_process import TINY


def metadata(path: Path) -> dict[str, Any]:
    """The metadata of a safetensors file, as read without this program."""
    with safe_open(path, framework="numpy") as file:
        found = file.metadata()
    return {name: json.loads(value) for name, value in found.items() if name != "sha256"}


def test_weights_carry_what_a_person_needs_to_use_them(shared: Workspace, finished: Run) -> None:
    assert finished.best is not None and finished.dataset is not None
    found = metadata(run_folder(shared, finished.id).weights(finished.best.epoch))
    assert found == {
        "class_names": list(finished.dataset.class_names),
        "mean": list(finished.dataset.mean),
        "std": list(finished.dataset.std),
        "model": json.loads(json.dumps(asdict(finished.config.model))),
    }
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in found["model"].items()}
    assert ModelConfig(**settings) == finished.config.model


@pytest.fixture
def widest(workspace: Workspace) -> tuple[Path, RunFolder, ModelConfig, tuple[str, ...]]:
    """Weights of as many classes as there may be, each with the longest name: every character takes twelve bytes."""
    names = tuple(chr(0x20000 + number) * MAX_CLASS_NAME for number in range(MAX_CLASSES))
    check_classes(names)
    dataset = replace(save_tiny(workspace), class_names=names, std=(0.25, 0.0, 0.25))
    config = make_config(TINY)
    trainer: Any = SimpleNamespace(net=create_model(config.model, len(names)), config=config)
    folder = RunFolder(workspace.runs / "widest")
    folder.path.mkdir()
    write_weights(folder.weights(1), dataset, trainer)
    return folder.weights(1), folder, config.model, names


def test_the_most_and_longest_class_names_fit(
    widest: tuple[Path, RunFolder, ModelConfig, tuple[str, ...]],
) -> None:
    path, folder, model, names = widest
    assert path.stat().st_size > MAX_CLASSES * MAX_CLASS_NAME * 12
    check_hashed(path, most_weights(model, len(names)))
    check_weights(folder, 1, model, len(names))
    found = metadata(path)
    assert tuple(found["class_names"]) == names
    assert found["std"] == [0.25, 1.0, 0.25], "what to divide by, also where a channel has no spread"


def test_the_hash_covers_the_metadata(widest: tuple[Path, RunFolder, ModelConfig, tuple[str, ...]]) -> None:
    path, _, model, names = widest
    content = path.read_bytes()
    assert content.count(b"kernel_size") == 1
    path.write_bytes(content.replace(b"kernel_size", b"kernel_sise"))
    with pytest.raises(DamagedError, match="SHA-256 does not match"):
        check_hashed(path, most_weights(model, len(names)))
