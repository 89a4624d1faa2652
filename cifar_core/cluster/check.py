"""Whether a cluster may be used for runs, asked without loading Ray: reached, safe, of our versions, large enough."""

import contextlib
import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.cluster.address import is_loopback, require_reachable, split_address
from cifar_core.cluster.extras import require_ray
from cifar_core.cluster.token import PATH_VARIABLE, TOKEN_VARIABLE, made_up_token, token_environment, token_file
from cifar_core.cluster.versions import Versions, require_same_versions, versions_of
from cifar_core.errors import ClusterError, ConfigError
from cifar_core.lifecycle.place import Place
from cifar_core.processes import Program, child_environment, command_of
from cifar_core.text import counted
from cifar_core.workspace import Workspace

_CHECK_SECONDS = 30.0  # of one process; about half a second where the machine is free
_LISTENS = "0A"  # the state of a listening socket in /proc/net/tcp


@dataclass(frozen=True)
class ClusterNode:
    """One machine of a cluster, as its head knows it."""

    id: str  # of Ray
    host: str
    address: str
    is_head: bool
    is_here: bool  # on this very machine
    cpus: int  # in all
    gpus: int
    versions: Versions | None  # None: it was not started by this program


@dataclass(frozen=True)
class ClusterFacts:
    """A cluster that may be used."""

    address: str
    nodes: tuple[ClusterNode, ...]  # the head first

    def require(self, cpus: int, gpus: int) -> None:
        """Refuse what no node has, because Ray would wait for it without end.

        Raises:
            ClusterError: there is no node at all, as in the last moments of a cluster.
            ConfigError: no node has so many; the sentence names the largest.
        """
        if not self.nodes:
            raise ClusterError(f"The cluster at {self.address} has no node: start it again.")
        if any(node.cpus >= cpus and node.gpus >= gpus for node in self.nodes):
            return
        wanted = [counted(cpus, "CPU")] if cpus else []
        wanted += [counted(gpus, "GPU")] if gpus else []
        largest = max(self.nodes, key=lambda node: (node.gpus, node.cpus) if gpus else (node.cpus, node.gpus))
        most = f"{counted(largest.cpus, 'CPU')} and {counted(largest.gpus, 'GPU')}"
        raise ConfigError(
            [f"No node of the cluster at {self.address} has {' and '.join(wanted)}: the largest has {most}."]
        )


def check_cluster(workspace: Workspace, place: Place) -> ClusterFacts:
    """Whether the runs of a workspace may be computed on a cluster now; takes about a second, at most some 40.

    Args:
        workspace: whose token counts.
        place: of the back end Ray, with its address and what a run asks for.

    Raises:
        ConfigError: the address is none, or no node has what is asked for.
        ClusterError: Ray is not installed, nothing answers, the token is missing or wrong, the cluster is open to
            others, or a node has other versions.
    """
    facts = ask_cluster(workspace, place.address)
    for node in facts.nodes:
        require_same_versions(node.versions, f"Node {node.host} of the cluster at {place.address}")
    if not any(node.is_here for node in facts.nodes):
        raise ClusterError(
            f"This machine is no node of the cluster at {place.address}: let it join first, with `python -m cifar_core "
            f"cluster join {place.address} --cpus 0 --token-file FILE` where it shall compute nothing itself."
        )
    facts.require(place.cpus, place.gpus)
    return facts


def ask_cluster(workspace: Workspace, address: str, token: Path | None = None) -> ClusterFacts:
    """The nodes of a cluster that may be talked to, whatever their versions.

    Args:
        workspace: whose token counts.
        address: of the cluster.
        token: the file of another token that counts instead.

    Raises:
        ConfigError: the address is none.
        ClusterError: Ray is not installed, nothing answers, the token is missing or wrong, or it is open to others.
    """
    require_ray()
    require_reachable(address)
    file = token or token_file(workspace)
    ours = _start_asking(address, token_environment(file))
    others = _start_asking(address, made_up_token())
    answer, answer_to_others = _answer(ours, address), _answer(others, address)
    if "denied" in answer:
        raise ClusterError(_no_entrance(address, file))
    if "denied" not in answer_to_others:
        _require_loopback(address, answer["nodes"])
    facts = ClusterFacts(address, nodes_of(answer["nodes"]))
    facts.require(0, 0)
    return facts


def nodes_of(answer: Iterable[dict[str, Any]]) -> tuple[ClusterNode, ...]:
    """The nodes that a head has named, the head first."""
    return tuple(sorted(map(_node, answer), key=lambda node: (not node.is_head, node.host)))


def _start_asking(address: str, token: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a process that asks the head; the token is in its environment or in a file, never in its arguments."""
    inherited = {
        name: text for name, text in child_environment().items() if name not in (PATH_VARIABLE, TOKEN_VARIABLE)
    }
    return subprocess.Popen(
        command_of(Program.RAY_CHECK, address),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # Ray prints its stack there
        env=inherited | token,
    )


def _answer(process: subprocess.Popen[bytes], address: str) -> dict[str, Any]:
    """What the head answered; raises ClusterError."""
    with process:
        try:
            printed, _ = process.communicate(timeout=_CHECK_SECONDS)
            found = json.loads(printed.splitlines()[-1])
        except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
            process.kill()
            raise ClusterError(
                f"What listens at {address} does not answer as a cluster of Ray does: correct the address, or start "
                "the cluster again."
            ) from error
    return dict(found)


def _no_entrance(address: str, token: Path) -> str:
    if token.exists():
        return (
            f"The cluster at {address} does not accept the token in {token}: copy `cluster/token` of the workspace "
            "where the cluster was started there."
        )
    return (
        f"The cluster at {address} asks for a token, and there is none at {token}: copy `cluster/token` of the "
        "workspace where the cluster was started there, readable by you alone (chmod 600)."
    )


def _node(content: dict[str, Any]) -> ClusterNode:
    names = ("id", "host", "address", "is_head", "is_here", "cpus", "gpus")
    return ClusterNode(**{name: content[name] for name in names}, versions=versions_of(content["labels"]))


def _require_loopback(address: str, nodes: list[dict[str, Any]]) -> None:
    """Refuse a cluster without a token that others can reach: they could run anything there (CVE-2023-48022)."""
    ports = {split_address(address)[1], *(port for node in nodes for port in node["ports"])}
    sessions = {node["session"] for node in nodes}
    if all(is_loopback(node["address"]) for node in nodes) and not _listens_to_others(ports, sessions):
        return
    raise ClusterError(
        f"The cluster at {address} takes commands from everybody who reaches it, for it asks for no token: start it "
        "with `python -m cifar_core cluster start`, which gives it one."
    )


def _listens_to_others(ports: Iterable[int], sessions: Iterable[str]) -> bool:
    """Whether anything of a cluster on this machine listens beyond loopback; True where the system does not tell.

    Args:
        ports: that are known to be of it.
        sessions: folders of Ray; who has a file open there is of it too, such as a dashboard that takes jobs.
    """
    wanted = {f"{port:04X}" for port in ports}
    try:
        tables = [Path("/proc/net", name).read_text("ascii").splitlines()[1:] for name in ("tcp", "tcp6")]
    except OSError:
        return True
    open_to_others = {}  # the socket of each port
    for row in (line.split() for table in tables for line in table):
        host, _, port = row[1].rpartition(":")
        if row[3] == _LISTENS and not _is_loopback_number(host):
            open_to_others[f"socket:[{row[9]}]"] = port
    return bool(wanted & {*open_to_others.values()}) or any(
        files & {*open_to_others} and any(file.startswith(f"{session}/") for file in files for session in sessions)
        for files in map(_open_files, Path("/proc").glob("[0-9]*"))
    )


def _open_files(process: Path) -> set[str]:
    """What a process has open, as the system names it; nothing of one that belongs to somebody else."""
    found = set()
    with contextlib.suppress(OSError):
        for handle in (process / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                found.add(str(handle.readlink()))
    return found


def _is_loopback_number(host: str) -> bool:
    """Whether the address of a row of /proc/net/tcp, in words of four bytes, is loopback (IPv4 also within IPv6)."""
    as_ipv4 = "" if len(host) == 8 else "0000000000000000FFFF0000"
    return (host.startswith(as_ipv4) and host.endswith("7F")) or host == "0" * 24 + "01000000"
