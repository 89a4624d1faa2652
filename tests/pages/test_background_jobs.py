"""What the app does unasked: once, where it is wanted, never beside a training, and never with a word on a page."""

import json
from collections.abc import Callable

import pytest

from cifar_core.data import dataset_job, delete_dataset, list_datasets
from cifar_core.jobs import start
from cifar_core.jobs.job import JobState, Request, read_job, write_request, write_state
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import speed_job
from cifar_core.workspace import Workspace
from pages.ui import background_jobs
from tests.conftest import save_tiny
from tests.pages.support import OpenPage
from tests.rights import as_a_user


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was begun: the programs that were started, and "speed" where the machine is to be measured."""
    found: list[str] = []

    def measure(*_: object) -> str:
        found.append("speed")
        return "done"

    monkeypatch.setattr(start, "spawn", lambda program, arguments, log: found.append(str(program)))
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())
    monkeypatch.setattr(background_jobs, "ensure_speed", measure)
    monkeypatch.setattr(background_jobs, "_begun", set())
    return found


DRAWER = "cifar_core.data.prepare_process"


def test_it_draws_then_measures_and_does_nothing_twice(workspace: Workspace, begun: list[str]) -> None:
    background_jobs._work(workspace)
    assert begun == [DRAWER, "speed"]
    with start.hold_lock(dataset_job(workspace, "drawn10").lock):  # as while another server has it drawn
        background_jobs.draw_first_dataset(workspace)
    assert begun == [DRAWER, "speed"]


def test_where_there_is_a_dataset_nothing_is_drawn(workspace: Workspace, begun: list[str]) -> None:
    save_tiny(workspace)
    background_jobs._work(workspace)
    assert begun == ["speed"]
    delete_dataset(workspace, "tiny")
    background_jobs._work(workspace)
    assert begun == ["speed", "speed"], "a person wants none"


def test_it_asks_again_until_the_machine_is_measured(
    workspace: Workspace, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the measurement of an earlier server failed, which a person would have to begin again."""
    save_tiny(workspace)
    answers = ["busy", "measuring", "busy", "measuring", "done"]
    job = speed_job(workspace)
    job.make()
    write_request(job, Request("speed"))
    write_state(job, JobState("speed", "failed"))
    jobs = []

    def measure(*_: object) -> str:
        jobs.append(read_job(job))
        return answers.pop(0)

    monkeypatch.setattr(background_jobs, "ensure_speed", measure)
    monkeypatch.setattr(background_jobs, "_LOOK_SECONDS", 0.0)
    background_jobs._work(workspace)
    assert answers == [] and jobs == [None] * 5


def test_a_setting_turns_it_off(workspace: Workspace, begun: list[str]) -> None:
    (workspace.root / LIMITS_FILE).write_text(json.dumps({"background_jobs": False}), "utf-8")
    background_jobs._work(workspace)
    assert begun == []


@pytest.mark.fault(95)
def test_a_full_disk_is_no_failure(workspace: Workspace, begun: list[str], arm: Callable[[str], None]) -> None:
    arm("write:1+:enospc")
    background_jobs._work(workspace)
    assert DRAWER not in begun
    assert read_job(dataset_job(workspace, "drawn10")) is None
    assert [state.problem for state in list_datasets(workspace)] == ["", ""]


@pytest.mark.fault(17)
def test_a_workspace_that_can_only_be_read_is_left_alone(workspace: Workspace, begun: list[str]) -> None:
    for folder in (*workspace.folders, workspace.root):
        folder.chmod(0o500)
    try:
        as_a_user(lambda: background_jobs._work(workspace))
    finally:
        for folder in (workspace.root, *workspace.folders):
            folder.chmod(0o700)
    assert begun == []


def test_an_apptest_is_no_server(open_page: OpenPage, workspace: Workspace, begun: list[str]) -> None:
    """With a server it is begun once, however often a page is drawn."""
    open_page(workspace, "home")
    assert begun == [] and not background_jobs._begun
