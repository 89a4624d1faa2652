"""The file `importance.json` of a sweep: how much each swept setting matters; its owner writes it, pages read it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.json_types import Count
from cifar_core.storage.parse import Rule, parse
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.text import MB

FEWEST = 11  # finished trials that it is computed from: the better tenth of fewer is a single one of them
STEADY = 50  # from so many on the better tenth is five, which Optuna's documentation asks for
_BETTER = 0.1  # share of the trials that are compared with all
_MOST = 200  # settings; there are fewer hyperparameters
_SHARE = Rule("a share from 0 to 1", lambda found: math.isfinite(found) and 0 <= found <= 1)


@dataclass(frozen=True)
class Importance:
    """PED-ANOVA: how differently the better trials and all trials spread over the values of a setting."""

    trials: Count  # finished ones that it was computed from
    shares: Mapping[str, Annotated[float, _SHARE]]  # by name of the setting; they sum to 1, or are all 0

    @property
    def better(self) -> int:
        """How many of the trials are compared with all: the better tenth, rounded up."""
        return math.ceil(_BETTER * self.trials)


def write_importance(folder: SweepFolder, importance: Importance) -> None:
    """Write the file whole; an earlier one is replaced.

    Raises:
        StorageError: the disk refused.
    """
    write_json(folder.importance, asdict(importance))


def read_importance(folder: SweepFolder) -> Importance | None:
    """How much each setting matters, the most important first; None where it was not computed yet or breaks a rule.

    It is computed again with the next trials, so a damaged file is nothing that a person must act on.
    """
    try:
        found = parse(Importance, read_json(folder.importance, max_bytes=MB), exact=False)
    except (OSError, ValueError):
        return None
    if len(found.shares) > _MOST:
        return None
    ordered = sorted(found.shares.items(), key=lambda item: -item[1])
    return Importance(found.trials, dict(ordered))
