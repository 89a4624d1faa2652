"""The command line with all its commands, and the sentence and exit code for each way they end.

Messages for people go to stderr; stdout has the results, with `--json` one object as its last line. Nothing here loads
PyTorch: training and importing run as processes of their own, which the commands follow.
"""

import sys

import click

from cifar_core.commands.bench import bench
from cifar_core.commands.cluster.cluster import cluster
from cifar_core.commands.data import data
from cifar_core.commands.of_runs.link import link
from cifar_core.commands.of_runs.repeat import repeat
from cifar_core.commands.of_runs.stop import stop
from cifar_core.commands.results.analyze import analyze
from cifar_core.commands.results.calibration import calibration
from cifar_core.commands.results.compare import compare
from cifar_core.commands.results.learning import learning
from cifar_core.commands.results.predictions import predictions
from cifar_core.commands.runs import runs
from cifar_core.commands.startup import DEBUG, one_sentence
from cifar_core.commands.sweeps.sweep import sweep
from cifar_core.commands.train import train
from cifar_core.errors import CifarCoreError
from cifar_core.interrupts import CANCELLED, ignore_ctrl_c, raise_on_ctrl_c


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Train a CNN on small pictures and find out what it gets wrong."""


for command in (data, train, sweep, analyze, calibration, compare, learning, predictions, runs, cluster, bench):
    cli.add_command(command)
runs.add_command(link)
runs.add_command(repeat)
runs.add_command(stop)


def main() -> int:
    """Run a command; every error is one sentence on stderr, unless --debug is among the arguments."""
    debug = DEBUG in sys.argv
    arguments = [item for item in sys.argv[1:] if item != DEBUG]
    if not debug:
        sys.excepthook = one_sentence
    try:
        raise_on_ctrl_c()
        return _run(arguments, debug)
    except KeyboardInterrupt:  # pressed outside of the code that click runs
        return _cancelled()
    finally:
        ignore_ctrl_c()


def _run(arguments: list[str], debug: bool) -> int:
    try:
        return _result(arguments)
    except CifarCoreError as error:
        if debug:
            raise
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        return error.exit_code
    except click.Abort:
        return _cancelled()


def _result(arguments: list[str]) -> int:
    try:
        result = cli.main(arguments, prog_name="python -m cifar_core", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        result = error.exit_code
    sys.stdout.flush()  # here, where a failure can still be reported
    return result if isinstance(result, int) else 0


def _cancelled() -> int:
    ignore_ctrl_c()
    click.echo(CANCELLED, err=True)
    return 1
