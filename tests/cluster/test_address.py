"""The address of a cluster: what is one, and what is said where nothing answers."""

import socket

import pytest

from cifar_core.cluster.address import answers, is_loopback, own_address_towards, require_reachable, split_address
from cifar_core.errors import ClusterError, ConfigError


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("10.0.0.5:6379", ("10.0.0.5", 6379)),
        ("head.lab:1", ("head.lab", 1)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_an_address_is_host_and_port(address: str, parts: tuple[str, int]) -> None:
    assert split_address(address) == parts


@pytest.mark.parametrize(
    "address", ["", "head", "head:", ":6379", "head:0", "head:65536", "-x:1", "a b:1", "ray://a:1", "a:١"]
)
def test_anything_else_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(ConfigError, match=r"is no address of a cluster: HOST:PORT of its head, as in 10\.0\.0\.5:6379"):
        split_address(address)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("10.0.0.5", False), ("a", False)],
)
def test_loopback_is_told_from_a_network(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.fault(100)
def test_a_port_answers_only_while_something_listens() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert not answers(address)
        server.listen()
        assert answers(address)
    with pytest.raises(ClusterError, match=r"No cluster answers at .* \(Connection refused\): start it with"):
        require_reachable(address)


def test_this_machine_reaches_itself_by_loopback() -> None:
    assert own_address_towards("127.0.0.1:9") == "127.0.0.1"
