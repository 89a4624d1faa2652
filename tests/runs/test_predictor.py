"""The helper process that answers pictures with probabilities."""

import numpy as np
import pytest

from cifar_core.config import make_config
from cifar_core.errors import RunError
from cifar_core.runs import Predictor, Run, create_run, open_run_dataset, read_predictions
from cifar_core.workspace import Workspace


def test_it_gives_the_saved_predictions(shared: Workspace, finished: Run) -> None:
    predictor = Predictor(shared, finished.id)
    test = open_run_dataset(shared, finished).test
    probs = predictor.predict(np.asarray(test.images))
    assert np.abs(probs - read_predictions(shared, finished.id).probs).max() < 1e-5
    assert np.abs(predictor.predict(np.asarray(test.images[3:4])) - probs[3]).max() < 1e-5
    with pytest.raises(RunError, match="takes uint8 pictures"):
        predictor.predict(np.zeros((1, 3, 28, 28), np.uint8))
    predictor.close()
    with pytest.raises(RunError, match="could not be asked"):
        predictor.predict(np.asarray(test.images[:1]))


def test_run_without_an_epoch_has_no_network(workspace: Workspace) -> None:
    run_id = create_run(workspace, make_config())
    with pytest.raises(RunError, match="no finished epoch yet"):
        Predictor(workspace, run_id)
