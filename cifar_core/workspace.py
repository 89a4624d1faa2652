"""The workspace: the one folder that holds everything people make, in `data/`, `runs/`, `exports/` and `trash/`."""

import contextlib
import errno
import os
from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import StorageError
from cifar_core.storage.atomic import sweep_temp

WORKSPACE_VARIABLE = "CIFAR_WORKSPACE"


@dataclass(frozen=True)
class Workspace:
    """The folders. Only the data layer knows the files in `data`, only the runs layer those in `runs` and `trash`."""

    root: Path

    @property
    def data(self) -> Path:
        """Datasets, a folder each."""
        return self.root / "data"

    @property
    def jobs(self) -> Path:
        """The jobs that prepare datasets, a folder each; the first job creates it."""
        return self.data / ".jobs"

    @property
    def runs(self) -> Path:
        """Runs, a folder each."""
        return self.root / "runs"

    @property
    def exports(self) -> Path:
        """Pictures saved by the person, a folder each time."""
        return self.root / "exports"

    @property
    def trash(self) -> Path:
        """Deleted runs, which can be restored."""
        return self.root / "trash"

    @property
    def deleted_datasets(self) -> Path:
        """Deleted datasets, which can be restored; beside the datasets, because these may lie on a disk of their own.

        The first deletion creates it.
        """
        return self.data / ".trash"

    @property
    def sweeps(self) -> Path:
        """Sweeps, a folder each: what each of them searches and has proposed; the first sweep creates it."""
        return self.root / "sweeps"

    @property
    def deleted_sweeps(self) -> Path:
        """Deleted sweeps, which can be restored; the first deletion creates it."""
        return self.sweeps / ".trash"

    @property
    def notes(self) -> Path:
        """What people noted on the pictures of datasets, a log for each; the first note creates it."""
        return self.root / "notes"

    @property
    def cluster(self) -> Path:
        """The token of a cluster and the node that this machine is of it; the first of them creates it."""
        return self.root / "cluster"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Those that every workspace has."""
        return self.data, self.runs, self.exports, self.trash

    def unwritable(self, *folders: Path) -> Path | None:
        """The first of these folders (without any, of all) that is not writable, as on a DVD; None if all are."""
        return next((folder for folder in folders or self.folders if not os.access(folder, os.W_OK | os.X_OK)), None)


def open_workspace(path: str | Path | None = None) -> Workspace:
    """Open the workspace, creating it on first use: `path`, else $CIFAR_WORKSPACE, else `./workspace`.

    An existing one that can only be read is opened as well; whatever would write in it is refused.

    Raises:
        StorageError: it cannot be created or read; the sentence names the path and how to change it.
    """
    chosen = Path(path or os.environ.get(WORKSPACE_VARIABLE) or "workspace")
    try:
        root = chosen.expanduser().resolve()
        workspace = Workspace(root)
        is_there = workspace.runs.is_dir()
        sweep_temp(root)
        for folder in workspace.folders:
            _create(folder, needed=not is_there)
            sweep_temp(folder)
        with contextlib.suppress(PermissionError):  # the list of jobs reports it
            sweeps = (workspace.sweeps, *workspace.sweeps.glob("*"))
            for folder in (*workspace.jobs.glob("*"), *workspace.data.glob("*"), *sweeps):
                if not folder.is_symlink():  # what lies elsewhere is not ours
                    sweep_temp(folder)
    except (OSError, RuntimeError, ValueError) as error:  # a loop of symbolic links; a zero byte in the path
        reason = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) and error.strerror else error
        raise StorageError(
            f"The workspace {chosen} cannot be used ({reason}): "
            f"give another folder with --workspace or the variable {WORKSPACE_VARIABLE}."
        ) from error
    return workspace


def _create(folder: Path, *, needed: bool) -> None:
    """Create a folder of a workspace; where it is not `needed`, a copy that can only be read may lack it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if needed or error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
    else:
        if not os.access(folder, os.R_OK | os.X_OK):
            raise PermissionError(f"no permission to read {folder}")
