"""The file of a measurement's figures, in the workspace's folder `bench`; it is rewritten after each part."""

import datetime
import platform
from typing import Any

from cifar_core.runs.estimate.speed import machine_name
from cifar_core.storage.json_files import write_json
from cifar_core.workspace import Workspace


class Record:
    """The figures measured so far, with the command, the time, the machine and the Python version."""

    def __init__(self, workspace: Workspace, command: str) -> None:
        when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        python = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
        self.figures: dict[str, Any] = {"command": command, "when": when, "machine": f"{machine_name()}, {python}"}
        self.file = workspace.root / "bench" / f"{when.replace(':', '')}.json"
        self.file.parent.mkdir(exist_ok=True)

    def keep(self, part: str, figures: dict[str, Any]) -> None:
        """Add the figures of a part and write the file, so that a later failure does not lose them."""
        self.figures[part] = figures
        write_json(self.file, self.figures)
