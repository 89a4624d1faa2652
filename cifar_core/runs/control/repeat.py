"""Makes a new run from an earlier one: a retry with the same settings or a lower learning rate, or a duplicate with
changed ones. It is computed where the earlier one was.
"""

from collections.abc import Mapping
from typing import Any

from cifar_core.config import RunConfig, make_config, spec_of, with_changes
from cifar_core.errors import RunError
from cifar_core.runs.control.create import create_run
from cifar_core.runs.going_on.starting_point import same_point
from cifar_core.runs.imported.no_network import require_own_network
from cifar_core.runs.listing import read_run
from cifar_core.runs.run import RETRIABLE
from cifar_core.workspace import Workspace

_LOWER = 3  # a diverged run is tried again with its learning rate divided by this: two tries are a power of ten


def retry_run(workspace: Workspace, run_id: str, *, nonce: str = "", person: str = "") -> str:
    """Make a new run with the settings and the seed of one that failed, was interrupted or stopped; that one is kept.

    It begins with the same weights, where that one went on from another run.

    Args:
        workspace: where both runs are.
        run_id: the earlier run, or `latest`.
        nonce, person: as `create_run`.

    Returns:
        The new run's id; `start_run` starts it.

    Raises:
        RunError: no such run, one with another status, or one of imported predictions.
        CifarCoreError: whatever `create_run` refuses.
    """
    run = read_run(workspace, run_id)
    require_own_network(run)
    if run.status not in RETRIABLE:
        raise RunError(
            f"Run {run.id} has the status {run.status}: only a run that was stopped, was interrupted or failed can be "
            "retried; duplicate it instead."
        )
    start = same_point(workspace, run)
    return create_run(
        workspace,
        run.config,
        nonce=nonce,
        person=person,
        parent=run.id,
        lesson=run.lesson,
        place=run.place,
        start=start,
    )


def lower_rate(config: RunConfig) -> float:
    """The learning rate with which a run that diverged is tried again: about a third, with one digit, as 0.3 of 1.

    At the lowest rate that a run may have, it is that one.
    """
    return max(spec_of("learning_rate").low, float(f"{config.optimizer.learning_rate / _LOWER:.1g}"))


def retry_with_lower_rate(workspace: Workspace, run_id: str, *, nonce: str = "", person: str = "") -> str:
    """Make a new run with the settings and the seed of one that diverged, but for its learning rate (`lower_rate`).

    Args:
        workspace: where both runs are.
        run_id: the earlier run, or `latest`.
        nonce, person: as `create_run`.

    Returns:
        The new run's id; `start_run` starts it.

    Raises:
        RunError: no such run, one of imported predictions, one that did not diverge, or one with the lowest learning
            rate that there is.
        CifarCoreError: whatever `create_run` refuses.
    """
    run = read_run(workspace, run_id)
    require_own_network(run)
    rate = lower_rate(run.config)
    if not run.diverged:
        raise RunError(
            f"Run {run.id} did not diverge, so no lower learning rate is chosen for it: duplicate it with the one that "
            "you want."
        )
    if rate >= run.config.optimizer.learning_rate:
        raise RunError(f"Run {run.id} diverged with the lowest learning rate, {rate:g}: duplicate it and change more.")
    config = make_config({**run.config.flat(), "learning_rate": rate})
    start = same_point(workspace, run)
    return create_run(
        workspace, config, nonce=nonce, person=person, parent=run.id, lesson=run.lesson, place=run.place, start=start
    )


def duplicate_run(
    workspace: Workspace, run_id: str, changes: Mapping[str, Any], *, nonce: str = "", person: str = ""
) -> str:
    """Make a new run with the settings of an earlier one and some changes, checked like those of any new run.

    Args:
        workspace: where both runs are.
        run_id: the earlier run, or `latest`.
        changes: setting -> value, as `make_config` takes them; without changes the settings are the same.
        nonce, person: as `create_run`.

    Returns:
        The new run's id; `start_run` starts it.

    Raises:
        ConfigError: listing every change that breaks a rule.
        RunError: no such run, or one of imported predictions.
        CifarCoreError: whatever `create_run` refuses.
    """
    run = read_run(workspace, run_id)
    require_own_network(run)
    config = with_changes(run.config, changes)
    return create_run(workspace, config, nonce=nonce, person=person, parent=run.id, lesson=run.lesson, place=run.place)
