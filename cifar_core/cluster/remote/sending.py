"""Sends a node what it needs to compute a run: the run's files and its datasets, which are there already as a rule."""

from collections.abc import Callable

from cifar_core.cluster.remote.depot import Arrival
from cifar_core.cluster.remote.parcels import dataset_parcel, dataset_pieces, datasets_of, run_pieces
from cifar_core.cluster.remote.pieces import batches
from cifar_core.cluster.remote.seat import Node
from cifar_core.cluster.remote.snapshot import Snapshot
from cifar_core.cluster.remote.steps import AwakeClock, Pause, Steps, ask
from cifar_core.errors import StorageError
from cifar_core.runs.run_folder import RunFolder
from cifar_core.text import size_text

_WAIT_SECONDS = 0.5  # between two looks whether another run of the node has got the dataset
OnSent = Callable[[str], None]  # told what is being sent; it may raise to end that


def send_run(node: Node, clock: AwakeClock, folder: RunFolder, progress: OnSent) -> Steps:
    """Send a run with its datasets; a run that the node had is removed there.

    Args:
        node: which gets it.
        clock: of the caller.
        folder: of the run.
        progress: told now and then what is being sent.

    Returns:
        The `Snapshot` of the files on the node, where nothing has changed them.

    Raises:
        CifarCoreError: something cannot be read here, or not written there; from `progress`.
        NodeLostError: as `ask`.
    """
    yield from ask(node, clock, "prepare", folder.run_id)
    for name in datasets_of(folder):
        yield from _send_dataset(node, clock, folder, name, progress)
    sent = 0
    for group in batches(run_pieces(folder)):
        progress(f"sending the run to its node, {size_text(sent)}" if sent else "sending the run to its node")
        yield from ask(node, clock, "take", group)
        sent += sum(len(piece.content) for piece in group)
    snapshot: Snapshot | None = yield from ask(node, clock, "snapshot")
    if snapshot is None:
        raise StorageError("The files of the run change on its node before it trains there: resume it.")
    return snapshot


def _send_dataset(node: Node, clock: AwakeClock, folder: RunFolder, name: str, progress: OnSent) -> Steps:
    parcel = dataset_parcel(folder.workspace, name)
    while True:
        progress("looking for its pictures on the node")
        arrival: Arrival = yield from ask(node, clock, "announce_dataset", parcel)
        if arrival == "here":
            return
        if arrival == "send":
            break
        yield Pause(_WAIT_SECONDS)
    sent = 0
    for group in batches(dataset_pieces(folder.workspace, parcel)):
        progress(f"sending pictures to the node, {size_text(sent)} of {size_text(parcel.bytes)}")
        yield from ask(node, clock, "take_dataset", group)
        sent += sum(len(piece.content) for piece in group)
    yield from ask(node, clock, "finish_dataset", parcel)
