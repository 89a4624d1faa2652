"""The datasets of a node: each travels once, whole or not at all, and makes room for others when it is not used."""

from pathlib import Path

import pytest

from cifar_core.cluster.remote import depot as depots
from cifar_core.cluster.remote.depot import DatasetParcel, Depot, link_dataset, shown_datasets
from cifar_core.cluster.remote.parcels import dataset_parcel, dataset_pieces
from cifar_core.cluster.remote.pieces import Piece, batches
from cifar_core.data import open_dataset, require_unchanged
from cifar_core.errors import DataError, StorageError
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny


@pytest.fixture
def parcel(workspace: Workspace) -> DatasetParcel:
    """A dataset of a machine whose disk the node does not see."""
    save_tiny(workspace)
    found = dataset_parcel(workspace, "tiny")
    return DatasetParcel(found.name, found.key, "", found.meta_sha256, found.files)


def depot_in(folder: Path, in_use: set[Path] | None = None) -> Depot:
    folder.mkdir(exist_ok=True)
    return Depot(folder, lambda: in_use or set())


def send(depot: Depot, workspace: Workspace, parcel: DatasetParcel) -> None:
    for group in batches(dataset_pieces(workspace, parcel)):
        depot.take(group)
    depot.finish(parcel)


def test_a_dataset_travels_once_and_is_the_same(workspace: Workspace, parcel: DatasetParcel, tmp_path: Path) -> None:
    depot = depot_in(tmp_path / "datasets")
    assert depot.find(parcel) is None
    assert depot.announce(parcel) == "send"
    send(depot, workspace, parcel)
    assert depot.announce(parcel) == "here"
    node = open_workspace(tmp_path / "node")
    found = depot.find(parcel)
    assert found is not None
    link_dataset(found, node.data / "tiny", parcel)
    opened = open_dataset(node, "tiny")
    require_unchanged(opened)
    assert opened.fingerprint == open_dataset(workspace, "tiny").fingerprint
    assert shown_datasets(node.data) == {found}


def test_a_dataset_on_a_shared_disk_does_not_travel(workspace: Workspace, tmp_path: Path) -> None:
    save_tiny(workspace)
    parcel = dataset_parcel(workspace, "tiny")
    depot = depot_in(tmp_path / "datasets")
    assert depot.announce(parcel) == "here"
    assert depot.find(parcel) == workspace.data / "tiny"
    (workspace.data / "tiny" / "meta.json").write_text("{}")  # another dataset has its place now
    assert depot.announce(parcel) == "send"


def test_another_run_of_the_node_waits_for_the_dataset(
    workspace: Workspace, parcel: DatasetParcel, tmp_path: Path
) -> None:
    first, second = depot_in(tmp_path / "datasets"), depot_in(tmp_path / "datasets")
    assert (first.announce(parcel), second.announce(parcel)) == ("send", "wait")
    first.close()  # it dies in the middle
    assert second.announce(parcel) == "send"
    send(second, workspace, parcel)
    assert first.announce(parcel) == "here"


def test_a_damaged_piece_is_refused_and_nothing_is_kept(
    workspace: Workspace, parcel: DatasetParcel, tmp_path: Path
) -> None:
    depot = depot_in(tmp_path / "datasets")
    depot.announce(parcel)
    piece = next(iter(dataset_pieces(workspace, parcel)))
    with pytest.raises(StorageError, match="arrived with another content"):
        depot.take([Piece(piece.name, 0, b"x" + piece.content[1:], piece.sha256)])
    with pytest.raises(StorageError, match="did not arrive whole"):
        depot.finish(parcel)
    assert depot.find(parcel) is None
    assert [path.name for path in (tmp_path / "datasets").iterdir()] == [f"{parcel.key}.lock"]


@pytest.mark.parametrize("used", [False, True])
def test_the_longest_unused_dataset_makes_room(
    workspace: Workspace, parcel: DatasetParcel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used: bool
) -> None:
    depot = depot_in(tmp_path / "datasets", {tmp_path / "datasets" / parcel.key} if used else None)
    depot.announce(parcel)
    send(depot, workspace, parcel)
    monkeypatch.setattr(depots, "MOST_BYTES", parcel.bytes + 1)
    save_tiny(workspace, "other", seed=5)
    other = dataset_parcel(workspace, "other")
    other = DatasetParcel(other.name, other.key, "", other.meta_sha256, other.files)
    depot.announce(other)
    send(depot, workspace, other)
    assert depot.find(other) is not None
    assert (depot.find(parcel) is not None) == used


def test_a_node_without_room_says_so(parcel: DatasetParcel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depots.Depot, "_free", lambda _self: 1000)
    with pytest.raises(StorageError, match="the disk of the node has 1 kB free"):
        depot_in(tmp_path / "datasets").announce(parcel)


def test_a_broken_dataset_is_not_announced(workspace: Workspace) -> None:
    save_tiny(workspace)
    (workspace.data / "tiny" / "test_ids.npy").unlink()
    with pytest.raises(DataError, match="broken"):
        dataset_parcel(workspace, "tiny")
