"""The versions of the machines of a cluster: carried as labels, compared, and both named where they differ."""

import dataclasses
import re
from collections.abc import Iterator

import pytest

from cifar_core.cluster.versions import Versions, labels_of, require_same_versions, versions_here, versions_of
from cifar_core.errors import ClusterError

LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")  # as Ray takes a value
OURS = Versions("3.11.7", "2.60.0", "0.1.0-aaaaaaaaaaaa")


@pytest.fixture(autouse=True)
def ours(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without Ray, too, this machine has some version of it."""
    monkeypatch.setattr("cifar_core.cluster.versions.importlib.metadata.version", lambda _: OURS.ray)
    versions_here.cache_clear()
    yield
    versions_here.cache_clear()


def test_labels_carry_the_versions() -> None:
    labels = labels_of(versions_here())
    assert all(LABEL.fullmatch(text) for text in labels.values())
    assert versions_of({**labels, "ray.io/node-id": "1"}) == versions_here()


def test_a_node_that_we_did_not_start_says_nothing() -> None:
    labels = labels_of(OURS)
    for name in labels:
        assert versions_of({key: text for key, text in labels.items() if key != name}) is None
    with pytest.raises(ClusterError, match="Node a does not say its versions: start every node with"):
        require_same_versions(None, "Node a")


@pytest.mark.fault(75, 100)
@pytest.mark.parametrize(
    ("field", "other", "name"),
    [("python", "3.12.1", "Python"), ("ray", "2.54.0", "Ray"), ("program", "0.1.0-bbbbbbbbbbbb", "this program")],
)
def test_another_version_is_refused_and_both_are_named(field: str, other: str, name: str) -> None:
    here = versions_here()
    require_same_versions(here, "Node a")
    there = dataclasses.replace(here, **{field: other})
    with pytest.raises(ClusterError) as error:
        require_same_versions(there, "Node a")
    assert str(error.value).startswith(
        f"Node a has {name} {other}, but this machine has {name} {getattr(here, field)}:"
    )
