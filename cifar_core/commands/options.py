"""Command-line options made from specs: of every hyperparameter in `config`, and of the parameters of an analysis."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from cifar_core.analyse import Analysis, specs_of
from cifar_core.config import hyperparameters
from cifar_core.spec import Spec, allowed_range


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for every hyperparameter, in the order of the table; values are checked by `make_config` alone."""
    for _, name, spec, default in reversed(list(hyperparameters())):
        command = _option(name, spec, default)(command)
    return command


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
