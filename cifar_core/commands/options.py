"""A command-line option for every hyperparameter, made from the table in `config`."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from cifar_core.config import hyperparameters
from cifar_core.spec import Spec, allowed_range


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for every hyperparameter, in the order of the table; values are checked by `make_config` alone."""
    for _, name, spec, default in reversed(list(hyperparameters())):
        flag = "--" + name.replace("_", "-")
        if spec.kind == "bool":
            flag = f"{flag}/--no-{name.replace('_', '-')}"
            option = click.option(flag, name, default=None, help=_help(spec, "on" if default else "off"))
        else:
            shown = ",".join(map(str, default)) if spec.kind == "ints" else str(default)
            option = click.option(flag, name, default=None, metavar=_metavar(spec), help=_help(spec, shown))
        command = option(command)
    return command


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
