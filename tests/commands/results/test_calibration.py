"""`calibration` on the command line: its numbers are those of scikit-learn, torchmetrics and SciPy."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn import metrics as sk
from torchmetrics.functional.classification import multiclass_calibration_error

from cifar_core.runs import Predictions, read_predictions
from cifar_core.workspace import Workspace
from tests.commands.conftest import call
from tests.runs.exported_runs import RUN, store

__all__ = ["call"]


def scores(labels: np.ndarray, probs: np.ndarray) -> dict[str, float]:
    """The four numbers by the libraries of others."""
    inside = np.minimum(probs.astype(np.float32), np.nextafter(np.float32(1), np.float32(0)))
    given, columns = (torch.from_numpy(inside), torch.from_numpy(labels)), list(range(probs.shape[1]))
    rows = probs.astype(np.float64) / probs.astype(np.float64).sum(axis=1, keepdims=True)
    return {
        "nll": sk.log_loss(labels, np.clip(rows, 1e-12, 1), labels=columns),
        "brier": sk.brier_score_loss(labels, rows, labels=columns, scale_by_half=False),
        "ece": float(multiclass_calibration_error(*given, len(columns), 15, "l1", validate_args=False)),
        "mce": float(multiclass_calibration_error(*given, len(columns), 15, "max", validate_args=False)),
    }


def fitted(labels: np.ndarray, probs: np.ndarray) -> float:
    """The temperature by SciPy."""
    logs = np.log(np.clip(probs.astype(np.float64), 1e-12, 1))

    def nll(temperature: float) -> float:
        q = softmax(logs / temperature, axis=1)
        return float(-np.log(q[np.arange(len(labels)), labels]).mean())

    return float(minimize_scalar(nll, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-9}).x)


def scaled(probs: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities with a temperature, by SciPy."""
    found: np.ndarray = softmax(np.log(np.clip(probs.astype(np.float64), 1e-12, 1)) / temperature, axis=1)
    return found


def printed(call: Any, workspace: Workspace) -> tuple[dict[str, Any], str]:
    code, out, err = call("calibration", RUN, "--json", "--workspace", workspace.root)
    assert code == 0
    return json.loads(out.splitlines()[-1]), err


def assert_before(found: dict[str, Any], test: Predictions) -> None:
    """Check what was measured without a temperature, and that intervals hold their values."""
    assert (found["run"], found["split"], found["epoch"], found["n"]) == (RUN, "test", test.epoch, 100)
    assert found["accuracy"][0] == sk.accuracy_score(test.labels, test.predicted)
    for name, value in scores(test.labels, test.probs).items():
        assert found[name] == pytest.approx(value, abs=1e-5)
        for side, of in ((found["intervals"], found), (found["intervals"]["after"], found["after"])):
            assert side[name][0] <= of[name] <= side[name][1]
    assert found["intervals"]["temperature"][0] <= found["temperature"] <= found["intervals"]["temperature"][1]


def test_a_run_with_validation_pictures(call: Any, workspace: Workspace) -> None:
    store(workspace)
    test, validation = (read_predictions(workspace, RUN, split=split) for split in ("test", "validation"))
    found, err = printed(call, workspace)
    assert_before(found, test)
    assert found["fitted_on"] == "validation"
    assert found["temperature"] == pytest.approx(fitted(validation.labels, validation.probs), rel=1e-5)
    after = scores(test.labels, scaled(test.probs, found["temperature"]))
    assert found["after"] == pytest.approx(after, abs=1e-5)
    assert f"fitted on {len(validation.labels)} validation pictures" in err and "it is right" in err
    score = np.sort(1 - validation.probs.astype(np.float64)[np.arange(len(validation.labels)), validation.labels])
    place = int(np.ceil((len(score) + 1) * 0.9))
    sets = 1 - test.probs.astype(np.float64) <= (score[place - 1] if place <= len(score) else 1)
    assert found["conformal"]["coverage"][0] == pytest.approx(sets[np.arange(100), test.labels].mean())
    assert found["conformal"]["mean_size"] == pytest.approx(sets.sum(axis=1).mean())
    assert printed(call, workspace)[0] == found, "the kept result"


def test_a_run_without_validation_pictures(call: Any, workspace: Workspace) -> None:
    store(workspace)
    for path in (workspace.runs / RUN / "predictions").glob("validation*"):
        path.unlink()
    test = read_predictions(workspace, RUN)
    found, err = printed(call, workspace)
    assert_before(found, test)
    assert found["fitted_on"] == "test" and "no predictions of validation pictures" in err
    assert found["temperature"] == pytest.approx(fitted(test.labels, test.probs), rel=1e-5)
    second, seen = np.zeros(100, dtype=bool), dict.fromkeys(range(10), 0)
    for at in np.argsort(test.labels, kind="stable"):  # by turns, through the classes
        second[at] = sum(seen.values()) % 2 == 1
        seen[int(test.labels[at])] += 1
    probs = np.empty(test.probs.shape)
    for half in (second, ~second):
        probs[half] = scaled(test.probs[half], fitted(test.labels[~half], test.probs[~half]))
    assert found["after"] == pytest.approx(scores(test.labels, probs), abs=1e-5)


def test_what_cannot_be_measured_is_one_sentence(call: Any, workspace: Workspace, tmp_path: Path) -> None:
    code, out, err = call("calibration", "no-such-run", "--json", "--workspace", workspace.root)
    assert (code, out) == (2, "") and "There is no run 'no-such-run' in this workspace" in err
    store(workspace)
    (workspace.runs / RUN / "predictions" / "test.npz").write_bytes(b"no arrays")
    code, out, err = call("calibration", RUN, "--json", "--workspace", workspace.root)
    assert (code, out) == (2, "") and f"The predictions of run {RUN} cannot be read" in err
    assert "Traceback" not in err and not list(Path(workspace.runs / RUN).glob("analyses/*"))
