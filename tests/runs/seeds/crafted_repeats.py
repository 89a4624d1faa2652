"""Runs of one setting that differ in the seed alone, with crafted predictions: copies of a stored run."""

import json
import shutil
from collections.abc import Collection

import numpy as np

from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace
from tests.runs.exported_runs import STORED

N, CLASSES, BEST = 100, 10, 2  # test pictures and classes of the stored run, and its best epoch


def craft(workspace: Workspace, run_id: str, seed: int, wrong: Collection[int], **creation: object) -> str:
    """Store a finished run that is wrong at these test pictures alone; more fields of its `config.json` may be given.

    Its label is probable with 0.9, or the next class with that; its test accuracy is as its predictions say.
    """
    folder = RunFolder(workspace.runs / run_id)
    shutil.copytree(STORED, folder.path)
    content = json.loads(folder.config.read_text("utf-8")) | {"id": run_id} | creation
    content["settings"] |= {"seed": seed}
    folder.config.write_text(json.dumps(content), "utf-8")
    folder.about.unlink()
    labels = np.load(folder.samples("test"))["labels"]
    predicted = np.where(np.isin(np.arange(N), list(wrong)), (labels + 1) % CLASSES, labels)
    probs = np.full((N, CLASSES), 0.1 / (CLASSES - 1), "<f4")
    probs[np.arange(N), predicted] = 0.9
    np.save(folder.probs("test", BEST), probs)
    lines = [json.loads(line) for line in folder.metrics.read_text("utf-8").splitlines()]
    lines[BEST - 1]["test_accuracy"] = 1 - len(wrong) / N
    folder.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return run_id
