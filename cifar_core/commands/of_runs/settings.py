"""The settings of a run, as `runs show` prints them."""

import click

from cifar_core.config import GROUP_TITLES, settings_by_group
from cifar_core.runs import Run


def echo_settings(run: Run) -> None:
    """Print the settings that mean something for the run, by group, each as an option takes it."""
    changed = f", changed: {', '.join(run.changed_settings)}" if run.changed_settings else ""
    click.echo(f"Settings: preset {run.preset}{changed}")
    settings = run.config.flat()
    for group, names in settings_by_group(run.settings_in_effect).items():
        click.echo(GROUP_TITLES[group])
        for name in names:
            value = settings[name]
            click.echo(f"  {name} = {','.join(map(str, value)) if isinstance(value, list) else value}")
