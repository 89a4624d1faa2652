"""Command-line options that several commands share: of every hyperparameter, of an analysis, of where to compute."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from cifar_core.analyse import Analysis, specs_of
from cifar_core.cluster.choice import asked_place
from cifar_core.config import hyperparameters
from cifar_core.lifecycle.place import Place
from cifar_core.spec import Spec, allowed_range
from cifar_core.workspace import Workspace

_ADDRESS_HELP = "Head of the Ray cluster [default: `cluster` in settings.json, else the one started here]"


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for every hyperparameter, in the order of the table; values are checked by `make_config` alone."""
    for _, name, spec, default in reversed(list(hyperparameters())):
        command = _option(name, spec, default)(command)
    return command


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for where the runs are computed; the command takes them out of its options with `take_place`."""
    options = (
        click.option("--backend", metavar="local|ray|slurm", help="Where to train [default local, this machine]"),
        click.option("--address", default="", metavar="HOST:PORT", help=_ADDRESS_HELP),
        click.option("--cpus", default=0, metavar="N", help="Processors of a run on a cluster, and so its threads."),
        click.option("--gpus", default=0, metavar="N", help="GPUs of a run on a cluster."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def take_place(workspace: Workspace, options: dict[str, Any]) -> Place | None:
    """Take the place out of the options of a command; None where none is named.

    Raises:
        ConfigError: it breaks a rule.
    """
    backend, address, cpus, gpus = (options.pop(name) for name in ("backend", "address", "cpus", "gpus"))
    if backend is None and not (address or cpus or gpus):
        return None
    return asked_place(workspace, backend or "local", address, cpus, gpus)


def parameter_options(analysis: Analysis[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option for every parameter of an analysis; the command passes what was `chosen` to `make_parameters`."""

    def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
        defaults = analysis.parameters()
        for name, spec in reversed(specs_of(analysis.parameters).items()):
            command = _option(name, spec, getattr(defaults, name))(command)
        return command

    return with_options


def _option(name: str, spec: Spec, default: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    flag = "--" + name.replace("_", "-")
    if spec.kind == "bool":
        flag = f"{flag}/--no-{name.replace('_', '-')}"
        return click.option(flag, name, default=None, help=_help(spec, "on" if default else "off"))
    shown = ",".join(map(str, default)) if spec.kind == "ints" else str(default)
    return click.option(flag, name, default=None, metavar=_metavar(spec), help=_help(spec, shown))


def chosen(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in settings.items() if value is not None}


def _metavar(spec: Spec) -> str:
    if spec.kind == "choice":
        return "|".join(spec.choices)
    return {"int": "N", "float": "X", "name": "NAME", "ints": ",".join("N" for _ in spec.items)}[spec.kind]


def _help(spec: Spec, default: str) -> str:
    allowed = f"{allowed_range(spec)}; " if spec.high else ""
    return f"{spec.help} [{allowed}default {default}]"
