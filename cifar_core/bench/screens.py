"""Times the pages in a browser, also while a training runs, on the server (`server.py`), and the first minute."""

import contextlib
import importlib.util
import itertools
import json
import statistics
import subprocess
import time
from typing import Any

from cifar_core.bench.app import find_chromium
from cifar_core.bench.sides import Say, last_line, train
from cifar_core.config import make_config
from cifar_core.errors import RunError, TrainingError
from cifar_core.jobs.job import read_job
from cifar_core.processes import Program, child_environment, command_of
from cifar_core.runs import create_run, epoch_ends, measure_speed, read_run, speed_job, start_run, stop_run
from cifar_core.workspace import Workspace

_SKIPPED = {"skipped": "needs Chromium and the development requirements (make test installs them)"}


def measure_screens(
    workspace: Workspace, dataset: str, *, clicks: int, turns: int, turn_seconds: float, say: Say
) -> dict[str, Any]:
    """Measure the load time of each page, the time of clicks, and the longest time without tiles while paging.

    Args:
        workspace: has the dataset and gets the runs.
        dataset: name of the dataset.
        clicks: number of clicks to time.
        turns: number of turns; in each, the page of a training is open first and then closed.
        turn_seconds: how long the page is open in a turn, and how long it is closed.
        say: called with a line of progress before each part.

    Returns:
        The figures, or only `skipped` with the reason if there is no browser.
    """
    chromium = _browser()
    if chromium is None:
        return _SKIPPED
    measure_speed(workspace)  # else the app would do so of its own accord, while the clicks are timed
    while (job := read_job(speed_job(workspace))) is not None and job.active:
        time.sleep(0.2)
    run_id = train(workspace, make_config({"dataset": dataset, "epochs": 1}, preset="original")).run.id
    say("screens, alone")
    alone = _click(workspace, run_id, chromium, clicks)
    say("screens, the server alone")
    server = _ask(Program.BENCH_SERVER, workspace, run_id, f"--clicks={clicks}")
    say("screens, while a training runs")
    busy = create_run(workspace, make_config({"dataset": dataset, "epochs": 500}, preset="original"))
    start_run(workspace, busy)
    try:
        while (run := read_run(workspace, busy)).active and run.last is None:
            time.sleep(0.2)
        training = _click(workspace, run_id, chromium, clicks, "--only-clicks")
        say("a training that is watched, and then is not")
        watching = _watch(workspace, busy, chromium, turns, turn_seconds)
    finally:
        with contextlib.suppress(RunError):  # the run may have ended by itself
            stop_run(workspace, busy)
    return {
        **alone,
        "server_milliseconds": server,
        "click_milliseconds_while_training": training["click_milliseconds"],
        **watching,
    }


def measure_first_minute(rounds: int, *, say: Say) -> dict[str, Any]:
    """Measure the seconds from the click on "Train your first model" to the first point of the curve.

    Args:
        rounds: how often, each time with a new server and an empty workspace.
        say: called with a line of progress before each part.

    Returns:
        `at_once`: the seconds where the click comes as soon as the page is there. `open_for_half_a_minute`: where it
        comes 30 s later. Or only `skipped` with the reason if there is no browser.
    """
    chromium = _browser()
    if chromium is None:
        return _SKIPPED
    found: dict[str, Any] = {}
    for name, seconds in (("at_once", 0), ("open_for_half_a_minute", 30)):
        say(f"the first minute, {name.replace('_', ' ')}")
        options = (f"--chromium={chromium}", f"--rounds={rounds}", f"--open={seconds}")
        found[name] = _figures(Program.BENCH_FIRST_MINUTE, *options)
    return found


def _browser() -> str | None:
    """The path of Chromium; None where it or what drives it is missing."""
    return find_chromium() if importlib.util.find_spec("playwright") is not None else None


def _watch(workspace: Workspace, run_id: str, chromium: str, turns: int, seconds: float) -> dict[str, Any]:
    """Measure by which share epochs take longer while the training's page is open than while it is closed.

    Also measure the share of all processors' time that the open page uses, which depends less on other load.
    """
    slowing, taken = [], []
    for _ in range(turns):
        seen = _ask(Program.BENCH_BROWSER, workspace, run_id, f"--chromium={chromium}", f"--watch={seconds}")
        watched = _epochs(workspace, run_id, seen["since"], seen["until"])
        begin = time.time()
        time.sleep(seconds)
        slowing.append(watched / _epochs(workspace, run_id, begin, time.time()) - 1)
        taken.append(seen)
    shares = {name: [seen[name] for seen in taken] for name in ("server", "browser")}
    return {"watching_slows_by": slowing, "watching_takes": shares}


def _epochs(workspace: Workspace, run_id: str, since: float, until: float) -> float:
    """Return the median seconds of the epochs that lie wholly between two Unix times.

    Raises:
        TrainingError: no epoch does.
    """
    ends = [end for end in epoch_ends(workspace, run_id) if since <= end <= until]
    if len(ends) < 2:
        raise TrainingError("The epochs are too long on this machine to measure how much an open page slows them.")
    return statistics.median(after - before for before, after in itertools.pairwise(ends))


def _click(workspace: Workspace, run_id: str, chromium: str, clicks: int, *more: str) -> dict[str, Any]:
    return _ask(Program.BENCH_BROWSER, workspace, run_id, f"--chromium={chromium}", f"--clicks={clicks}", *more)


def _ask(program: Program, workspace: Workspace, run_id: str, *more: str) -> dict[str, Any]:
    """Run a program of this package that clicks through the app, and return the figures that it prints."""
    found: dict[str, Any] = _figures(program, f"--workspace={workspace.root}", f"--run={run_id}", *more)
    return found


def _figures(program: Program, *arguments: str) -> Any:
    command = command_of(program, *arguments)
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise TrainingError(f"The screens could not be timed: {last_line(done.stderr)}")
    return json.loads(done.stdout.splitlines()[-1])
