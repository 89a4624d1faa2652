"""A new run from an earlier one: the same once more, or with changes. Writes the new run's folder alone."""

from collections.abc import Mapping
from typing import Any

from cifar_core.config import make_config
from cifar_core.errors import RunError
from cifar_core.runs.control.create import create_run
from cifar_core.runs.listing import read_run
from cifar_core.runs.run import RETRIABLE
from cifar_core.workspace import Workspace


def retry_run(workspace: Workspace, run_id: str, *, nonce: str = "", person: str = "") -> str:
    """Make a new run with the settings and the seed of one that failed, was interrupted or stopped; that one stays.

    Args:
        workspace: where.
        run_id: the earlier run, or `latest`.
        nonce, person: as `create_run`.

    Returns:
        The new run's id; `start_run` sets it going.

    Raises:
        RunError: no such run, or one that did not end that way.
        CifarCoreError: whatever `create_run` refuses.
    """
    run = read_run(workspace, run_id)
    if run.status not in RETRIABLE:
        raise RunError(f"Run {run.id} is {run.status}: only one that was stopped, was interrupted or failed can be "
                       "retried; duplicate it instead.")  # fmt: skip
    return create_run(workspace, run.config, nonce=nonce, person=person, made_from=run.id)


def duplicate_run(
    workspace: Workspace, run_id: str, changes: Mapping[str, Any], *, nonce: str = "", person: str = ""
) -> str:
    """Make a new run with the settings of an earlier one and changes on top, checked like those of any new run.

    Args:
        workspace: where.
        run_id: the earlier run, or `latest`.
        changes: setting -> value, as `make_config` takes them; none makes the same run once more.
        nonce, person: as `create_run`.

    Returns:
        The new run's id; `start_run` sets it going.

    Raises:
        ConfigError: listing every change that breaks a rule.
        RunError: no such run.
        CifarCoreError: whatever `create_run` refuses.
    """
    run = read_run(workspace, run_id)
    config = make_config({**run.config.flat(), **changes})
    return create_run(workspace, config, nonce=nonce, person=person, made_from=run.id)
