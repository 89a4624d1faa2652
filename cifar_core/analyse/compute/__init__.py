"""The functions of the analyses, which may load heavy packages: only `analyse/process.py` and commands import them."""

from collections.abc import Callable
from typing import Any

from cifar_core.analyse.calibration import CALIBRATION
from cifar_core.analyse.compute.calibration import compute_calibration
from cifar_core.analyse.compute.learning import compute_learning
from cifar_core.analyse.declaration import Result
from cifar_core.analyse.learning import LEARNING
from cifar_core.jobs.progress import OnProgress
from cifar_core.runs import Run
from cifar_core.workspace import Workspace

# By the id of the analysis: computes it for a run with these parameters. It begins with a report of its progress and
# reports now and then, by which it is stopped, and raises a CifarCoreError with one sentence where it fails.
COMPUTE: dict[str, Callable[[Workspace, Run, Any, OnProgress], Result]] = {
    CALIBRATION.id: compute_calibration,
    LEARNING.id: compute_learning,
}
