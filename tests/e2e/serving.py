"""An app on a workspace that knows how fast its machine is: else the Train page of each test would measure it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cifar_core.bench import app as bench
from cifar_core.bench.app import App
from cifar_core.models import list_models
from cifar_core.runs.estimate.speed import SPEED_FILE, SPEED_LAYOUT, Costs, MachineSpeed, as_json, machine_name
from cifar_core.storage.json_files import write_json
from cifar_core.workspace import Workspace

_COSTS = Costs(per_step=1e-3, per_picture=1e-5, per_flop=1e-11, per_value=1e-10, forward=0.3)


@contextmanager
def serve(workspace: Workspace, log: Path, **environment: str) -> Iterator[App]:
    """Serve the app on a workspace; arguments as for `cifar_core.bench.app.serve`."""
    speed = MachineSpeed(machine_name(), 1, 3.0, dict.fromkeys(list_models(), _COSTS), {}, layout=SPEED_LAYOUT)
    write_json(workspace.root / SPEED_FILE, as_json(speed))
    with bench.serve(workspace, log, **environment) as app:
        yield app
