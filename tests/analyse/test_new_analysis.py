"""docs/ARCHITECTURE.md says how to add an analysis: what it shows is put into a copy of the program, and run as a job.

`new_analysis.py` is the script that runs there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from cifar_core.analyse.compute import COMPUTE
from cifar_core.analyse.table import ANALYSES
from cifar_core.runs import Run, read_predictions
from cifar_core.workspace import Workspace
from tests.conftest import ROOT

ENTRIES = {
    "table.py": "from cifar_core.analyse.sure_mistakes import SURE_MISTAKES\n"
    "ANALYSES[SURE_MISTAKES.id] = SURE_MISTAKES\n",
    "compute/__init__.py": "from cifar_core.analyse.compute.sure_mistakes import compute_sure_mistakes\n"
    "COMPUTE['sure-mistakes'] = compute_sure_mistakes\n",
}


def test_an_analysis_is_added_as_the_document_says(workspace: Workspace, run: Run, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "cifar_core", tmp_path / "cifar_core", ignore=shutil.ignore_patterns("__pycache__"))
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8").partition("**An analysis**")[2]
    shown = re.findall(r"`(analyse/[a-z_/]+\.py)`[^`]*(?:`CifarCoreError`[^`]*)?```python\n(.*?)```", text, re.DOTALL)
    assert [file for file, _ in shown] == ["analyse/sure_mistakes.py", "analyse/compute/sure_mistakes.py"]
    for file, code in shown:
        (tmp_path / "cifar_core" / file).write_text(code, "utf-8")
    for file, entry in ENTRIES.items():
        with (tmp_path / "cifar_core" / "analyse" / file).open("a", encoding="utf-8") as table:
            table.write(entry)
    answer = subprocess.run(
        [sys.executable, "-m", "tests.analyse.new_analysis", str(workspace.root), run.id],
        cwd=tmp_path,  # Python looks for cifar_core there first
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    found = json.loads(answer.stdout)
    predictions = read_predictions(workspace, run.id)
    sure = [
        number
        for number, (probs, label) in enumerate(zip(predictions.probs.tolist(), predictions.labels, strict=True))
        if max(probs) >= 0.2 and probs.index(max(probs)) != label
    ]
    assert found == {"values": {"count": len(sure), "n": 100}, "indices": sure, "end": "done"} and sure


def test_each_declared_job_has_a_function() -> None:
    assert {analysis.id for analysis in ANALYSES.values() if analysis.kind == "job"} == COMPUTE.keys()
