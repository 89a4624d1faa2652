"""The table of the analyses whose results are kept: an entry for each, and one in `compute/__init__.py`."""

from typing import Any

from cifar_core.analyse.declaration import Analysis
from cifar_core.analyse.learning import LEARNING

_DECLARED: tuple[Analysis[Any], ...] = (LEARNING,)
ANALYSES = {analysis.id: analysis for analysis in _DECLARED}
