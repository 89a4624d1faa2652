"""Measures what many pictures take: `python -m cifar_core.bench.scale.measure --pictures=N [--folder=DIR]`.

It makes N training pictures and a tenth as many test pictures in a folder, a zip and a tar. It imports the first two in
one go and the tar killed once in the middle, compares the three, checks the dataset, trains an epoch with one process,
then with several, and prints JSON: seconds and the peak memory of each step, which runs in a process of its own. The
figures are in docs/SCALE.md. Of fewer than 40,000 pictures none is left when the import is killed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cifar_core.bench.scale.made_pictures import make_pictures
from cifar_core.bench.scale.steps import STEPS
from cifar_core.bench.sides import train
from cifar_core.config import make_config
from cifar_core.data import dataset_job, open_dataset
from cifar_core.data.import_findings import spool_folder
from cifar_core.data.sources.own.spool import read_so_far
from cifar_core.processes import Program, child_environment, command_of
from cifar_core.workspace import Workspace, open_workspace

_KILLED_AT = 0.4  # of the pictures
_LOOK_SECONDS = 0.2
_FOLDER, _ZIP, _TAR = "from-folder", "from-zip", "from-tar"  # names of the datasets


def main() -> int:
    """Measure, and print the result after each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="Where everything is made, and stays; else a temporary folder.")
    parser.add_argument("--processes", type=int, default=1, help="That train the epoch once more.")
    parser.add_argument("--step", choices=sorted(STEPS), help="Do one step in this process: for the script itself.")
    parser.add_argument("--name", default=_FOLDER)
    parser.add_argument("--source", default="")
    arguments = parser.parse_args()
    if arguments.step:
        workspace = open_workspace(arguments.folder / "workspace")
        seconds = STEPS[arguments.step](workspace, arguments.name, arguments.source)
        print(json.dumps({"seconds": seconds, "peak_memory_mb": _peak_megabytes()}))
        return 0
    with tempfile.TemporaryDirectory(prefix="cifar-scale-") as passing:
        _measure(arguments.folder or Path(passing), arguments.pictures, arguments.processes)
    return 0


def _measure(folder: Path, pictures: int, processes: int) -> None:
    folder.mkdir(exist_ok=True)
    workspace = open_workspace(folder / "workspace")
    start = time.perf_counter()
    tree, zipped, packed = make_pictures(folder, pictures, pictures // 10)
    _say("made", {"seconds": time.perf_counter() - start})
    _say("import of the folder", _step(folder, "import", _FOLDER, tree))
    _say("import of the zip", _step(folder, "import", _ZIP, zipped))
    killed = _killed_import(folder, workspace, packed)
    _say("import of the tar, killed", killed)
    _say("and gone on", _step(folder, "import", _TAR, packed))
    same = len({open_dataset(workspace, name).fingerprint for name in (_FOLDER, _ZIP, _TAR)}) == 1
    _say("compared", {"the same pictures in the same order": same})
    for step in ("open", "check", "table"):
        _say(step, _step(folder, step, _FOLDER, tree))
    for count in sorted({1, processes}):
        config = {"dataset": _FOLDER, "epochs": 1, "batch_size": 256, "processes": count}
        trained = train(workspace, make_config(config, preset="original"))
        memory, seconds = trained.run.peak_memory, float(trained.metrics.iloc[0]["seconds"])
        _say("an epoch", {"processes": count, "seconds": seconds, "peak_memory_mb": memory and memory / 1e6})


def _say(what: str, found: dict[str, Any]) -> None:
    print(json.dumps({"step": what, **found}), flush=True)


def _command(folder: Path, step: str, name: str, source: Path) -> list[str]:
    return command_of(
        Program.BENCH_SCALE, f"--step={step}", f"--folder={folder}", f"--name={name}", f"--source={source}"
    )


def _step(folder: Path, step: str, name: str, source: Path) -> dict[str, Any]:
    """Do a step in a process; its seconds in all and by phase, and its peak memory."""
    start = time.perf_counter()
    done = subprocess.run(
        _command(folder, step, name, source), env=child_environment(), stdout=subprocess.PIPE, check=True
    )
    return {"all_seconds": time.perf_counter() - start, **json.loads(done.stdout)}


def _killed_import(folder: Path, workspace: Workspace, packed: Path) -> dict[str, Any]:
    """Kill an import once it has read a part of its pictures."""
    spool = spool_folder(dataset_job(workspace, _TAR))
    start = time.perf_counter()
    with subprocess.Popen(_command(folder, "import", _TAR, packed), env=child_environment()) as process:
        done, total = 0, 1
        while done < _KILLED_AT * max(1, total) and process.poll() is None:
            time.sleep(_LOOK_SECONDS)
            done, total = read_so_far(spool)
        process.kill()
    return {"all_seconds": time.perf_counter() - start, "files": read_so_far(spool)[0]}


def _peak_megabytes() -> float:
    """The most memory that this process has had (VmHWM; `ru_maxrss` would count that of its parent too)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


if __name__ == "__main__":
    sys.exit(main())
