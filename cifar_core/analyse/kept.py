"""The kept result of an analysis: read with the sentence that says why it is stale, or kept anew."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Generic

import numpy as np

from cifar_core.analyse.declaration import Analysis, P, Result, make_parameters, specs_of
from cifar_core.analyse.inputs import identity_of
from cifar_core.errors import ConfigError
from cifar_core.runs import Run
from cifar_core.runs.analyses.files import KeptMeta, kept_file, read_kept_file, write_kept_file
from cifar_core.runs.run_folder import run_folder
from cifar_core.spec import value_words
from cifar_core.workspace import Workspace


@dataclass(frozen=True)
class KeptResult(Generic[P]):
    """The result of an analysis, with what is to be said of it."""

    values: dict[str, Any]
    arrays: dict[str, np.ndarray]
    parameters: P  # that it was computed with
    stale: str = ""  # one sentence why it is not what would be computed now; empty where it is
    of_other_version: bool = False  # then `values` and `arrays` may have other names, and are not to be shown
    unkept: str = ""  # one sentence why it could not be kept, where it was computed just now


def read_kept(workspace: Workspace, run: Run, analysis: Analysis[P], parameters: P) -> KeptResult[P] | None:
    """The kept result of an analysis with these parameters, also a stale one.

    Returns:
        None where there is none, or it is damaged (`runs verify` says so): it is computed again.

    Raises:
        RunError: no such run.
    """
    try:
        meta, arrays = read_kept_file(run_folder(workspace, run.id), analysis.name_of(parameters))
    except (OSError, ValueError):
        return None
    other_version = meta.version != analysis.version or meta.analysis != analysis.id
    try:
        found = make_parameters(analysis.parameters, meta.parameters)
    except ConfigError:
        found, other_version = parameters, True
    kept = KeptResult(meta.values, arrays, found, of_other_version=other_version)
    return replace(kept, stale=_why_stale(workspace, run, analysis, kept, parameters, meta.inputs))


def kept_path(workspace: Workspace, run: Run, analysis: Analysis[P], parameters: P) -> Path:
    """The file of the kept result; RunError without such a run."""
    return kept_file(run_folder(workspace, run.id), analysis.name_of(parameters))


def keep(workspace: Workspace, run: Run, analysis: Analysis[P], parameters: P, inputs: str, result: Result) -> None:
    """Keep a result in the folder of its run, whole or not at all; an earlier one is replaced.

    Args:
        workspace, run, analysis, parameters: of what it is the result.
        inputs: the identity of what it was computed from (`inputs_of`), as it was before.
        result: the result.

    Raises:
        RunError: no such run any more.
        StorageError: the disk refused, or it is too large to be kept.
    """
    said = asdict(parameters)  # type: ignore[call-overload] # a dataclass, as its declaration says
    meta = KeptMeta(analysis.id, analysis.version, said, inputs, result.values)
    write_kept_file(run_folder(workspace, run.id), analysis.name_of(parameters), meta, result.arrays)


def inputs_of(workspace: Workspace, run: Run, analysis: Analysis[P], parameters: P) -> str:
    """The identity of everything that the analysis reads of the run, as it is now."""
    return identity_of(workspace, run, (*analysis.needs_of(parameters), *analysis.uses))


def quick_answer(workspace: Workspace, run: Run, analysis: Analysis[P], parameters: P) -> KeptResult[P]:
    """The result of a quick analysis, computed here and now.

    Raises:
        RunError: what it needs is missing or damaged.
    """
    assert analysis.answer is not None
    result = analysis.answer(workspace, run, parameters)
    return KeptResult(result.values, result.arrays, parameters)


def _why_stale(
    workspace: Workspace, run: Run, analysis: Analysis[P], kept: KeptResult[P], wanted: P, inputs: str
) -> str:
    if kept.of_other_version:
        return f"This {analysis.title} was computed by another version of this program."
    for name, spec in specs_of(analysis.parameters).items():
        was, now = getattr(kept.parameters, name), getattr(wanted, name)
        if was != now:
            words = f"{value_words(spec, was)}, not {value_words(spec, now)}"
            return f"This {analysis.title} was computed with other settings ({spec.label}: {words})."
    if inputs != inputs_of(workspace, run, analysis, wanted):
        needs = " or ".join((*analysis.needs_of(wanted), *analysis.uses))
        return f"The run has changed since this {analysis.title} was computed (its {needs})."
    return ""
