"""The empty table for the predictions of another program."""

import io

import numpy as np
import pandas as pd

from cifar_core.export import prediction_template
from cifar_core.runs import import_predictions, read_predictions
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny


def test_the_template_names_every_picture_and_filled_in_it_is_imported(workspace: Workspace) -> None:
    dataset = save_tiny(workspace, test=30)
    table = pd.read_csv(io.BytesIO(prediction_template(dataset)))
    assert table["id"].tolist() == dataset.test.ids.tolist() and table["index"].tolist() == list(range(30))
    classes = table.columns[2:]
    assert classes.tolist() == [f"p_{name}" for name in dataset.class_names] and table[classes].isna().all(axis=None)
    probs = np.random.default_rng(0).dirichlet(np.ones(10), 30)
    table[classes] = probs
    file = workspace.root / "mine.csv"
    table.sample(frac=1, random_state=0).to_csv(file, index=False)
    came = import_predictions(workspace, file, "tiny", "mine")
    assert np.allclose(read_predictions(workspace, came.run).probs, probs, atol=1e-6)
