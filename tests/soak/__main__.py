"""What `make soak` runs: a class at work while processes are killed; it says which promises were kept."""

import sys

import click

from cifar_core.bench.record import Record
from cifar_core.commands.bench import prepare_dataset
from cifar_core.commands.console import json_option, print_json, say, workspace_option
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.errors import CifarCoreError
from cifar_core.workspace import Workspace
from tests.soak.report import report
from tests.soak.size import FULL, QUICK
from tests.soak.soak import measure_soak


@click.command()
@click.option("--dataset", default=DRAWN10_NAME, help="The pictures to train on. [default drawn10]")
@click.option("--quick", is_flag=True, help="A smaller soak: 3 minutes instead of 15.")
@json_option
@workspace_option
def soak(workspace: Workspace, dataset: str, quick: bool, as_json: bool) -> None:
    """Let 30 sessions work while trainings and the server are killed, and say which promises were kept."""
    prepare_dataset(workspace, dataset)
    record = Record(workspace, " ".join(["python -m tests.soak", *sys.argv[1:]]))
    record.keep("soak", measure_soak(workspace, dataset, QUICK if quick else FULL, say=say))
    say("\n".join([record.figures["machine"], *report(record.figures["soak"])]))
    say(f"Written to {record.file}")
    if as_json:
        print_json(record.figures)


def main() -> None:
    """Run the command; what it refuses is one sentence on stderr."""
    try:
        soak()
    except CifarCoreError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
