"""The network of a run as a torch module gives the probabilities that the run kept."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_core.config import make_config
from cifar_core.errors import RunError
from cifar_core.runs import Run, create_run, open_run_dataset, read_predictions, read_run
from cifar_core.runs.predict.run_network import load_network
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace
from tests.runs.in_process import TINY, train


def test_it_gives_the_saved_predictions(shared: Workspace, finished: Run) -> None:
    network = load_network(shared, finished.id)
    found = read_predictions(shared, finished.id)
    assert network.class_names == found.class_names and not network.training
    pixels = torch.from_numpy(np.array(open_run_dataset(shared, finished).test.images))
    with torch.no_grad():
        probs = network(pixels)
    assert probs.shape == found.probs.shape and probs.dtype == torch.float32
    assert np.abs(probs.numpy() - found.probs).max() < 1e-5


def test_gradients_go_back_to_its_weights(shared: Workspace, finished: Run) -> None:
    """It is an ordinary module, that can be explained or trained further."""
    network = load_network(shared, finished.id)
    network(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))[0, 0].backward()
    assert all(item.grad is not None for item in network.parameters())


@pytest.mark.fault(84)
def test_a_picture_of_12_bits_is_read_as_those_of_its_dataset(tiny: Workspace, tmp_path: Path) -> None:
    run_id = create_run(tiny, make_config(TINY | {"epochs": 1}))
    train(tiny, run_id)
    facts = run_folder(tiny, run_id).facts
    record = json.loads(facts.read_text("utf-8"))
    record["dataset"]["grey_bits"] = 12
    facts.write_text(json.dumps(record), "utf-8")
    levels = np.full((32, 32), 4_095, np.uint16)
    for name, image in (("twelve.png", levels), ("eight.png", levels.astype(np.uint8))):
        Image.fromarray(image).save(tmp_path / name)
    network = load_network(tiny, run_id)
    assert network.predict(tmp_path / "twelve.png") == network.predict(tmp_path / "eight.png")


def test_a_run_keeps_the_fit_of_its_dataset_and_predicts_likewise(tiny: Workspace, tmp_path: Path) -> None:
    """A wide picture is seen as the whole of it between borders; a run made before there was a choice cuts it."""
    meta = tiny.data / "tiny" / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text("utf-8")), "fit": "pad"}), "utf-8")
    run_id = create_run(tiny, make_config(TINY | {"epochs": 1}))
    train(tiny, run_id)
    dataset = read_run(tiny, run_id).dataset
    assert dataset is not None and dataset.fit == "pad"
    wide = np.random.default_rng(0).integers(0, 256, (16, 32, 3), np.uint8)
    bordered, cut = np.zeros((32, 32, 3), np.uint8), Image.fromarray(wide[:, 8:24]).resize((32, 32), Image.BICUBIC)
    bordered[8:24] = wide
    Image.fromarray(wide).save(tmp_path / "wide.png")
    Image.fromarray(bordered).save(tmp_path / "bordered.png")
    cut.save(tmp_path / "cut.png")
    network = load_network(tiny, run_id)
    seen = network.predict(tmp_path / "wide.png")
    assert seen == network.predict(tmp_path / "bordered.png") != network.predict(tmp_path / "cut.png")
    facts = run_folder(tiny, run_id).facts
    record = json.loads(facts.read_text("utf-8"))
    del record["dataset"]["fit"]
    facts.write_text(json.dumps(record), "utf-8")
    assert load_network(tiny, run_id).predict(tmp_path / "wide.png") == network.predict(tmp_path / "cut.png")


def test_latest_is_the_newest(tiny: Workspace) -> None:
    train(tiny, create_run(tiny, make_config(TINY | {"epochs": 1})))
    assert load_network(tiny, "latest").class_names[0] == "airplane"


@pytest.mark.parametrize("damage", ["no run", "no epoch", "damaged"])
def test_what_cannot_be_loaded_is_a_sentence(tiny: Workspace, damage: str) -> None:
    run_id, message = "no-such-run", "There is no run"
    if damage == "no epoch":
        run_id, message = create_run(tiny, make_config(TINY)), "no finished epoch yet"
    if damage == "damaged":
        run_id, message = create_run(tiny, make_config(TINY | {"epochs": 1})), "cannot be used"
        train(tiny, run_id)
        path = run_folder(tiny, run_id).weights(1)
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    with pytest.raises(RunError, match=message):
        load_network(tiny, run_id)
