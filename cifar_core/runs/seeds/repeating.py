"""Makes further runs of one setting, each with a seed of its own, and queues them."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from cifar_core.config import RunConfig, spec_of
from cifar_core.errors import ConfigError, DataError, RunError, StorageError
from cifar_core.runs.control.actions import remove_unstarted, start_run
from cifar_core.runs.control.create import create_run
from cifar_core.runs.dataset.opening import open_own_dataset
from cifar_core.runs.imported.no_network import require_own_network
from cifar_core.runs.listing import list_runs, read_run
from cifar_core.runs.run import FRESH, MAX_RUN_NAME, Run
from cifar_core.workspace import Workspace

MOST_SEEDS = 20  # further runs at a time
_SEED_IN_NAME = re.compile(r", seed \d+$")


def repeat_with_seeds(workspace: Workspace, run_id: str, k: int, *, nonce: str = "", person: str = "") -> list[str]:
    """Make `k` further runs with the settings of a run and other seeds, and queue them; all of them or none.

    Args:
        workspace: where all of them are.
        run_id: the run that is repeated, or `latest`; it is kept as it is.
        k: how many, 1 to `MOST_SEEDS`.
        nonce: the same text twice gives the same runs, so that a double click makes them once.
        person: as `create_run`.

    Returns:
        The ids of the new runs. Their seeds are the next ones that no run of this setting has.

    Raises:
        ConfigError: `k` is out of range.
        RunError: no such run; it did not begin with fresh weights; or its dataset is another one now.
        CifarCoreError: whatever `create_run` and `start_run` refuse; what this call made has been removed then, but
            for runs that were queued before a later one could not be.
    """
    if isinstance(k, bool) or not 1 <= k <= MOST_SEEDS:
        raise ConfigError([f"The number of seeds is {k}, but must be from 1 to {MOST_SEEDS}."])
    run = read_run(workspace, run_id)
    require_repeatable(workspace, run)
    made: list[str] = []
    with _removed_on_failure(workspace, made):
        for number, config in enumerate(_with_other_seeds(run, list_runs(workspace), k), start=1):
            own = f"{nonce} {number}" if nonce else ""
            name = _name_with_seed(run, config.machine.seed)
            made.append(
                create_run(
                    workspace,
                    config,
                    nonce=own,
                    person=person,
                    parent=run.id,
                    name=name,
                    lesson=run.lesson,
                    place=run.place,
                )
            )
        for started, new in enumerate(made):
            try:
                start_run(workspace, new)
            except StorageError as error:
                raise StorageError(f"{error} Of the {k} runs, {started} were queued before that.") from error
    return made


def require_repeatable(workspace: Workspace, run: Run) -> None:
    """Refuse a run whose settings and seed are not all that it came of.

    Raises:
        RunError: it went on from another run's weights, has no training here, or its dataset is another one now.
    """
    require_own_network(run)
    if run.origin not in FRESH:
        raise RunError(
            f"Run {run.id} did not begin with fresh weights (its origin is “{run.origin}”), so its settings with "
            "another seed would not repeat it: repeat a run that was trained from the start."
        )
    if run.dataset is not None:
        with contextlib.suppress(DataError):  # `create_run` says that it is absent, or has drawn10 drawn again
            open_own_dataset(workspace, run)


def _with_other_seeds(run: Run, runs: list[Run], k: int) -> list[RunConfig]:
    """The run's settings `k` times, with the next seeds above its own that no run with its settings has."""
    taken = {other.config.machine.seed for other in runs if not other.problem and other.seedless == run.seedless}
    most = int(spec_of("seed").high)
    seed = run.config.machine.seed
    free = ((seed + step) % (most + 1) for step in range(1, most + 1))
    seeds = islice((each for each in free if each not in taken), k)
    return [replace(run.config, machine=replace(run.config.machine, seed=each)) for each in seeds]


def _name_with_seed(run: Run, seed: int) -> str:
    """The name of a repeat: that of the run with the seed behind it; none where the run is called by its id."""
    if run.name == run.id:
        return ""
    ending = f", seed {seed}"
    return _SEED_IN_NAME.sub("", run.name)[: MAX_RUN_NAME - len(ending)].rstrip() + ending


@contextlib.contextmanager
def _removed_on_failure(workspace: Workspace, made: list[str]) -> Iterator[None]:
    """Remove the new runs that were not started, where not all can be made."""
    try:
        yield
    except BaseException:  # Ctrl-C, too
        for run_id in made:
            remove_unstarted(workspace, run_id)
        raise
