"""Makes a run that goes on from another one: continued for more epochs, or fine-tuned on another dataset."""

from collections.abc import Mapping
from typing import Any

from cifar_core.config import RunConfig, differing, hyperparameters, make_config, spec_of, with_changes
from cifar_core.data import open_dataset
from cifar_core.errors import RunError
from cifar_core.lifecycle.place import Place
from cifar_core.runs.control.create import create_run
from cifar_core.runs.going_on.starting_point import continuing_point, fine_tuning_point
from cifar_core.runs.imported.no_network import require_own_network
from cifar_core.runs.listing import read_run
from cifar_core.runs.run import Run
from cifar_core.workspace import Workspace

_LOWER = 10  # the rate of further epochs is the peak of the run before divided by this, unless it was constant
_SPLIT = {"dataset", "train_share", "own_validation", "validation_share", "seed"}  # decide what validates
_OPTIMIZER = {"optimizer", "momentum"}
_WAY_OUT = " Begin with its weights on another dataset (`train --from`), or start a new run."
_OTHER_NETWORK = "because its weights fit no other network."
_NETWORK = {name for group, name, _, _ in hyperparameters() if group == "model"}


def continued_rate(run: Run) -> float:
    """The learning rate with which a run is continued, unless a person chooses another one.

    A constant rate goes on. A schedule runs anew over the further epochs, from a tenth of its peak; where the run
    continues another one already, its own peak stays.
    """
    settings = run.config.optimizer
    if settings.schedule == "constant" or run.origin == "continued":
        return settings.learning_rate
    return max(spec_of("learning_rate").low, float(f"{settings.learning_rate / _LOWER:.6g}"))


def continue_run(
    workspace: Workspace,
    run_id: str,
    changes: Mapping[str, Any],
    *,
    nonce: str = "",
    person: str = "",
    name: str = "",
    place: Place | None = None,
) -> str:
    """Make a new run that trains a run which has ended for more epochs.

    It begins as `continuing_point` says. Five epochs and five more are not the same as ten: the learning rate follows
    another schedule.

    Args:
        workspace: where both runs are.
        run_id: the earlier run, or `latest`.
        changes: setting -> value, as `make_config` takes them, such as `epochs`: how many more. Dataset, split, seed,
            network, optimiser and momentum stay those of the earlier run.
        nonce, person, name: as `create_run`.
        place: where it is computed; None: where the earlier run was.

    Returns:
        The new run's id; `start_run` starts it.

    Raises:
        ConfigError: listing every change that breaks a rule.
        RunError: no such run, one that cannot be continued, or a change of what must stay.
        CifarCoreError: whatever `create_run` refuses.
    """
    run = read_run(workspace, run_id)
    require_own_network(run)
    config = make_config({**run.config.flat(), "learning_rate": continued_rate(run), **changes})
    _require_same(run, config, _SPLIT, f"else pictures that it has learned from would validate it.{_WAY_OUT}")
    _require_same(run, config, _NETWORK, _OTHER_NETWORK)
    _require_same(run, config, _OPTIMIZER, "because the state of its optimiser fits no other one.")
    point = continuing_point(workspace, run)
    return create_run(
        workspace,
        config,
        nonce=nonce,
        person=person,
        name=name,
        lesson=run.lesson,
        place=place or run.place,
        start=point,
    )


def fine_tune_run(
    workspace: Workspace,
    run_id: str,
    changes: Mapping[str, Any],
    *,
    nonce: str = "",
    person: str = "",
    name: str = "",
    place: Place | None = None,
) -> str:
    """Make a new run that trains the best weights of an earlier run on another dataset.

    Where the classes are others, the last layer is made anew. The learning rate is that of the earlier run, unless it
    is changed: with a tenth of it a new last layer learned nothing in a few epochs.

    Args:
        workspace: where both runs are.
        run_id: the earlier run, or `latest`.
        changes: setting -> value, as `make_config` takes them; `dataset` is one of them. The network stays the same.
        nonce, person, name: as `create_run`.
        place: where it is computed; None: where the earlier run was.

    Returns:
        The new run's id; `start_run` starts it.

    Raises:
        ConfigError: listing every change that breaks a rule.
        DataError: there is no such dataset here.
        RunError: no such run, one without usable weights, its own dataset, or a change of the network.
        CifarCoreError: whatever `create_run` refuses.
    """
    run = read_run(workspace, run_id)
    require_own_network(run)
    config = with_changes(run.config, changes)
    _require_same(run, config, _NETWORK, _OTHER_NETWORK)
    point, dataset = fine_tuning_point(workspace, run), open_dataset(workspace, config.data.dataset)
    if run.dataset is not None and dataset.fingerprint == run.dataset.fingerprint:
        raise RunError(
            f"Run {run.id} was trained on these pictures ({dataset.name}): train it for more epochs instead "
            f"(`train --continue {run.id}`), or name another dataset."
        )
    return create_run(
        workspace,
        config,
        nonce=nonce,
        person=person,
        name=name,
        lesson=run.lesson,
        place=place or run.place,
        start=point,
    )


def _require_same(run: Run, config: RunConfig, kept: set[str], reason: str) -> None:
    """Raise RunError where one of the settings in `kept` is not that of the run."""
    before, now = run.config.flat(), config.flat()
    changed = [name for name in differing([run.config, config]) if name in kept]
    if changed:
        changes = ", ".join(f"{name} {before[name]} -> {now[name]}" for name in changed)
        raise RunError(f"A run that goes on from {run.id} keeps its {' and '.join(changed)} ({changes}), {reason}")
