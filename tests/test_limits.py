"""The limits of a server: the table, the file people edit by hand, and the room on the disk."""

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_core.errors import ConfigError, StorageError
from cifar_core.limits import (
    LIMITS_FILE,
    ServerLimits,
    change_limits,
    folder_bytes,
    limit_table,
    read_limits,
    require_room,
    require_upload,
)
from cifar_core.spec import parse_settings
from cifar_core.text import MB, size_text
from cifar_core.workspace import Workspace


class Disk(NamedTuple):
    """What `shutil.disk_usage` returns."""

    total: int
    used: int
    free: int


def write(workspace: Workspace, content: Any) -> Path:
    path = workspace.root / LIMITS_FILE
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_without_a_file_the_defaults_hold(workspace: Workspace) -> None:
    assert read_limits(workspace) == ServerLimits()
    assert read_limits(workspace).slots == 1
    assert not (workspace.root / LIMITS_FILE).exists()


def test_every_default_keeps_its_own_rule_and_has_its_sentence() -> None:
    table = limit_table()
    found, problems = parse_settings(vars(ServerLimits()), table)
    assert found == vars(ServerLimits())
    assert not problems
    assert all(spec.help.endswith(".") and spec.label for spec in table.values())


def test_a_hand_edited_file_is_picked_up_at_the_next_look(workspace: Workspace) -> None:
    write(workspace, {"slots": 3})
    assert read_limits(workspace) == ServerLimits(slots=3)
    write(workspace, "\ufeff" + json.dumps({"slots": 2, "disk_share": 0.5}))  # as an editor on Windows saves it
    assert read_limits(workspace) == ServerLimits(slots=2, disk_share=0.5)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ('{"slots": NaN}', "NaN is not a number"),
        ("[1]", "must be one JSON object"),
        ("7", "must be one JSON object"),
        ("[" * 50_000, "nested too deep"),
        (" " * 70_000, "more than the 65,536 bytes allowed"),
        ({"slots": 0}, "slots is 0, but must be a whole number from 1 to 64 trainings."),
        ({"slots": True}, "slots is True, but must be a whole number"),
        ({"slots": "many"}, "slots is 'many', but must be a whole number"),
        ({"slots": None}, "slots is None, but must be a whole number"),
        ({"slot": 2}, "There is no setting 'slot' (did you mean 'slots'?)."),
        ({"disk_share": 1.5}, "disk_share is 1.5, but must be a number from 0.01 to 1."),
        ({"trash_days": 10**400}, "trash_days is 1000"),
    ],
)
def test_a_bad_file_is_named_with_field_and_rule(workspace: Workspace, content: Any, words: str) -> None:
    path = write(workspace, content)
    with pytest.raises(ConfigError) as caught:
        read_limits(workspace)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_folder_in_its_place_is_named(workspace: Workspace) -> None:
    (workspace.root / LIMITS_FILE).mkdir()
    with pytest.raises(ConfigError, match=LIMITS_FILE):
        read_limits(workspace)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.dictionaries(st.sampled_from([*limit_table(), "x"]), st.integers() | st.floats() | st.text()))
def test_whatever_stands_in_it_gives_limits_or_our_own_error(workspace: Workspace, content: Any) -> None:
    path = workspace.root / LIMITS_FILE
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    try:
        limits = read_limits(workspace)
    except ConfigError as error:
        assert str(path) in str(error)
    else:
        assert not parse_settings(vars(limits), limit_table())[1]


def test_a_change_keeps_what_else_stands_there(workspace: Workspace) -> None:
    change_limits(workspace, {"slots": 2})
    path = write(workspace, {"upload_mb": 50, "slots": 2})
    change_limits(workspace, {"fair_share": True, "most_epochs": 10})
    assert json.loads(path.read_text("utf-8")) == {"upload_mb": 50, "slots": 2, "fair_share": True, "most_epochs": 10}


@pytest.mark.parametrize(
    ("content", "changes", "words"),
    [
        ({"slots": 2}, {"slots": 0}, "slots is 0, but must be a whole number"),
        ({"slots": 2}, {"slot": 1}, "slot"),
        ("{broken", {"slots": 3}, "cannot be read"),
        ({"uploads": 1}, {"slots": 3}, "uploads"),
    ],
)
def test_a_refused_change_writes_nothing(workspace: Workspace, content: Any, changes: Any, words: str) -> None:
    path = write(workspace, content)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=words):
        change_limits(workspace, changes)
    assert path.read_bytes() == before


def test_no_room_on_the_disk(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Disk(100 * MB, 90 * MB, 10 * MB))
    require_room(workspace, 10 * MB, "The new run")
    with pytest.raises(StorageError, match=r"The new run needs 10.1 MB, but the disk has 10.0 MB free"):
        require_room(workspace, 10 * MB + 100_000, "The new run")


@pytest.mark.fault(52)
def test_uploads_have_a_limit(workspace: Workspace) -> None:
    write(workspace, {"upload_mb": 2})
    require_upload(workspace, 2 * MB, "a.zip")
    with pytest.raises(ConfigError, match=r"a.zip has 2.1 MB, more than the 2.0 MB .*\(upload_mb in settings.json"):
        require_upload(workspace, 2 * MB + 60_000, "a.zip")


def test_the_workspace_fills_its_share_and_no_more(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Disk(100 * MB, 0, 100 * MB))
    write(workspace, {"disk_share": 0.1})
    (workspace.data / "big").write_bytes(b"\0" * (6 * MB))
    require_room(workspace, 3 * MB, "The export")
    with pytest.raises(StorageError, match=r"The export needs 5.0 MB, but the workspace has 4.0 MB left of the 10%"):
        require_room(workspace, 5 * MB, "The export")


def test_the_size_of_a_folder_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"x" * 1000)
    inside = tmp_path / "inside"
    (inside / "deep").mkdir(parents=True)
    (inside / "deep" / "file").write_bytes(b"x" * 10)
    (inside / "loop").symlink_to(inside)
    assert 10 <= folder_bytes(inside) < 1000
    assert folder_bytes(tmp_path / "gone") == 0


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 kB"), (1, "1 kB"), (5 * MB // 2, "2.5 MB"), (3 * 1024 * MB, "3.0 GB")]
)
def test_sizes_in_words(size: int, text: str) -> None:
    assert size_text(size) == text
