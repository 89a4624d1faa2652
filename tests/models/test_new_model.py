"""docs/ARCHITECTURE.md says how to add a model: the file that it shows is put into a copy of the program, and used.

`new_model.py` is the script that runs there.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
def test_a_model_is_added_as_the_document_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "cifar_core", tmp_path / "cifar_core")
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8").partition("**A model**")[2]
    shown = text.partition("```python\n")[2].partition("```")[0]
    file = text.partition("a residual network, `")[2].partition("`")[0]
    (tmp_path / "cifar_core" / file).write_text(shown, "utf-8")
    answer = subprocess.run(
        [sys.executable, "-m", "tests.models.new_model", str(tmp_path)],
        cwd=tmp_path,  # Python looks for cifar_core there first
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
