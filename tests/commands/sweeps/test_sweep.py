"""`sweep` on the command line: start, list, show, stop and resume, by their JSON, their sentences and exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest

from cifar_core.commands.sweeps import follow as follow_module
from cifar_core.commands.sweeps import sweep as sweep_module
from cifar_core.limits import LIMITS_FILE
from cifar_core.processes import child_environment
from cifar_core.runs import Status, list_runs, verify_run
from cifar_core.runs.trials.kept import KeptRun
from cifar_core.storage.json_files import write_json
from cifar_core.storage.locks import hold_lock
from cifar_core.sweeps import control
from cifar_core.sweeps.extras import HOW_TO_GET_IT
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.plan_file import write_plan
from cifar_core.sweeps.sweep import read_sweep
from cifar_core.sweeps.trial_file import trial_run_id
from cifar_core.workspace import Workspace
from tests.commands.conftest import call
from tests.conftest import ROOT, save_tiny
from tests.sweeps.crafted_sweeps import SWEEP, add_trial, end_owner, make_sweep

__all__ = ["call"]
TINY = ("--dataset", "tiny", "--channels", "4,6", "--hidden", "16,12", "--batch-size", "8", "--epochs", "2")
RATE = ("--set", "learning_rate=1e-4..1e-1")


@pytest.fixture
def where(workspace: Workspace) -> tuple[str, ...]:
    """The option that names a workspace with tiny pictures."""
    save_tiny(workspace, train=80, test=20)
    return "--workspace", str(workspace.root)


@pytest.fixture
def owner(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[SweepFolder], object]]]:
    """An owner that does the next of these steps at each look of the command, and has ended after the last."""
    steps: list[Callable[[SweepFolder], object]] = []
    held = []

    def folder() -> SweepFolder:
        (path,) = workspace.sweeps.iterdir()
        return SweepFolder(path)

    def begin() -> None:
        end_owner(folder(), "running")
        held.append(hold_lock(folder().job.lock))
        held[-1].__enter__()

    def start(_: Workspace, plan: SweepPlan) -> str:
        found = SweepFolder(workspace.sweeps / plan.id)
        found.path.mkdir(parents=True)
        write_plan(found, plan)
        begin()
        return plan.id

    def step(_: float) -> None:
        if steps:
            steps.pop(0)(folder())
        if not steps:
            held.pop().__exit__(None, None, None)

    monkeypatch.setattr(sweep_module, "start_sweep", start)
    monkeypatch.setattr(sweep_module, "resume_sweep", lambda *_: begin())
    # Not the one `sleep` of all modules: threads that other tests have left call that too.
    monkeypatch.setattr(follow_module, "time", SimpleNamespace(sleep=step, monotonic=time.monotonic))
    yield steps
    for lock in held:
        lock.__exit__(None, None, None)


def trial(number: int, rate: float, *curves: list[float], **more: Any) -> Callable[[SweepFolder], object]:
    return lambda folder: add_trial(folder, number, {"learning_rate": rate}, *curves, **more)


def test_start_says_what_it_searches_shows_each_run_and_prints_the_best(
    call: Any, where: tuple[str, ...], owner: list[Callable[[SweepFolder], object]]
) -> None:
    owner += [
        trial(1, 1e-3, [0.2, 0.4]),
        trial(2, 0.08, [0.1], pruned=True, status="stopped"),
        trial(3, 0.0123456, [0.5, 0.61]),
        end_owner,
    ]
    code, out, err = call("sweep", "start", *TINY, *RATE, "--runs", 3, "--pruner", "median", "--json", *where)
    assert code == 0
    (found,) = (json.loads(line) for line in out.splitlines())
    assert (found["status"], found["runs"], found["planned"]) == ("finished", 3, 3)
    assert found["best"]["value"] == 0.61 and found["best"]["settings"] == {"learning_rate": 0.0123456}
    assert (
        f"Sweep {found['sweep']}: 3 candidates, proposed by TPE, pruned by the median; simple_cnn on tiny, 2 epochs"
        in err
    )
    assert "  Learning rate 0.0001 to 0.1 (in powers)" in err
    lines = [line for line in err.splitlines() if line.startswith("Trial ")]
    assert [line.partition(" (")[0] for line in lines] == [
        "Trial 1: validation accuracy 0.4000, 1.0 s; learning_rate 0.001",
        "Trial 2: pruned after 1 epoch, validation accuracy 0.1000, 1.0 s; learning_rate 0.08",
        "Trial 3: validation accuracy 0.6100, 1.0 s; learning_rate 0.01235",
    ]
    assert "Best: validation accuracy 0.6100 (95 % interval 0.51" in err and "100 validation pictures" in err
    assert f"run {found['best']['run']}." in err


def test_a_sweep_that_does_not_finish_has_exit_code_1_and_its_json(
    call: Any, where: tuple[str, ...], owner: list[Callable[[SweepFolder], object]]
) -> None:
    owner += [trial(1, 1e-3, [0.4]), lambda folder: end_owner(folder, "failed", error="The disk is full.")]
    code, out, err = call("sweep", "start", *TINY, *RATE, "--json", *where)
    assert code == 1 and json.loads(out)["status"] == "failed" and json.loads(out)["best"]["value"] == 0.4
    assert "did not finish (status: failed). The disk is full. To resume it: " in err.splitlines()[-1]
    assert err.endswith(f"sweep resume {json.loads(out)['sweep']}\n")


def test_ctrl_c_stops_the_sweep_and_keeps_what_there_is(
    call: Any, where: tuple[str, ...], owner: list[Callable[[SweepFolder], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(follow_module, "stop_sweep", lambda _, sweep_id: asked.append(sweep_id))
    owner += [
        trial(1, 1e-3, [0.4]),
        lambda _: signal.raise_signal(signal.SIGINT),
        lambda folder: end_owner(folder, "cancelled"),
    ]
    code, out, err = call("sweep", "start", *TINY, *RATE, "--json", *where)
    found = json.loads(out)
    assert code == 1 and (found["status"], found["runs"]) == ("stopped", 1) and asked == [found["sweep"]]
    assert "Stopping the sweep; its runs keep what they have." in err and "Cancelled" not in err


def test_resume_shows_only_what_ends_from_now_on(
    call: Any, where: tuple[str, ...], workspace: Workspace, owner: list[Callable[[SweepFolder], object]]
) -> None:
    folder = make_sweep(workspace, runs=2)
    add_trial(folder, 1, {"learning_rate": 0.1}, [0.3])
    owner += [trial(2, 1e-3, [0.4]), end_owner]
    code, out, err = call("sweep", "resume", "latest", "--json", *where)
    assert code == 0 and json.loads(out)["runs"] == 2 and f"Sweep {SWEEP} goes on." in err
    assert "Trial 2:" in err and "Trial 1:" not in err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "A sweep needs a setting to search"),
        (("--set", "learning_rate=1..100"), "learning_rate is '100', but must be a number from 1e-06 to 10."),
        ((*RATE, "--set", "momentum=0.5..0.9"), "momentum has no effect unless optimizer is"),
        ((*RATE, "--learning-rate", "99"), "learning_rate is '99'"),
        ((*RATE, "--validation-share", "0"), "validation_share is 0, but a sweep is judged on a validation part"),
        ((*RATE, "--sampler", "grid"), "A grid needs listed values"),
        ((*RATE, "--storage", "postgresql://me:pw@host/db"), "PGPASSWORD"),
        ((*RATE, "--start-from", "nobody"), "There is no run"),
        ((*RATE, "--dataset", "nothing"), "nothing"),
        ((*RATE, "--preset", "qick"), "There is no preset 'qick'"),
        ((*RATE, "--name", "x" * 200), "The name has 200 characters"),
        ((*RATE, "--runs", "many"), "'many' is not a valid integer"),
    ],
)
def test_what_is_out_of_range_is_refused_before_anything_is_made(
    call: Any, workspace: Workspace, where: tuple[str, ...], options: tuple[str, ...], sentence: str
) -> None:
    code, out, err = call("sweep", "start", *TINY, *options, "--json", *where)
    assert code == 2 and out == ""
    (line,) = err.splitlines()
    assert line.startswith("Error: ") and sentence in line
    assert not workspace.sweeps.exists() and not list_runs(workspace)


def test_without_optuna_one_sentence_says_how_to_get_it(
    call: Any, workspace: Workspace, where: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "has_optuna", lambda: False)
    code, _, err = call("sweep", "start", *TINY, *RATE, *where)
    assert code == 2 and err == f"Error: {HOW_TO_GET_IT}\n" and not workspace.sweeps.exists()
    make_sweep(workspace)
    code, _, err = call("sweep", "resume", "latest", *where)
    assert code == 2 and HOW_TO_GET_IT in err
    assert call("sweep", "list", *where)[0] == 0, "looking needs no Optuna"


@pytest.mark.parametrize(
    ("options", "planned", "words"),
    [
        (("--seeds", 2), 12, "6 candidates with 2 seeds each, each combination once;"),
        (("--runs", 4), 4, "4 candidates, the first of 6 combinations;"),
    ],
)
def test_a_grid_has_all_of_its_combinations_unless_runs_says_fewer(
    call: Any,
    where: tuple[str, ...],
    owner: list[Callable[[SweepFolder], object]],
    options: tuple[object, ...],
    planned: int,
    words: str,
) -> None:
    owner += [end_owner]
    texts = ("--set", "learning_rate=0.001|0.01|0.1", "--set", "flip=true|false")
    code, out, err = call("sweep", "start", *TINY, *texts, "--sampler", "grid", *options, "--json", *where)
    assert code == 0 and json.loads(out)["planned"] == planned and words in err


def test_its_own_settings_outside_of_the_space_are_named(
    call: Any, where: tuple[str, ...], owner: list[Callable[[SweepFolder], object]]
) -> None:
    owner += [end_owner]
    _, _, err = call("sweep", "start", *TINY, *RATE, "--learning-rate", 1, "--preset", "quick", *where)
    assert (
        "The settings that it begins with (learning_rate 1) lie outside of what is searched: they are not tried." in err
    )
    assert "validation_share is set to 0.1" in err


def test_sweeps_are_listed_and_shown(call: Any, workspace: Workspace, where: tuple[str, ...]) -> None:
    code, out, err = call("sweep", "list", *where)
    assert code == 0 and out == "" and "There is no sweep yet. Start one: python -m cifar_core sweep start" in err
    folder = make_sweep(workspace, runs=4, seeds=2, name="Night", start_points=[{"learning_rate": 0.001}])
    runs = add_trial(folder, 1, {"learning_rate": 0.01}, [0.5], [0.7])
    end_owner(folder, "cancelled")
    broken = make_sweep(workspace, sweep_id="zany-owl-1")
    broken.plan.write_text("{", "utf-8")
    code, out, _ = call("sweep", "list", *where)
    head, row, problem = out.splitlines()
    assert head.split() == ["SWEEP", "STATUS", "RUNS", "BEST", "VALIDATION", "RUN", "DATASET", "CREATED", "(UTC)"]
    assert row.split() == [
        SWEEP,
        "(Night)",
        "stopped",
        "2",
        "of",
        "4",
        "0.6000",
        runs[1],
        "tiny",
        "2026-11-29",
        "10:00",
    ]
    assert row.index("stopped") == head.index("STATUS") and "zany-owl-1" in problem
    listed = json.loads(call("sweep", "list", "--json", *where)[1])["sweeps"]
    assert [(each["sweep"], each["runs"]) for each in listed] == [(SWEEP, 2), ("zany-owl-1", 0)]
    assert {"sweep", "status", "runs", "best"} <= listed[0].keys() and "trials" not in listed[0]
    shown = json.loads(call("sweep", "show", SWEEP, "--json", *where)[1])
    assert shown["best"]["value"] == pytest.approx(0.6) and shown["best"]["run"] == runs[1]
    assert [{name: each[name] for name in ("run", "status", "value", "settings")} for each in shown["trials"]] == [
        {"run": run, "status": "finished", "value": value, "settings": {"learning_rate": 0.01}}
        for run, value in zip(runs, (0.5, 0.7), strict=True)
    ]
    text = call("sweep", "show", "latest", *where)[1]
    assert f"Sweep {SWEEP} (Night) on tiny: stopped, 2 of 4 runs, best 0.6000." in text
    assert "It was stopped. Resume it, and it goes on where it was." in text and "2 seeds" in text
    assert "points above" not in text, "nothing is compared before two candidates have finished"
    add_trial(folder, 2, {"learning_rate": 0.001}, [0.4], [0.4])
    text_of_two = call("sweep", "show", SWEEP, *where)[1].replace("\u00a0", " ")
    assert "20.0 points above the settings that it began with (95 % interval" in text_of_two
    rows = [line.split()[:4] for line in text.splitlines()]
    assert all(["1", str(seed), run, "finished"] in rows for seed, run in enumerate(runs))


def test_a_candidate_that_could_not_be_made_says_why(call: Any, workspace: Workspace, where: tuple[str, ...]) -> None:
    folder = make_sweep(workspace, runs=1)
    add_trial(folder, 1, {"learning_rate": 0.01})
    run_id = trial_run_id(SWEEP, 1, 0)
    folder.runs.mkdir()
    kept = KeptRun(run_id, 1, 0, "failed", None, (), 0.0, refused="Too few pictures.")
    (folder.runs / f"{run_id}.json").write_text(json.dumps(asdict(kept)))
    text = call("sweep", "show", SWEEP, *where)[1]
    assert "Trial 1 was not trained: Too few pictures." in text
    assert f"{run_id} (not made)" in text and "(deleted)" not in text
    trial = json.loads(call("sweep", "show", SWEEP, "--json", *where)[1])["trials"][0]
    assert (trial["status"], trial["deleted"], trial["refused"]) == ("failed", False, "Too few pictures.")


@pytest.mark.parametrize("command", ["show", "stop", "resume"])
def test_a_sweep_that_is_not_there_is_a_sentence(call: Any, where: tuple[str, ...], command: str) -> None:
    for name in ("nobody", "../x", "latest"):
        code, out, err = call("sweep", command, name, "--json", *where)
        assert code == 2 and out == "" and err.startswith("Error: There is no sweep")


def test_only_a_running_sweep_can_be_stopped(call: Any, workspace: Workspace, where: tuple[str, ...]) -> None:
    end_owner(make_sweep(workspace))
    code, _, err = call("sweep", "stop", SWEEP, *where)
    assert code == 2 and f"Sweep {SWEEP} is not running" in err
    code, _, err = call("sweep", "resume", SWEEP, *where)
    assert code == 2 and f"Sweep {SWEEP} is finished" in err


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal of POSIX")
def test_a_real_sweep_is_stopped_by_ctrl_c_and_resumed(call: Any, workspace: Workspace, where: tuple[str, ...]) -> None:
    write_json(workspace.root / LIMITS_FILE, {"slots": 2})
    options = (*TINY, *RATE, "--epochs", "30", "--runs", "4", "--json", *where)
    command = [sys.executable, "-m", "cifar_core", "sweep", "start", *options]
    process = subprocess.Popen(
        command, cwd=ROOT, env=child_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Trial "):
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=60)
    stopped = json.loads(out.splitlines()[-1])
    assert process.returncode == 1 and stopped["status"] == "stopped", err
    assert 1 <= stopped["runs"] < 4
    code, out, err = call("sweep", "resume", stopped["sweep"], "--json", *where)
    assert code == 0, err
    found = json.loads(out)
    assert (found["status"], found["runs"]) == ("finished", 4)
    runs = list_runs(workspace)
    assert len(runs) == 4 and {run.status for run in runs} == {Status.FINISHED}
    assert all(verify_run(workspace, run.id) == [] for run in runs)
    best = max(runs, key=lambda run: run.best.validation_accuracy if run.best and run.best.validation_accuracy else 0)
    assert best.best is not None and best.best.validation_accuracy == found["best"]["value"]
    assert read_sweep(workspace, "latest").id == found["sweep"]
