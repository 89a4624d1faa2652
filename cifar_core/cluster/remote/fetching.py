"""Fetches what a run has written on its node: the log at once, the files by snapshots of its folder there."""

from cifar_core.cluster.remote.mirror import Mirror
from cifar_core.cluster.remote.pieces import Piece
from cifar_core.cluster.remote.seat import Node
from cifar_core.cluster.remote.service import Report
from cifar_core.cluster.remote.snapshot import Snapshot
from cifar_core.cluster.remote.steps import AwakeClock, Pause, Steps, ask
from cifar_core.jobs.log import append_bounded
from cifar_core.runs.run_folder import RunFolder

_MOST_NAMES = 500  # of one call
_AGAIN_SECONDS = 0.1  # until files that have just changed are looked for again


class Fetching:
    """What has come of one run."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._mirror = Mirror(folder)
        self.log_end = 0  # bytes of the log on the node that have come

    @property
    def digest(self) -> str:
        """Of the snapshot that the run's folder is like."""
        return self._mirror.digest

    def sent(self, snapshot: Snapshot) -> None:
        """The node has just got all files from here."""
        self._mirror.sent(snapshot)
        self.log_end = 0

    def take_log(self, report: Report) -> None:
        """Add what the run has printed to its log here."""
        if report.log:
            append_bounded(self._folder.log, report.log)
        self.log_end = report.log_end

    def bring(self, node: Node, clock: AwakeClock, snapshot: Snapshot) -> Steps:
        """Bring the files of a snapshot; whether all have come, which those that have changed since do not.

        Raises:
            StorageError: the disk here refused.
            NodeLostError: as `ask`.
        """
        versions = dict(self._mirror.missing(snapshot))
        offsets = dict.fromkeys(versions, 0)
        is_whole = True
        while offsets:
            wanted = [(name, versions[name], offset) for name, offset in list(offsets.items())[:_MOST_NAMES]]
            pieces, changed = yield from ask(node, clock, "read", wanted)
            for name in changed:
                is_whole = False
                del offsets[name]
            for piece in pieces:
                self._take(piece, versions, offsets)
        if is_whole:
            self._mirror.complete(snapshot)
        return is_whole

    def bring_all(self, node: Node, clock: AwakeClock) -> Steps:
        """Bring the files of a run that does not train any more, until nothing is missing; raises as `bring`."""
        while True:
            snapshot = yield from ask(node, clock, "snapshot")
            if snapshot is not None and (
                snapshot.digest == self.digest or (yield from self.bring(node, clock, snapshot))
            ):
                return
            yield Pause(_AGAIN_SECONDS)

    def close(self) -> None:
        """Remove what has not arrived whole."""
        self._mirror.close()

    def _take(self, piece: Piece, versions: dict[str, tuple[int, int, int]], offsets: dict[str, int]) -> None:
        if self._mirror.take(piece, versions[piece.name]):
            del offsets[piece.name]
        else:
            offsets[piece.name] = piece.offset + len(piece.content)
