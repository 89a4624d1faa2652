"""The command line: `python -m cifar_core data|train|analyze|runs|bench`. Exit codes: 0 done, 2 bad input, 1 failed.

People read stderr; stdout holds results, with `--json` one object as its last line. Nothing here loads torch: training
and importing run as processes of their own, which the commands follow.
"""

import sys

import click

from cifar_core.commands.analyze import analyze
from cifar_core.commands.bench import bench
from cifar_core.commands.data import data
from cifar_core.commands.runs import runs
from cifar_core.commands.train import train
from cifar_core.errors import CifarCoreError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Train a CNN on small pictures and find out what it gets wrong."""


for command in (data, train, analyze, runs, bench):
    cli.add_command(command)


def main() -> int:
    """Run a command; whatever goes wrong is one sentence on stderr unless --debug is among the arguments."""
    debug = "--debug" in sys.argv
    arguments = [item for item in sys.argv[1:] if item != "--debug"]
    if not debug:
        sys.excepthook = _one_sentence
    try:
        result = cli.main(arguments, prog_name="python -m cifar_core", standalone_mode=False)
    except CifarCoreError as error:
        if debug:
            raise
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        return error.exit_code
    except click.Abort:
        click.echo("Cancelled.", err=True)
        return 1
    return result if isinstance(result, int) else 0


def _one_sentence(kind: type[BaseException], error: BaseException, _trace: object) -> None:
    """For what nobody foresaw; Python then exits with 1."""
    click.echo(f"Error: {kind.__name__}: {error} (an unexpected fault; --debug shows where)", err=True)


if __name__ == "__main__":
    sys.exit(main())
