"""Looks at what a soak left, every run, process and file, and says of each promise whether it was kept."""

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from cifar_core.bench.sides import spread
from cifar_core.data import list_datasets
from cifar_core.errors import CifarCoreError, TrainingError
from cifar_core.runs import list_runs, stop_all, verify_run
from cifar_core.storage.atomic import TEMP_MARK
from cifar_core.text import MB
from cifar_core.workspace import Workspace, open_workspace
from tests.soak.disturbances import Disturbances
from tests.soak.processes import command_line_of, processes_of
from tests.soak.visitor import Event

MEMORY = 150  # MB that a server may have grown by between a first round of clicks and its end
# Open files that the last server may have more of then: pipes to a helper process, requests under way at that moment.
FILES = 16
CLICK = 1000  # ms, the 95th percentile
_END_SECONDS = 60.0  # for processes to end
_OLD = 7200.0  # seconds: an unfinished file of this age is removed when a workspace is opened

Verdict = dict[str, Any]  # `promise`, whether it was `kept`, what was `found`


def judge(disturbances: Disturbances, events: list[Event]) -> dict[str, Any]:
    """End what still trains, look at what is left, and say of each promise whether it was kept.

    Args:
        disturbances: the kills and what was seen meanwhile; the server has ended.
        events: all that the sessions reported.

    Raises:
        TrainingError: there was no click.
    """
    calm = [event for event in events if not _in_gap(event, disturbances)]
    clicks = [event for event in calm if event["what"] == "click"]
    if not clicks:
        raise TrainingError("Nobody clicked in the time there was: this machine is too busy for a soak.")
    promises = {
        "runs": _verdict("no run, no logged epoch, no dataset lost; all whole", _lost(disturbances)),
        "processes": _verdict("no process left, no zombie", _orphans(disturbances)),
        "temp": _verdict("no unfinished file left after the next sweep", _temps(disturbances)),
        **_growth(disturbances),
    }
    whole = _milliseconds(clicks)
    done = dict(Counter(str(event["what"]) for event in events if "failed" not in event))
    promises["clicks"] = _verdict_of_clicks(whole)
    promises["answers"] = _verdict(
        "all uploads and downloads done, nothing unanswered but over a restart",
        [
            f"{done.get(what, 0)} of {wanted} {what}s"
            for what, wanted in (("upload", disturbances.size.uploads), ("download", disturbances.size.downloads))
            if done.get(what, 0) < wanted
        ]
        + [f"{event['what']} on {event['page'] or 'home'}: {event['failed']}" for event in calm if "failed" in event],
    )
    return {
        "minutes": disturbances.size.seconds / 60,
        "sessions": disturbances.size.sessions,
        "browsers": disturbances.size.browsers,
        "click_milliseconds": whole,
        "server_milliseconds": spread([event["server_milliseconds"] for event in clicks if "milliseconds" in event]),
        "done": done,
        "failed_over_restarts": sum("failed" in event and _in_gap(event, disturbances) for event in events),
        "killed": dict(Counter(disturbances.killed)),
        "lives": [vars(life) for life in disturbances.lives],
        "runs": dict(Counter(run.status.value for run in list_runs(disturbances.workspace))),
        "promises": promises,
    }


def _milliseconds(clicks: list[Event]) -> dict[str, dict[str, float]]:
    """How long clicks took: of all sessions, in a browser, over the wire; a group without clicks is left out."""
    groups = {
        "all": clicks,
        "browsers": [event for event in clicks if event["browser"]],
        "wire": [event for event in clicks if not event["browser"]],
    }
    return {
        name: spread([event.get("milliseconds", 1000 * (event["end"] - event["begin"])) for event in group])
        for name, group in groups.items()
        if group
    }


def _verdict_of_clicks(spreads: dict[str, dict[str, float]]) -> Verdict:
    return {
        "promise": f"95 of 100 clicks are answered within {CLICK:,} ms, in browsers and over the wire",
        "kept": all(times["p95"] <= CLICK for times in spreads.values()),
        "found": ", ".join(f"{name} {times['p95']:,.0f} ms" for name, times in spreads.items()),
    }


def _growth(disturbances: Disturbances) -> dict[str, Verdict]:
    """How much more each server held at its end than after a first round of clicks, of those that lived so long.

    Open files are those of the last server, which lives longest: a leak grows with time, while the connections of
    browsers, up to six each, come and go.
    """
    lives = [life for life in disturbances.lives if life.memory_began]
    grown = max((life.memory_ended - life.memory_began for life in lives), default=0) / MB
    opened = lives[-1].files_ended - lives[-1].files_began if lives else 0
    if not lives:
        never = ["no server lived through a first round of clicks"]
        return {"memory": _verdict("memory of the server", never), "files": _verdict("open files of the server", never)}
    return {
        "memory": _bounded("memory of the server grows by at most", grown, MEMORY, "MB"),
        "files": _bounded("open files of the server grow by at most", opened, FILES, "files"),
    }


def _bounded(promise: str, figure: float, most: float, unit: str) -> Verdict:
    return {"promise": f"{promise} {most:,} {unit}", "kept": figure <= most, "found": f"{figure:,.0f} {unit}"}


def _verdict(promise: str, problems: list[str]) -> Verdict:
    return {"promise": promise, "kept": not problems, "found": "; ".join(problems)}


def _in_gap(event: Event, disturbances: Disturbances) -> bool:
    """Whether something was under way while there was no server."""
    return any(event["begin"] < end and event["end"] > begin for begin, end in disturbances.gaps)


def _lost(disturbances: Disturbances) -> list[str]:
    """Runs, epochs and datasets that are not there, or not whole."""
    workspace = disturbances.workspace
    problems = []
    try:
        stop_all(workspace)
    except CifarCoreError as error:
        problems.append(str(error))
    disturbances.note_epochs()
    listed = {run.id for run in list_runs(workspace)}
    problems += disturbances.lost
    problems += [f"run {run_id} is gone" for run_id in disturbances.runs if run_id not in listed]
    problems += [f"{run_id}: {problem}" for run_id in sorted(listed) for problem in verify_run(workspace, run_id)]
    problems += [
        f"dataset {state.name} is {state.state}: {state.problem}"
        for state in list_datasets(workspace)
        if state.state not in ("ready", "absent")
    ]
    return problems


def _orphans(disturbances: Disturbances) -> list[str]:
    """Processes of the workspace that do not end by themselves, now that the server and all trainings have ended."""
    deadline = time.monotonic() + _END_SECONDS
    while (left := processes_of(disturbances.workspace)) and time.monotonic() < deadline:
        time.sleep(0.5)
    zombies = sum(life.zombies for life in disturbances.lives)
    return [command_line_of(process)[:200] for process in left] + ([f"{zombies} zombies"] if zombies else [])


def _temps(disturbances: Disturbances) -> list[str]:
    """Unfinished files that opening the workspace leaves; those of killed processes are first made old enough."""
    for path in _unfinished(disturbances.workspace):
        os.utime(path, (time.time() - _OLD,) * 2, follow_symlinks=False)
    open_workspace(disturbances.workspace.root)
    left = [str(path.relative_to(disturbances.workspace.root)) for path in _unfinished(disturbances.workspace)]
    # Only files: torch makes an empty folder there for its compiler.
    return left + [path.name for path in disturbances.temp.rglob("*") if path.is_file()]


def _unfinished(workspace: Workspace) -> list[Path]:
    return list(workspace.root.rglob(f"*{TEMP_MARK}*"))
