"""What uses a dataset, beside its runs: the sweeps that search on it. Only its arguments are read."""

from collections.abc import Iterable

from cifar_core.sweeps.sweep import Sweep
from cifar_core.text import first_names, one_line


def sweep_use(sweeps: Iterable[Sweep], name: str) -> list[str]:
    """What the deletion of a dataset means for sweeps: a sentence for those that work, and one for those to resume.

    Args:
        sweeps: all of the workspace.
        name: of the dataset.
    """
    own = [sweep for sweep in sweeps if not sweep.problem and sweep.plan.settings.get("dataset") == name]
    working = [_name(sweep) for sweep in own if sweep.active]
    unfinished = [_name(sweep) for sweep in own if sweep.status in ("stopped", "interrupted")]
    sentences = []
    if working:
        sentences.append(f"Sweeping on it: {first_names(working)}. Runs that begin later fail unless it is back.")
    if unfinished:
        sentences.append(f"Not resumed yet, and only with it: sweep {first_names(unfinished)}.")
    return sentences


def _name(sweep: Sweep) -> str:
    return one_line(sweep.plan.options.name or sweep.id)
