"""Runs on a real cluster of two nodes: whole, obedient, and going on when a node, their worker or the head is gone."""

import os
import signal
import time

import psutil
import pytest

from cifar_core.config import make_config
from cifar_core.lifecycle.place import Place
from cifar_core.runs import create_run, read_run, resume_run, start_run, stop_run
from cifar_core.workspace import Workspace
from tests.cluster.conftest import TwoNodes
from tests.conftest import save_tiny
from tests.runs.conftest import TINY, wait_for

pytestmark = pytest.mark.cluster

def follow(workspace, run_id, until, timeout=150):
    t = time.monotonic(); last = None
    while time.monotonic() - t < timeout:
        run = read_run(workspace, run_id)
        now = (run.status, run.progress and run.progress.phase, run.progress and run.progress.epoch, run.error)
        if now != last:
            print(f"{time.monotonic() - t:.1f}", *now, flush=True)
        last = now
        if until(run):
            return run
        time.sleep(0.1)
    raise AssertionError

def training(run_id):
    return [p for p in psutil.process_iter(["cmdline", "environ"]) if "cifar_core.runs.training.warm_process" in (p.info["cmdline"] or [])]

LONG = TINY | {"epochs": 500}


def test_lost(two_nodes: TwoNodes, workspace: Workspace) -> None:
    save_tiny(workspace)
    two_nodes.lend(workspace)
    ids = [create_run(workspace, make_config(LONG), place=Place("ray", two_nodes.address)) for _ in "ab"]
    for run_id in ids:
        start_run(workspace, run_id)
    for run_id in ids:
        follow(workspace, run_id, lambda run: run.last and run.last.epoch > 3)
    from cifar_core.cluster.nodes.processes import processes_of
    victim = None
    others = two_nodes.others[0]
    procs = {p for p in processes_of(others.folder)}
    print(procs)
    for p in training(""):
        print(p, p.parent().pid, p.parent().parent().pid, [f for f in p.open_files()][:3])
