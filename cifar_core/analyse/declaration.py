"""What an analysis of a run is: its id, what it needs, its parameters, and whether it is quick or a job.

Its function stands in `analyse/compute/`, which only the process of the job and the command line import.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, Literal, TypeVar

import numpy as np

from cifar_core.errors import ConfigError
from cifar_core.runs import Run
from cifar_core.spec import Spec, parse_settings
from cifar_core.workspace import Workspace

P = TypeVar("P")
# What an analysis reads of a run. "test predictions" and "validation predictions" are those of the reported epoch,
# "every epoch" the test predictions after each epoch, "training records" what the training noted about each picture.
Need = Literal["test predictions", "validation predictions", "every epoch", "training records"]


@dataclass(frozen=True)
class Result:
    """What the function of an analysis returns."""

    values: dict[str, Any]  # JSON values: finite numbers, texts, true, false, null, lists and objects of them
    arrays: dict[str, np.ndarray] = field(default_factory=dict)  # by name: numbers, bool or text


@dataclass(frozen=True)
class Analysis(Generic[P]):
    """The declaration of an analysis."""

    id: str  # small letters, digits and hyphens; the kept result is named by it
    title: str  # as people read it, such as "calibration"
    version: int  # raised whenever the function or the meaning of its result changes
    needs: tuple[Need, ...]  # without them it cannot be computed
    parameters: type[P]  # a frozen dataclass whose fields are made by `spec.setting`
    kind: Literal["quick", "job"]  # quick: computed where it is asked for, and not kept
    uses: tuple[Need, ...] = ()  # what it reads as well, where the run has it
    variant: str = ""  # the parameter (a choice) whose values have a kept result each; the others make it stale
    variant_needs: Mapping[str, tuple[Need, ...]] = field(default_factory=dict)  # what a value of it needs as well
    # Of a quick one: computes it in 150 ms on 10,000 pictures, with NumPy and pandas only.
    answer: Callable[[Workspace, Run, P], Result] | None = None

    def __post_init__(self) -> None:
        assert (self.kind == "quick") == (self.answer is not None), f"{self.id}: a quick analysis has an answer"
        assert not self.variant or specs_of(self.parameters)[self.variant].kind == "choice", f"{self.id}: variant"

    def name_of(self, parameters: P) -> str:
        """The name of the kept result: the id, with the variant where there are such."""
        return f"{self.id}-{getattr(parameters, self.variant)}" if self.variant else self.id

    def needs_of(self, parameters: P) -> tuple[Need, ...]:
        """What it cannot be computed without, with these parameters."""
        more = self.variant_needs.get(getattr(parameters, self.variant), ()) if self.variant else ()
        return *self.needs, *more


def specs_of(parameters: type) -> dict[str, Spec]:
    """The spec of each parameter by its name, in their order."""
    return {item.name: item.metadata["spec"] for item in fields(parameters)}


def make_parameters(parameters: type[P], chosen: Mapping[str, Any]) -> P:
    """The parameters of an analysis from what was chosen; the rest have their defaults.

    Raises:
        ConfigError: a value breaks its spec or there is no such parameter; a sentence for each.
    """
    found, problems = parse_settings(chosen, specs_of(parameters))
    if problems:
        raise ConfigError(problems)
    return parameters(**found)
