"""The address of a cluster, HOST:PORT of its head, and whether anything answers there."""

import ipaddress
import re
import socket

from cifar_core.errors import ClusterError, ConfigError
from cifar_core.text import one_line

REACH_SECONDS = 5.0  # to reach the head of a cluster
DEFAULT_PORT = 6379  # of a head, as Ray has it
LOOPBACK = "127.0.0.1"
_MAX_PORT = 65535
_SHOWN = 100  # characters
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):([0-9]{1,5})", re.ASCII)


def split_address(address: str) -> tuple[str, int]:
    """Host and port of an address.

    Raises:
        ConfigError: it is none.
    """
    found = _ADDRESS.fullmatch(address)
    port = int(found[2]) if found else 0
    if found is None or not 0 < port <= _MAX_PORT:
        raise ConfigError(
            [f"{one_line(address, _SHOWN)!r} is no address of a cluster: HOST:PORT of its head, as in 10.0.0.5:6379."]
        )
    return found[1].strip("[]"), port


def is_loopback(host: str) -> bool:
    """Whether a host, as a name or a number, means this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_reachable(address: str, seconds: float = REACH_SECONDS) -> None:
    """See whether anything listens at an address.

    Raises:
        ConfigError: it is no address.
        ClusterError: nothing answers within so many seconds.
    """
    host, port = split_address(address)
    try:
        socket.create_connection((host, port), seconds).close()
    except OSError as error:
        raise ClusterError(
            f"No cluster answers at {address} ({error.strerror or error}): start it with `python -m cifar_core cluster "
            "start` on its machine, or correct the address."
        ) from error


def answers(address: str, seconds: float = REACH_SECONDS) -> bool:
    """Whether anything listens at an address; raises ConfigError where it is none."""
    try:
        require_reachable(address, seconds)
    except ClusterError:
        return False
    return True


def own_address_towards(address: str) -> str:
    """The address at which another machine reaches this one; raises ClusterError where there is no way between them."""
    host, port = split_address(address)
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((host, port))  # sends nothing
            return str(probe.getsockname()[0])
    except OSError as error:
        raise ClusterError(f"This machine has no way to {address} ({error.strerror or error}).") from error
