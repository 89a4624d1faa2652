"""Repeats a tiny training, and the creation of a run, with a failure or a crash at a different write each time.

Run as `python -m tests.runs.training.crashes FOLDER [STEP]`; STEP 7 tries every seventh call. For each point of
`faults.POINTS` and each effect it tries one call after the other until a training ends without the fault. After each
training it reopens the workspace, verifies and resumes the run, and compares its results with those of an
uninterrupted training bit by bit, and all other runs byte by byte. It prints the number of calls that it tried, and
exits with 1 and a sentence where a promise was broken. Each training is a fork of this process, which has loaded
torch once and never computes itself, so a case takes a fraction of a second.
"""

import contextlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import torch

from cifar_core.config import make_config
from cifar_core.errors import StorageError
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move, state_without_worker
from cifar_core.runs import create_run, list_runs, read_predictions, read_run, verify_run
from cifar_core.runs.epoch_log import read_lines, read_points
from cifar_core.runs.old_schemas import as_stored, carry_over
from cifar_core.runs.run_folder import RunFolder, checkpoint_files
from cifar_core.runs.training import checkpoints as checkpoints_module
from cifar_core.runs.training import recorder as recorder_module
from cifar_core.runs.training.checkpoints import Checkpoints
from cifar_core.runs.training.process import compute
from cifar_core.storage import faults
from cifar_core.storage.atomic import TEMP_MARK, append_line, sweep_temp
from cifar_core.train import LOWEST_LOSS, best_line, epoch_line, within_epoch
from cifar_core.train.device import make_repeatable
from cifar_core.train.trainer import Trainer
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import ROOT, save_tiny
from tests.fault_injection import BrokenPromiseError, demand, forked, inject_everywhere

SETTINGS: dict[str, Any] = {
    "dataset": "tiny",
    "channels": "3,4",
    "hidden": "8,8",
    "batch_size": 32,
    "epochs": 2,
    "learning_rate": 3e-3,
    "shift": 1,
}
CLOCKS = ("seconds", "images_per_second")


def train(folder: RunFolder, plan: str, journal: Path) -> int:
    """Train as a worker and its training process do, with a checkpoint after every batch.

    Each checkpoint and each metrics line that was written without an error is a line of `journal`.
    """

    def note(event: str) -> None:
        with open(journal, "a", encoding="utf-8") as events:
            events.write(event + "\n")

    def save(self: Checkpoints, trainer: Trainer) -> None:
        real_save(self, trainer)
        note(f"checkpoint {folder.checkpoint(len(trainer.lines), trainer.batch).name}")

    def log(path: Path, line: str, *, durable: bool = True) -> None:
        append_line(path, line, durable=durable)
        if path == folder.metrics:
            note("line")

    real_save = Checkpoints.save
    checkpoints_module.Checkpoints.save = save  # type: ignore[method-assign]
    recorder_module.append_line = log  # type: ignore[attr-defined]
    recorder_module.CHECKPOINT_SECONDS = 0.0
    recorder_module._CHECKPOINT_SHARE = 1e9
    within_epoch._SHARE = 1.0  # few pictures are measured within an epoch too
    move(folder, Status.RUNNING)
    faults.arm(plan)
    code = compute(folder, os.getppid())
    if faults.was_injected():
        note("struck")
    return code


def contents(workspace: Workspace, victim: str) -> dict[str, bytes]:
    """The content of every file of all runs except `victim`."""
    return {
        str(path.relative_to(workspace.runs)): path.read_bytes()
        for run in sorted(workspace.runs.iterdir())
        if run.name not in (victim, ".queue")
        for path in sorted(run.rglob("*"))
        if path.is_file()
    }


def results(folder: RunFolder) -> dict[str, Any]:
    """The results that must be the same bit by bit, in a form that can be compared."""
    lines = [json.loads(line) for line in folder.metrics.read_text("utf-8").splitlines()]
    found: dict[str, Any] = {
        "lines": [{name: value for name, value in line.items() if name not in CLOCKS} for line in lines]
    }
    best = best_line([epoch_line(line) for line in lines], LOWEST_LOSS)
    weights = [folder.weights(best.epoch), folder.last_weights(len(lines))] if best else []
    for path in [*folder.predictions.iterdir(), *folder.training_records.iterdir(), *weights]:
        found[path.name] = path.read_bytes() if path.exists() else b""
    return found


def check_after_crash(workspace: Workspace, folder: RunFolder, events: list[str], expected: dict[str, Any]) -> None:
    """Check what must hold right after a crash, before the run is resumed."""
    runs = {run.id: run for run in list_runs(workspace)}
    demand(not any(run.problem for run in runs.values()), f"unreadable: {[run.problem for run in runs.values()]}")
    status = runs[folder.path.name].status
    demand(status in (Status.FAILED, Status.INTERRUPTED, Status.FINISHED), f"the run is {status}")
    for run_id in runs:
        demand(verify_run(workspace, run_id) == [], f"verify: {verify_run(workspace, run_id)}")
    text = folder.metrics.read_bytes() if folder.metrics.exists() else b""
    whole = [json.loads(line) for line in text.split(b"\n")[:-1]]
    clockless = [{name: value for name, value in line.items() if name not in CLOCKS} for line in whole]
    demand(clockless == expected["lines"][: len(whole)], "logged lines differ")
    logged = events.count("line")
    demand(len(whole) >= logged, f"{logged} lines were logged, {len(whole)} are there")
    saved = [event.split()[1] for event in events if event.startswith("checkpoint")]
    found = [path.name for path in checkpoint_files(folder)]
    # With all epochs logged, only the status `finished` may be missing, and the checkpoints may be gone.
    if saved and len(whole) < SETTINGS["epochs"]:
        demand(found and found[0] >= saved[-1], f"the checkpoint {saved[-1]} was kept, there are {found}")
    demand(len(found) <= 3, f"too many checkpoints: {found}")


def resume(workspace: Workspace, folder: RunFolder, journal: Path) -> None:
    """Resume the run as `resume_run` and a worker do, and check how it ends."""
    if state_without_worker(folder).status is Status.FINISHED:
        return

    def work() -> int:
        if state_without_worker(folder).status is Status.INTERRUPTED:
            move(folder, Status.INTERRUPTED)
        move(folder, Status.QUEUED)
        return train(folder, "", journal)

    code = forked(work)
    run = read_run(workspace, folder.path.name)
    demand(code == 0 and run.status is Status.FINISHED, f"resumed, it ended with {code}: {run.status}, {run.error}")
    demand(run.exact and not run.warnings, f"resumed, it says {run.warnings}")
    demand(not checkpoint_files(folder), "checkpoints are left in a finished run")


def crash(workspace: Workspace, template: Path, straight: RunFolder, plan: str) -> bool:
    """Check a training with one fault; returns whether the fault struck."""
    folder = RunFolder(workspace.runs / template.name)
    journal = workspace.root / "journal"
    shutil.rmtree(folder.path, ignore_errors=True)
    shutil.copytree(template, folder.path)
    journal.write_text("")
    before, expected = contents(workspace, folder.path.name), results(straight)
    code = forked(lambda: train(folder, plan, journal))
    events = journal.read_text("utf-8").splitlines()
    struck = code == faults.EXIT_CODE or "struck" in events
    if not struck:
        demand(code == 0, f"nothing failed, but it ended with {code}")
    check_after_crash(workspace, folder, events, expected)
    resume(workspace, folder, journal)
    demand(results(folder) == expected, "the results differ from those of an uninterrupted training")
    demand(verify_run(workspace, folder.path.name) == [], "not whole after all")
    points, of_all = read_points(folder)[0], read_points(straight)[0]
    demand(len(of_all) > 2 and {*points} <= {*of_all}, f"other points within the epochs: {points}")
    demand(struck or points == of_all, "points within the epochs are missing")
    demand(contents(workspace, folder.path.name) == before, "another run has changed")
    left = [str(path) for path in folder.path.rglob(f"{TEMP_MARK}*")]
    demand(not left, f"unfinished files are left: {left}")
    return struck


def crash_creation(workspace: Workspace, plan: str) -> bool:
    """Check that a run whose creation fails is there whole or not at all; returns whether the fault struck."""
    before = contents(workspace, "")

    def work() -> int:
        faults.arm(plan)
        with contextlib.suppress(StorageError):
            create_run(workspace, make_config(SETTINGS), nonce="made")
        return faults.EXIT_CODE if faults.was_injected() else 0

    struck = forked(work) == faults.EXIT_CODE
    sweep_temp(workspace.runs, older_than=0)
    runs = {run.id: run for run in list_runs(workspace)}
    demand(not any(run.problem for run in runs.values()), f"unreadable: {[run.problem for run in runs.values()]}")
    made = create_run(workspace, make_config(SETTINGS), nonce="made")
    demand(set(runs) <= {run.id for run in list_runs(workspace)}, "a run has vanished")
    demand(read_run(workspace, made).status is Status.QUEUED, "the run cannot be made again")
    shutil.rmtree(workspace.runs / made)
    demand(contents(workspace, "") == before, "another run has changed")
    return struck


def readings(workspace: Workspace, folder: RunFolder) -> dict[str, Any]:
    """What a person sees of a run, in a form that can be compared."""
    run = read_run(workspace, folder.run_id)
    demand(run.best is not None and verify_run(workspace, run.id) == [], f"verify: {verify_run(workspace, run.id)}")
    found: dict[str, Any] = {"best": run.best, "status": run.status, "dataset": run.dataset, "rule": run.epoch_rule}
    for epoch in range(1, len(read_lines(folder)[0]) + 1):
        predictions = read_predictions(workspace, run.id, epoch)
        found[f"probs {epoch}"], found["hash"] = predictions.probs.tobytes(), predictions.hash
    found["weights"] = as_stored(folder).weights(run.best.epoch).read_bytes()  # type: ignore[union-attr]
    return found


def crash_carrying_over(workspace: Workspace, stored: Path, plan: str) -> bool:
    """Check that a run of an earlier schema is carried over whole or not at all; returns whether the fault struck."""
    folder = RunFolder(workspace.runs / stored.name)
    shutil.rmtree(folder.path, ignore_errors=True)
    shutil.copytree(stored, folder.path)
    expected = readings(workspace, folder)

    def work() -> int:
        faults.arm(plan)
        with contextlib.suppress(StorageError):
            carry_over(folder)
        return faults.EXIT_CODE if faults.was_injected() else 0

    struck = forked(work) == faults.EXIT_CODE
    demand(readings(workspace, folder) == expected, "the run reads differently after the fault")
    sweep_temp(folder.path, older_than=0)
    carry_over(folder)
    demand(readings(workspace, folder) == expected, "the run reads differently after it was carried over")
    names = {path.name for path in folder.path.iterdir()}
    demand(not names & {"history", "predictions.npz", "best.safetensors"}, f"the old files are left: {names}")
    demand(type(as_stored(folder)) is RunFolder, "it is still of the earlier schema")
    shutil.rmtree(folder.path)
    return struck


def main() -> int:
    """Run all cases."""
    torch.set_num_threads(1)  # this process must never have threads of torch: they do not survive a fork
    make_repeatable(0)  # loads more of torch, once
    step = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    workspace = open_workspace(sys.argv[1])
    save_tiny(workspace, train=100, test=40)
    config = make_config(SETTINGS)
    straight = RunFolder(workspace.runs / create_run(workspace, config))
    journal = workspace.root / "journal"
    assert forked(lambda: train(straight, "", journal)) == 0, straight.status.read_text("utf-8")
    bystander = RunFolder(workspace.runs / create_run(workspace, config))
    # At an fsync, because the number of writes depends on the clock: progress is written four times a second.
    assert forked(lambda: train(bystander, "fsync:20:eio", journal)) == 1
    queued = workspace.runs / create_run(workspace, config)
    template = workspace.root / queued.name
    queued.rename(template)
    cases = {
        "training": lambda plan: crash(workspace, template, straight, plan),
        "creating a run": lambda plan: crash_creation(workspace, plan),
    }
    for schema in ("schema-1", "schema-2-tied"):
        (stored,) = (ROOT / "tests" / "fixtures" / schema).iterdir()
        cases[f"carrying over {schema}"] = lambda plan, stored=stored: crash_carrying_over(workspace, stored, plan)
    try:
        for name, case in cases.items():
            few = name.startswith("carrying")  # writes, so that more of them are tried
            for kind, struck in inject_everywhere(case, min(step, 10) if few else step).items():
                print(f"{name}: {kind} at {struck} calls")
    except BrokenPromiseError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
