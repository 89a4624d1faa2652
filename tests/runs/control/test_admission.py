"""The limits on a new run: memory, disk, and runs per person. Nothing is trained here."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from cifar_core.config import make_config
from cifar_core.errors import ConfigError, RunError, StorageError
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import create_run, delete_run, duplicate_run, list_runs, read_run
from cifar_core.runs.control import admission
from cifar_core.runs.control.admission import run_bytes, training_bytes
from cifar_core.runs.run_folder import run_folder
from cifar_core.sweeps.plan import SweepOptions, plan_sweep
from cifar_core.sweeps.space import parse_space
from cifar_core.text import MB
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import snapshot

HUGE = {"channels": "512,512", "kernel_size": 7, "hidden": "4096,4096", "batch_size": 4096}


@pytest.mark.fault(43)
@pytest.mark.parametrize("dataset", ["tiny", "drawn10"])
def test_a_network_too_big_for_the_memory_is_refused_with_the_number(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, dataset: str
) -> None:
    save_tiny(workspace)
    monkeypatch.setattr(admission, "machine_memory", lambda: 16 * 2**30)
    with pytest.raises(ConfigError, match=r"needs \d.* GB of memory at least and the machine has 16.* GB: lower batch"):
        create_run(workspace, make_config({"dataset": dataset, **HUGE}))
    assert list_runs(workspace) == []
    create_run(workspace, make_config({"dataset": dataset}))
    assert len(list_runs(workspace)) == 1


def test_more_of_anything_needs_more_and_the_presets_fit_into_two_gigabytes() -> None:
    small = make_config({"batch_size": 64})
    for change in ({"batch_size": 128}, {"channels": "64,64"}, {"hidden": "512,128"}):
        assert training_bytes(make_config({"batch_size": 64, **change}), 10) > training_bytes(small, 10)
    for preset in ("first-look", "quick", "standard", "accurate", "original"):
        assert training_bytes(make_config(preset=preset), 10) < 2 * 2**30


def test_where_the_memory_is_unknown_no_run_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tiny(workspace)
    monkeypatch.setattr(admission, "machine_memory", lambda: None)
    create_run(workspace, make_config({"dataset": "tiny", **HUGE}))


# Runs per person


def write_limits(workspace: Workspace, **limits: object) -> None:
    (workspace.root / LIMITS_FILE).write_text(json.dumps(limits))


def test_a_person_has_no_more_runs_than_allowed(workspace: Workspace) -> None:
    write_limits(workspace, runs_per_person=2)
    first = create_run(workspace, make_config(), person="ada")
    create_run(workspace, make_config(), person="ada")
    create_run(workspace, make_config(), person="bob")
    before = snapshot(workspace.root)
    with pytest.raises(RunError, match=r"2 runs of ada are training or waiting, and one person may have 2 here"):
        create_run(workspace, make_config(), person="ada")
    assert snapshot(workspace.root) == before
    move(run_folder(workspace, first), Status.STOPPED)
    create_run(workspace, make_config(), person="ada")


def test_without_a_login_everybody_is_the_same_person(workspace: Workspace) -> None:
    write_limits(workspace, runs_per_person=1)
    create_run(workspace, make_config(), nonce="one")
    assert create_run(workspace, make_config(), nonce="one"), "a double click is no second run"
    with pytest.raises(RunError, match=r"^1 run is training or waiting.*runs_per_person in settings.json"):
        create_run(workspace, make_config())


def test_many_at_once_get_no_more_than_allowed(workspace: Workspace) -> None:
    write_limits(workspace, runs_per_person=3)

    def create(_number: int) -> bool:
        try:
            create_run(workspace, make_config(), person="ada")
        except RunError:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(create, range(10))) == 3
    assert len(list_runs(workspace)) == 3


def test_the_wait_for_another_process_that_creates_a_run_has_a_limit(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_LOCK_SECONDS", 0.0)
    with admission.exclusive_run_changes(workspace), pytest.raises(StorageError, match="Another run is being created"):
        create_run(workspace, make_config())
    assert list_runs(workspace) == []


def test_a_broken_settings_file_makes_no_run_and_is_named(workspace: Workspace) -> None:
    write_limits(workspace, runs_per_person=-1)
    with pytest.raises(ConfigError, match="runs_per_person is -1, but must be a whole number from 0 to 1000 runs"):
        create_run(workspace, make_config())
    assert list_runs(workspace) == []


@pytest.mark.parametrize("person", ["a" * 255, "two\nlines"])
def test_a_name_that_no_login_can_have_is_refused(workspace: Workspace, person: str) -> None:
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
    write_limits(workspace, runs_per_person=1)
    run_id = create_run(workspace, make_config())
    move(run_folder(workspace, run_id), Status.STOPPED)
    delete_run(workspace, run_id)
    create_run(workspace, make_config())


# A class


def test_epochs_and_size_have_a_limit_for_all_but_teachers(workspace: Workspace) -> None:
    save_tiny(workspace)
    write_limits(workspace, most_epochs=5, most_parameters=1_200_000, teachers=["t@example.org"])
    wide = make_config({"dataset": "tiny", "epochs": 6, "hidden": "2048,512"})
    with pytest.raises(ConfigError) as refused:
        create_run(workspace, wide, person="ada")
    assert len(refused.value.problems) == 2
    assert "epochs is 6, and a run may have 5 here" in refused.value.problems[0]
    assert "parameters, and a run may have 1,200,000 here" in refused.value.problems[1]
    assert "lower channels or hidden" in refused.value.problems[1]
    with pytest.raises(ConfigError):
        create_run(workspace, wide)
    create_run(workspace, wide, person="t@example.org")
    create_run(workspace, make_config({"dataset": "tiny", "epochs": 5}), person="ada")
    assert len(list_runs(workspace)) == 2


def test_a_sweep_keeps_the_limits_of_a_class_with_its_largest_candidate(workspace: Workspace) -> None:
    save_tiny(workspace)
    write_limits(workspace, most_epochs=5)
    settings = make_config({"dataset": "tiny", "epochs": 2, "validation_share": 0.2}).flat()
    for text, allowed in (("epochs=2..5", True), ("epochs=2..6", False)):
        space = parse_space([text], settings)
        if allowed:
            plan_sweep(workspace, settings, space, SweepOptions(runs=2), person="ada")
        else:
            with pytest.raises(ConfigError, match="epochs is 6, and a run may have 5"):
                plan_sweep(workspace, settings, space, SweepOptions(runs=2), person="ada")


def test_the_runs_of_a_lesson_keep_its_name(workspace: Workspace) -> None:
    save_tiny(workspace)
    config = make_config({"dataset": "tiny", "epochs": 1})
    plain = create_run(workspace, config)
    assert "lesson" not in json.loads(run_folder(workspace, plain).config.read_text())
    first = create_run(workspace, config, lesson="  Learning rates ", person="ada")
    again = duplicate_run(workspace, first, {"epochs": 2})
    assert [read_run(workspace, run_id).lesson for run_id in (plain, first, again)] == ["", *["Learning rates"] * 2]
    for wrong in ("x" * 81, "two\nlines"):
        with pytest.raises(RunError, match="The lesson h"):
            create_run(workspace, config, lesson=wrong)
    assert len(list_runs(workspace)) == 3
