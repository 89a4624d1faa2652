"""A score is added as docs/ARCHITECTURE.md says, one function and one entry, and is seen wherever scores are."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from tests.conftest import ROOT

FUNCTION = """
def _normalized_margin(labels: Ints, probs: Floats) -> Floats:
    others = probs.copy()
    others[np.arange(len(labels)), labels] = -np.inf
    return (_p_true(labels, probs) - others.max(axis=1) + 1) / 2


"""
ENTRY = """    Score(
        name="normalized_margin",
        title="Normalized margin",
        plain="How clearly another class fits better",
        help="Low where another class fits clearly better than the label.",
        formula="(p(true class) − highest other probability + 1) / 2",
        compute=_normalized_margin,
        bounds=lambda classes: (0.0, 1.0),
        order="ascending",
        sort_title="Doubtful labels",
    ),
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, shared: Workspace, finished: Run) -> dict[str, Any]:
    """What a copy of the program shows of the new score."""
    program = tmp_path_factory.mktemp("program")
    for part in ("cifar_core", "pages"):
        shutil.copytree(ROOT / part, program / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "streamlit_app.py", program)
    scores = program / "cifar_core" / "evaluate" / "scores.py"
    before, table, entries = scores.read_text("utf-8").partition("\n# In the order of")
    entries, end, after = entries.partition("\n)\n")
    scores.write_text(f"{before}{FUNCTION}{table}{entries}\n{ENTRY}{end[1:]}{after}", "utf-8")
    looks = [sys.executable, "-P", str(Path(__file__).with_name("new_score_looks.py"))]
    result = subprocess.run(
        [*looks, str(shared.root), finished.id, "normalized_margin"],
        cwd=program,
        env={**os.environ, "PYTHONPATH": str(program)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_the_library_knows_it(seen: dict[str, Any]) -> None:
    found = seen["library"]
    values = np.array(found["column"])
    for label, probs, value in zip(found["labels"], found["probs"], values, strict=True):
        other = max(share for index, share in enumerate(probs) if index != label)
        assert value == pytest.approx((probs[label] - other + 1) / 2)
    low, high = found["middle"]
    assert found["filtered"] == sorted(values[(values >= low) & (values <= high)].tolist())
    assert found["sort"].startswith("Lowest normalized margin first. Low where another class")
    assert found["caption"].endswith(f", normalized margin {found['filtered'][0]:.2f}")
    assert found["csv"] == found["filtered"]


def test_the_app_shows_it(seen: dict[str, Any]) -> None:
    found, library = seen["app"], seen["library"]
    title, low, high, meaning = found["slider"]
    assert (title, low, high) == ("Normalized margin", 0.0, 1.0)
    assert meaning.endswith("Normalized margin = (p(true class) − highest other probability + 1) / 2.")
    assert found["sort"][0] == "normalized_margin" and "Doubtful labels" in found["sort"][1]
    assert found["tiles"] == library["ids"][:48]
    assert f"normalized margin {library['filtered'][0]:.2f}" in found["caption"]
    assert found["open"]["Normalized margin"] == f"{library['filtered'][0]:.2f}"
