"""The workspace: the one folder that holds everything a person makes. `data/ runs/ exports/ trash/` lie in it."""

import os
from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import StorageError
from cifar_core.files import sweep_temp

VARIABLE = "CIFAR_WORKSPACE"


@dataclass(frozen=True)
class Workspace:
    """Where things lie. Only the data layer knows the files in `data`, only the runs layer those in `runs` and `trash`."""

    root: Path

    @property
    def data(self) -> Path:
        """Datasets, a folder each."""
        return self.root / "data"

    @property
    def jobs(self) -> Path:
        """What is told of datasets on their way, a folder each; made by the first."""
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
        """Deleted runs, which can be brought back."""
        return self.root / "trash"


def open_workspace(path: str | Path | None = None) -> Workspace:
    """Open the workspace, making it on first use: `path`, else $CIFAR_WORKSPACE, else `./workspace`.

    Raises:
        StorageError: it cannot be made or written; the sentence names the path and how to change it.
    """
    chosen = Path(path or os.environ.get(VARIABLE) or "workspace")
    try:
        root = chosen.expanduser().resolve()
        workspace = Workspace(root)
        for folder in (workspace.data, workspace.runs, workspace.exports, workspace.trash):
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(f"no permission to write in {folder}")
            sweep_temp(folder)
        for folder in workspace.jobs.glob("*"):
            sweep_temp(folder)
    except (OSError, RuntimeError, ValueError) as error:  # a loop of symbolic links; a zero byte in the path
        reason = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) and error.strerror else error
        raise StorageError(
            f"The workspace {chosen} cannot be used ({reason}): "
            f"give another folder with --workspace or the variable {VARIABLE}."
        ) from error
    return workspace
