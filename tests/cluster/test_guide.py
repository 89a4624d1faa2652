"""docs/CLUSTER.md: 15 commands at most lead from two machines to a sweep over both, and each runs as it stands."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cifar_core.cluster.address import own_address_towards
from cifar_core.cluster.nodes.start import stop_node
from cifar_core.workspace import Workspace, open_workspace
from tests.cluster.conftest import ELSEWHERE, free_port
from tests.conftest import ROOT

GUIDE = (ROOT / "docs" / "CLUSTER.md").read_text("utf-8")
PART = GUIDE.partition("## From two bare machines")[2].partition("\n## ")[0]
# Of the system: other tests see to `make install`, and nobody's firewall is changed here.
NOT_RUN = ("make install EXTRAS=cluster", "source .venv/bin/activate", "sudo ufw allow from ")


def commands() -> list[tuple[str, str]]:
    """The machine and the command of each line, in their order; the last block is for both."""
    on_a, on_b, again, last = (block.splitlines() for block in re.findall(r"^```\n(.*?)^```", PART, re.M | re.S))
    return (
        [("A", line) for line in on_a]
        + [("B", line) for line in on_b]
        + [("A", line) for line in again]
        + [(machine, line) for machine in "BA" for line in last]
    )


def test_the_way_is_short_and_only_known_lines_are_not_run() -> None:
    assert len(commands()) <= 15
    others = [line for _, line in commands() if not line.startswith(("python -m cifar_core ", "scp -p "))]
    assert [line for line in others if not line.startswith(NOT_RUN)] == []


@pytest.fixture
def machines(ray_installed: None, tmp_path: Path) -> Iterator[dict[str, Path]]:
    """The home folders of both; their nodes end with the test."""
    found = {name: tmp_path / name for name in "AB"}
    for folder in found.values():
        folder.mkdir()
    yield found
    for folder in found.values():
        stop_node(Workspace(folder / "workspace"))


def run(line: str, home: Path, other: Path) -> str:
    """Run one line of the guide on a machine; what it printed, or the failure."""
    if line.startswith("scp -p "):
        _, _, source, target = shlex.split(line)
        shutil.copy2(home / source, other / target.partition(":")[2])
        return ""
    words = shlex.split(line.replace("~", str(home)))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *words[1:]], cwd=home, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{line}: {done.stderr[-2000:]}"
    return done.stdout + done.stderr


@pytest.mark.cluster
@pytest.mark.slow
def test_each_command_runs_as_it_stands(machines: dict[str, Path]) -> None:
    here, port = own_address_towards(ELSEWHERE), str(free_port())
    said = []
    for machine, line in commands():
        if line.startswith(NOT_RUN):
            continue
        line = line.replace("10.0.0.5", here).replace(":6379", f":{port}")
        if " cluster start " in line:
            line += f" --port {port}"  # others may use the usual one on this machine
        said.append(run(line, machines[machine], machines["B" if machine == "A" else "A"]))
    workspace = open_workspace(machines["A"] / "workspace")
    assert any("2 nodes" in text for text in said), said
    places = [json.loads(file.read_text()) for file in workspace.runs.glob("*/place.json")]
    assert {place["backend"] for place in places} == {"ray"}
    assert len(places) == 3
    statuses = [json.loads(file.read_text())["status"] for file in workspace.runs.glob("*/status.json")]
    assert statuses == ["finished"] * 3
    assert not list((workspace.cluster).glob("node.json"))
