"""`cluster`: begins a cluster of Ray on this machine, joins one, says what it has, ends the node."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cifar_core.cluster.address import DEFAULT_PORT, LOOPBACK, is_loopback
from cifar_core.cluster.check import ClusterFacts, ClusterNode, ask_cluster
from cifar_core.cluster.nodes.record import known_address
from cifar_core.cluster.nodes.start import Offer, join_cluster, start_head, stop_node
from cifar_core.cluster.versions import versions_here
from cifar_core.commands.console import json_option, print_json, say, workspace_option
from cifar_core.text import counted
from cifar_core.workspace import Workspace

_MOST = 10_000  # CPUs or GPUs of a node
_PORT_HELP = f"Port where the head listens [default {DEFAULT_PORT}]"
_ADDRESS_HELP = (
    "Address of this machine in your network, which the others reach; without it the cluster is this machine alone. "
    "With it, a firewall must keep everybody else out (docs/CLUSTER.md)."
)


def _offer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--cpus` and `--gpus`: what the node offers."""
    number = click.IntRange(0, _MOST)
    gpus = click.option("--gpus", type=number, metavar="N", help="GPUs that it offers to runs [default all]")
    cpus = click.option("--cpus", type=number, metavar="N", help="Processors that it offers to runs [default all]")
    return cpus(gpus(command))


@click.group()
def cluster() -> None:
    """Compute runs on several machines with Ray: docs/CLUSTER.md."""


@cluster.command()
@click.option("--address", "host", default=LOOPBACK, metavar="HOST", help=_ADDRESS_HELP)
@click.option("--port", default=DEFAULT_PORT, type=click.IntRange(1, 65535), metavar="N", help=_PORT_HELP)
@_offer_options
@json_option
@workspace_option
def start(workspace: Workspace, host: str, port: int, cpus: int | None, gpus: int | None, as_json: bool) -> None:
    """Begin a cluster on this machine, protected by a token in WORKSPACE/cluster/token."""
    facts = start_head(workspace, Offer(cpus, gpus), host=host, port=port)
    say(f"The cluster is at {facts.address} with {_size(facts)}.")
    if is_loopback(host):
        say("It listens on this machine alone; with --address HOST others could join it.")
    else:
        token = workspace.cluster / "token"
        say(f"Others join with `cluster join {facts.address} --token-file FILE`, FILE a copy of {token}.")
        say("Whoever has the token and reaches its ports runs any code there: let a firewall keep others out.")
    say(f"Train there with --backend ray --address {facts.address}; `cluster stop` ends it.")
    _print(facts, as_json)


@cluster.command()
@click.argument("address", metavar="HOST:PORT")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A copy of cluster/token of the workspace where the cluster was started; it is kept for later.",
)
@_offer_options
@json_option
@workspace_option
def join(
    workspace: Workspace, address: str, token_file: Path | None, cpus: int | None, gpus: int | None, as_json: bool
) -> None:
    """Let this machine be a node of the cluster at HOST:PORT; with --cpus 0 it only starts runs there."""
    facts = join_cluster(workspace, address, Offer(cpus, gpus), token=token_file)
    say(f"The cluster at {address} now has {_size(facts)}, this one among them; `cluster stop` takes it out.")
    _print(facts, as_json)


@cluster.command()
@click.option("--address", default="", metavar="HOST:PORT", help="Which cluster [default that of this workspace]")
@json_option
@workspace_option
def status(workspace: Workspace, address: str, as_json: bool) -> None:
    """Show the nodes of a cluster: processors, GPUs, and the versions that all must share."""
    facts = ask_cluster(workspace, address or known_address(workspace))
    say(f"The cluster at {facts.address} has {_size(facts)}.")
    for node in facts.nodes:
        click.echo(_line(node))
    _print(facts, as_json)


@cluster.command()
@json_option
@workspace_option
def stop(workspace: Workspace, as_json: bool) -> None:
    """End the node that this workspace started here, and no other; of a head the whole cluster ends."""
    ended = stop_node(workspace)
    if ended is None:
        say("Nothing to stop: this workspace has started no node of a cluster.")
    elif ended.is_head:
        say(f"The cluster at {ended.address} has ended; runs that trained there can be resumed.")
    else:
        say(f"This machine has left the cluster at {ended.address}; runs that trained on it go on elsewhere.")
    if as_json:
        print_json({"stopped": ended is not None, "address": ended.address if ended else None})


def _size(facts: ClusterFacts) -> str:
    cpus, gpus = (sum(getattr(node, kind) for node in facts.nodes) for kind in ("cpus", "gpus"))
    words = [counted(len(facts.nodes), "node"), counted(cpus, "CPU"), *([counted(gpus, "GPU")] if gpus else [])]
    return ", ".join(words)


def _line(node: ClusterNode) -> str:
    """A node as a line: what differs from this machine is marked."""
    role = "head" if node.is_head else "node"
    size = f"{counted(node.cpus, 'CPU')}, {counted(node.gpus, 'GPU')}"
    found = node.versions
    if found is None:
        return f"{role}  {node.host} ({node.address})  {size}  versions unknown: no run is computed there"
    other = "" if found == versions_here() else "  (other than here: no run is computed there)"
    return (
        f"{role}  {node.host} ({node.address})  {size}  "
        f"Python {found.python}, Ray {found.ray}, program {found.program}{other}"
    )


def _print(facts: ClusterFacts, as_json: bool) -> None:
    if as_json:
        print_json(asdict(facts))
