"""New runs from earlier ones, and what a person may have of them. Nothing is trained here."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from cifar_core.config import make_config
from cifar_core.errors import ConfigError, DataError, RunError, StorageError
from cifar_core.lifecycle.states import Verb
from cifar_core.lifecycle.status import move
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import Status, create_run, delete_run, duplicate_run, list_runs, read_run, rename_run, retry_run
from cifar_core.runs.control import admission
from cifar_core.runs.control.admission import run_bytes
from cifar_core.runs.run import RETRIABLE
from cifar_core.runs.run_folder import run_folder
from cifar_core.text import MB
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import ended_run, snapshot

SEEDED = make_config({"seed": 7, "epochs": 3, "channels": "4,6"})


@pytest.mark.parametrize("status", list(Status))
def test_a_retry_is_the_same_run_once_more(workspace: Workspace, status: Status) -> None:
    old = ended_run(workspace, status, SEEDED)
    rename_run(workspace, old, "first try")
    before = snapshot(workspace.runs / old)
    if status not in (*RETRIABLE, Status.RUNNING):  # one that says so without a process was interrupted
        with pytest.raises(RunError, match=f"Run {old} is "):
            retry_run(workspace, old)
        assert [run.id for run in list_runs(workspace)] == [old]
        return
    new = read_run(workspace, retry_run(workspace, old, person="ada@example.org"))
    assert new.id != old
    assert (new.config, new.status, new.made_from, new.person) == (SEEDED, Status.QUEUED, old, "ada@example.org")
    assert new.name == new.id
    assert snapshot(workspace.runs / old) == before


def test_two_clicks_on_retry_make_one_run(workspace: Workspace) -> None:
    old = ended_run(workspace, Status.FAILED)
    assert retry_run(workspace, old, nonce="a click") == retry_run(workspace, old, nonce="a click")
    assert len(list_runs(workspace)) == 2


def test_a_duplicate_takes_changes_on_top(workspace: Workspace) -> None:
    old = ended_run(workspace, Status.FINISHED, SEEDED)
    new = read_run(workspace, duplicate_run(workspace, "latest", {"epochs": "9", "dropout": 0.5}))
    assert new.config == make_config({**SEEDED.flat(), "epochs": 9, "dropout": 0.5})
    assert new.made_from == old
    assert read_run(workspace, old).made_from == ""


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": value}, "learning_rate is")
        for value in (0, -1, 1e9, float("nan"), "0.1abc", True, None, 10**400)
    ] + [({"epoch": 3}, "no setting 'epoch'"), ({"patience": 3, "validation_share": 0}, "needs a validation part")],
)  # fmt: skip
def test_changes_that_break_a_rule_make_no_folder(workspace: Workspace, changes: dict[str, object], words: str) -> None:
    old = ended_run(workspace)
    before = snapshot(workspace.root)
    with pytest.raises(ConfigError, match=words):
        duplicate_run(workspace, old, changes)
    assert snapshot(workspace.root) == before


def test_a_dataset_that_is_gone_makes_no_run(workspace: Workspace) -> None:
    save_tiny(workspace)
    old = ended_run(workspace, Status.FAILED, make_config({"dataset": "tiny"}))
    shutil.rmtree(workspace.data / "tiny")
    with pytest.raises(DataError, match="no dataset named tiny"):
        retry_run(workspace, old)
    with pytest.raises(RunError, match="There is no run 'x'"):
        duplicate_run(workspace, "x", {})
    assert len(list_runs(workspace)) == 1


# What one person may have


def limit(workspace: Workspace, **limits: object) -> None:
    (workspace.root / LIMITS_FILE).write_text(json.dumps(limits))


def test_a_person_has_no_more_runs_than_allowed(workspace: Workspace) -> None:
    limit(workspace, runs_per_person=2)
    first = create_run(workspace, make_config(), person="ada")
    create_run(workspace, make_config(), person="ada")
    create_run(workspace, make_config(), person="bob")
    before = snapshot(workspace.root)
    with pytest.raises(RunError, match=r"2 runs of ada are training or waiting, and one person may have 2 here"):
        create_run(workspace, make_config(), person="ada")
    assert snapshot(workspace.root) == before
    move(run_folder(workspace, first), Verb.STOP)
    create_run(workspace, make_config(), person="ada")


def test_without_a_login_everybody_is_the_same_person(workspace: Workspace) -> None:
    limit(workspace, runs_per_person=1)
    create_run(workspace, make_config(), nonce="one")
    assert create_run(workspace, make_config(), nonce="one"), "a double click is no second run"
    with pytest.raises(RunError, match=r"^1 run is training or waiting.*runs_per_person in settings.json"):
        create_run(workspace, make_config())


def test_many_at_once_get_no_more_than_allowed(workspace: Workspace) -> None:
    limit(workspace, runs_per_person=3)

    def ask(_number: int) -> bool:
        try:
            create_run(workspace, make_config(), person="ada")
        except RunError:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(ask, range(10))) == 3
    assert len(list_runs(workspace)) == 3


def test_a_maker_of_runs_that_hangs_is_not_waited_for_without_end(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_LOCK_SECONDS", 0.0)
    with admission.runs_changed_by_one(workspace), pytest.raises(StorageError, match="Another run is being made"):
        create_run(workspace, make_config())
    assert list_runs(workspace) == []


def test_a_broken_settings_file_makes_no_run_and_is_named(workspace: Workspace) -> None:
    limit(workspace, runs_per_person=-1)
    with pytest.raises(ConfigError, match="runs_per_person is -1, but must be a whole number from 0 to 1000 runs"):
        create_run(workspace, make_config())
    assert list_runs(workspace) == []


@pytest.mark.parametrize("person", ["a" * 255, "two\nlines"])
def test_a_person_that_no_login_gives(workspace: Workspace, person: str) -> None:
    with pytest.raises(RunError, match="The person"):
        create_run(workspace, make_config(), person=person)
    assert list_runs(workspace) == []


# Room on the disk


def test_a_run_that_would_not_fit_is_not_begun(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = run_bytes(workspace, make_config(preset="accurate"))
    disk = type(shutil.disk_usage("/"))(10 * needed, 0, needed - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: disk)
    with pytest.raises(StorageError, match=r"The new run needs .* MB, but the disk has .* MB free"):
        create_run(workspace, make_config(preset="accurate"))
    assert list_runs(workspace) == []
    create_run(workspace, make_config(preset="first-look"))


def test_the_size_of_a_run_grows_with_what_it_keeps(workspace: Workspace) -> None:
    small, wide, long = (
        run_bytes(workspace, make_config(change)) for change in ({}, {"hidden": "4096,4096"}, {"epochs": 500})
    )
    assert small < wide and small < long
    assert MB < small < 100 * MB


def test_runs_deleted_do_not_count(workspace: Workspace) -> None:
    limit(workspace, runs_per_person=1)
    run_id = create_run(workspace, make_config())
    move(run_folder(workspace, run_id), Verb.STOP)
    delete_run(workspace, run_id)
    create_run(workspace, make_config())
