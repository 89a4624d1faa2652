"""What the soak says of what is left: each verdict can fail."""

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from cifar_core.storage.atomic import TEMP_MARK
from cifar_core.workspace import WORKSPACE_VARIABLE, Workspace
from tests.soak import verdicts
from tests.soak.disturbances import ServerLife


def after(workspace: Workspace, **more: Any) -> Any:
    """Disturbances after their end, as far as a verdict looks at them."""
    temp = workspace.root.parent / "temp"
    temp.mkdir()
    return SimpleNamespace(workspace=workspace, temp=temp, lives=[ServerLife(0.0, 100)], **more)


def test_where_no_server_lived_through_a_first_round_no_promise_of_memory_is_kept() -> None:
    growth = verdicts._growth(SimpleNamespace(lives=[ServerLife(0.0, 100)]))  # type: ignore[arg-type]
    assert not growth["memory"]["kept"] and not growth["files"]["kept"]


def test_a_process_left_behind_and_a_zombie_are_found(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "_END_SECONDS", 0.0)
    seen = after(workspace)
    assert verdicts._orphans(seen) == []
    environment = {**os.environ, WORKSPACE_VARIABLE: str(workspace.root)}
    left = subprocess.Popen([sys.executable, "-c", "input('left behind')"], stdin=subprocess.PIPE, env=environment)
    try:
        (found,) = verdicts._orphans(seen)
        assert "left behind" in found
    finally:
        left.communicate()
    seen.lives[0].zombies = 2
    assert verdicts._orphans(seen) == ["2 zombies"]


def test_an_unfinished_file_is_found_only_where_the_next_opening_leaves_it(workspace: Workspace) -> None:
    seen = after(workspace)
    (workspace.data / f"{TEMP_MARK}swept").write_bytes(b"")
    assert verdicts._temps(seen) == []
    (seen.temp / "upload").write_bytes(b"")
    (workspace.root / "bench").mkdir()
    (workspace.root / "bench" / f"{TEMP_MARK}kept").write_bytes(b"")
    assert verdicts._temps(seen) == [f"bench/{TEMP_MARK}kept", "upload"]
