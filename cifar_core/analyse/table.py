"""The table of the analyses whose results are kept: an entry for each, and one in `compute/__init__.py`."""

from typing import Any

from cifar_core.analyse.calibration import CALIBRATION
from cifar_core.analyse.declaration import Analysis
from cifar_core.analyse.learning import LEARNING

_DECLARED: tuple[Analysis[Any], ...] = (CALIBRATION, LEARNING)
ANALYSES = {analysis.id: analysis for analysis in _DECLARED}
