"""The prediction server and its client: probabilities of pictures by the networks of runs."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cifar_core.config import make_config
from cifar_core.errors import RunError
from cifar_core.runs import Predictor, PredictorProcess, Run, create_run, open_run_dataset, read_predictions
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import tiny_pictures
from tests.runs.exported_runs import RUN, store


@pytest.fixture
def helper() -> Iterator[PredictorProcess]:
    made = PredictorProcess()
    yield made
    made.close()


def test_it_gives_the_saved_predictions(shared: Workspace, finished: Run, helper: PredictorProcess) -> None:
    predictor = Predictor(shared, finished.id, helper)
    test = open_run_dataset(shared, finished).test
    probs = predictor.predict(np.asarray(test.images))
    assert np.abs(probs - read_predictions(shared, finished.id).probs).max() < 1e-5
    assert np.abs(predictor.predict(np.asarray(test.images[3:4])) - probs[3]).max() < 1e-5
    with pytest.raises(RunError, match="takes uint8 pictures"):
        predictor.predict(np.zeros((1, 3, 28, 28), np.uint8))


@pytest.mark.parametrize(("views", "same"), [(1, True), (2, False)])
def test_it_uses_as_many_views_as_when_the_epoch_was_measured(
    shared: Workspace, finished: Run, helper: PredictorProcess, tmp_path: Path, views: int, same: bool
) -> None:
    """An epoch that could not be the best one is measured with one view, and so is its network later."""
    away = open_workspace(tmp_path / "away")
    folder = shutil.copytree(shared.runs / finished.id, away.runs / finished.id)
    for file in (folder / "config.json", folder / "facts.json"):
        content = json.loads(file.read_text())
        content["settings"]["flip_test"] = True
        file.write_text(json.dumps(content))
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    (folder / "metrics.jsonl").write_text("".join(json.dumps({**line, "looks": views}) + "\n" for line in lines))
    test = open_run_dataset(shared, finished).test
    probs = Predictor(away, finished.id, helper).predict(np.asarray(test.images))
    assert (np.abs(probs - read_predictions(shared, finished.id).probs).max() < 1e-5) == same


def test_one_process_answers_for_all_runs_and_is_replaced_when_it_dies(
    shared: Workspace, finished: Run, helper: PredictorProcess, tmp_path: Path
) -> None:
    away = open_workspace(tmp_path / "away")
    store(away)
    helper.start()
    images, _ = tiny_pictures(20, seed=1)
    networks = [Predictor(shared, finished.id, helper), Predictor(away, RUN, helper)]
    first = [network.predict(images) for network in networks]
    process = helper._process
    assert process is not None and np.abs(first[0] - first[1]).max() > 0.01
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: networks[number % 2].predict(images), range(12)))
    assert all(np.array_equal(answer, first[number % 2]) for number, answer in enumerate(answers))
    assert helper._process is process
    process.kill()
    process.wait()
    assert np.array_equal(networks[0].predict(images), first[0])


def test_a_network_whose_run_was_deleted_meanwhile(
    shared: Workspace, finished: Run, helper: PredictorProcess, tmp_path: Path
) -> None:
    away = open_workspace(tmp_path / "away")
    store(away)
    gone = Predictor(away, RUN, helper)
    shutil.rmtree(away.runs / RUN)
    images, _ = tiny_pictures(1, seed=1)
    with pytest.raises(RunError, match="could not be loaded"):
        gone.predict(images)
    assert Predictor(shared, finished.id, helper).predict(images).shape == (1, 10)


def test_run_without_an_epoch_has_no_network(workspace: Workspace, helper: PredictorProcess) -> None:
    run_id = create_run(workspace, make_config())
    with pytest.raises(RunError, match="no finished epoch yet"):
        Predictor(workspace, run_id, helper)


def test_a_process_is_started_before_the_first_pictures(helper: PredictorProcess) -> None:
    helper.start()
    process = helper._process
    assert process is not None and process.poll() is None
    helper.start()
    assert helper._process is process
    process.kill()
    process.wait()
    helper.start()
    assert helper._process is not process
