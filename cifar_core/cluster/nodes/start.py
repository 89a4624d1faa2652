"""Starts this machine as the head of a new cluster, or as a node of one that another machine began; ends it again.

What runs is Ray's own command, in a temporary folder of the node: with a token, without dashboard and reports. A head
without an own address listens on loopback only, and no other machine can join it.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cifar_core.cluster.address import DEFAULT_PORT, LOOPBACK, is_loopback, own_address_towards, split_address
from cifar_core.cluster.check import ClusterFacts, ask_cluster
from cifar_core.cluster.extras import require_ray
from cifar_core.cluster.nodes.processes import end_processes, require_linux
from cifar_core.cluster.nodes.record import (
    FOLDER_PREFIX,
    FOLDER_VARIABLE,
    NodeRecord,
    forget_node,
    live_node,
    read_node,
    write_node,
)
from cifar_core.cluster.token import PATH_VARIABLE, TOKEN_VARIABLE, make_token, require_token, take_token, token_file
from cifar_core.cluster.versions import labels_of, require_same_versions, versions_here
from cifar_core.errors import ClusterError
from cifar_core.processes import child_environment
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.workspace import Workspace

_RAY = "ray.scripts.scripts"  # the module of Ray's own command
_FILES = "ray"  # below the folder of the node: Ray opens its own folder to everybody
_START_SECONDS = 120.0  # some two where the machine is free
_SHARED_BYTES = 200 * 1000 * 1000  # of memory that Ray sets aside for large values; ours travel in small pieces
_LONGEST_FOLDER = 40  # characters: a socket's path may have 107 in all


@dataclass(frozen=True)
class Offer:
    """What a node offers to runs."""

    cpus: int | None = None  # None: all that this machine has
    gpus: int | None = None  # None: all that Ray finds here


def start_head(workspace: Workspace, offer: Offer, *, host: str = LOOPBACK, port: int = DEFAULT_PORT) -> ClusterFacts:
    """Begin a cluster on this machine, which others can join where `host` is an address of it that they reach.

    Raises:
        ConfigError: host and port are no address.
        ClusterError: Ray is not installed or did not start, a node runs already, or the address is taken or not ours.
        StorageError: the disk refused.
    """
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    split_address(address)
    _require_possible(workspace)
    _require_free(host, port)
    token = make_token(workspace)
    options = ["--head", f"--port={port}", f"--node-ip-address={host}", "--include-dashboard=false"]
    return _start(workspace, address, token, [*options, *_options(offer)], is_head=True)


def join_cluster(workspace: Workspace, address: str, offer: Offer, *, token: Path | None = None) -> ClusterFacts:
    """Let this machine be a node of a cluster.

    Args:
        workspace: which remembers the node and keeps the token.
        address: of the cluster.
        offer: what the node offers.
        token: file with the token of the cluster; None: the one that the workspace keeps.

    Raises:
        ConfigError: the address is none.
        ClusterError: as `ask_cluster`; or the head has other versions, a node runs already, or it did not start.
        StorageError: the disk refused.
    """
    if is_loopback(split_address(address)[0]):
        raise ClusterError(
            f"A cluster at {address} is for one machine alone: start it with --address and an address of that machine, "
            "and join that one."
        )
    _require_possible(workspace)
    if token:
        require_token(token)
    for node in ask_cluster(workspace, address, token).nodes:
        if node.is_head:
            require_same_versions(node.versions, f"The head of the cluster at {address}")
    file = take_token(workspace, token) if token else token_file(workspace)
    options = [f"--address={address}", f"--node-ip-address={own_address_towards(address)}"]
    return _start(workspace, address, file, [*options, *_options(offer)], is_head=False)


def stop_node(workspace: Workspace) -> NodeRecord | None:
    """End the node that was started from a workspace, with all that runs on it and with its folder; what ended.

    Raises:
        ClusterError: a process of it cannot be ended, or its record cannot be read.
        StorageError: the disk refused.
    """
    record = read_node(workspace)
    if record is None:
        return None
    end_processes(Path(record.folder))
    shutil.rmtree(record.folder, ignore_errors=True)
    forget_node(workspace)
    return record


def _require_possible(workspace: Workspace) -> None:
    """Refuse a second node of a workspace, and a machine that cannot be one; raises ClusterError, StorageError."""
    require_linux()
    require_ray()
    running = live_node(workspace)
    if running:
        raise ClusterError(
            f"This workspace's node of the cluster at {running.address} runs already: end it with "
            "`python -m cifar_core cluster stop`."
        )
    stop_node(workspace)  # what a machine that went down has left


def _require_free(host: str, port: int) -> None:
    """Refuse an address that is not of this machine, or a port that is taken; raises ClusterError."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise ClusterError(
            f"A cluster cannot listen at {host}, port {port} ({error.strerror}): give an address of this machine with "
            "--address, or another port with --port."
        ) from error


def _options(offer: Offer) -> list[str]:
    """Of every node: ports that are free, our versions as labels, little memory set aside."""
    labels = ",".join(f"{name}={text}" for name, text in labels_of(versions_here()).items())
    cpus = len(os.sched_getaffinity(0)) if offer.cpus is None else offer.cpus
    gpus = [] if offer.gpus is None else [f"--num-gpus={offer.gpus}"]
    return [
        f"--num-cpus={cpus}",
        *gpus,
        "--min-worker-port=0",
        "--max-worker-port=0",
        f"--object-store-memory={_SHARED_BYTES}",
        f"--labels={labels}",
        "--include-log-monitor=false",
        "--disable-usage-stats",
    ]


def _start(workspace: Workspace, address: str, token: Path, options: list[str], *, is_head: bool) -> ClusterFacts:
    """Run Ray's command, and see whether the node is there; nothing is left where it is not.

    Raises:
        ClusterError: it did not start.
        StorageError: the disk refused.
    """
    with storage_errors("making the folder of the node"):
        folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX)).resolve()
    write_node(workspace, NodeRecord(address, str(folder), is_head))
    try:
        if len(str(folder)) > _LONGEST_FOLDER:
            raise ClusterError(f"The temporary folder {folder} has too long a path: set TMPDIR to a shorter one.")
        _run_ray(workspace, folder, _environment(address, folder, token), options)
        return ask_cluster(workspace, address)
    except BaseException:
        stop_node(workspace)
        raise


def _environment(address: str, folder: Path, token: Path) -> Mapping[str, str]:
    """The variables of every process of a node."""
    found = {name: text for name, text in child_environment().items() if name not in (TOKEN_VARIABLE, "RAY_ADDRESS")}
    if is_loopback(split_address(address)[0]):
        found["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # with this alone Ray listens on loopback, and nowhere else
    return found | {
        "RAY_AUTH_MODE": "token",
        PATH_VARIABLE: str(token),
        "RAY_USAGE_STATS_ENABLED": "0",
        FOLDER_VARIABLE: str(folder),
    }


def _run_ray(workspace: Workspace, folder: Path, environment: Mapping[str, str], options: list[str]) -> None:
    """Run `ray start`, whose output goes to `cluster/node.log`; raises ClusterError, StorageError."""
    log = workspace.cluster / "node.log"
    command = [sys.executable, "-P", "-m", _RAY, "start", f"--temp-dir={folder / _FILES}", *options]
    try:
        with storage_errors("starting Ray"), open(log, "wb") as output:
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environment,
                timeout=_START_SECONDS,
                check=True,
                start_new_session=True,
            )
    except subprocess.SubprocessError as error:
        raise ClusterError(f"Ray did not start on this machine; what it said is in {log}.") from error
