"""A run's life by clicking: queued, paused, resumed, retried, duplicated, deleted, restored, exported, imported."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from cifar_core.config import make_config
from cifar_core.runs import Status, list_runs, list_trash, own_runs, read_run
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.e2e.conftest import loads
from tests.e2e.screens import settle
from tests.e2e.serving import serve
from tests.runs.conftest import TINY, ended_run, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = {**TINY, "epochs": 400}  # long enough for every click below
HEADER, ROW, CHECKBOX = 32, 34, 18  # pixels of the table: the height of its head and of a row, the middle of its boxes
MINUTES = 240_000  # ms: a deadline on a busy machine


@pytest.mark.fault(20)
def test_a_life_by_clicking(page: Page, workspace: Workspace, tmp_path: Path) -> None:
    save_tiny(workspace)
    old = ended_run(workspace, Status.FAILED, make_config(LONG))
    with serve(workspace, tmp_path / "server.log") as app:
        page.goto(f"{app.url}/runs?run={old}")
        first = retry(page, workspace, old)
        second = duplicate(page, workspace, old)
        pause_and_resume(page, workspace, first, second)
        stop_both(page, workspace, first, second)
        run_zip = export(page, workspace, first, tmp_path)
        delete_and_undo(page, workspace, first)
        send_and_receive(page, workspace, first, run_zip)
        assert not loads(app, "torch"), "torch was loaded into the server"


def button(page: Page, key: str) -> Locator:
    """The button of this key."""
    return page.locator(f".st-key-{key}").get_by_role("button")


def select_row(page: Page, workspace: Workspace, run_id: str) -> None:
    """Tick a run in the table, unless it is ticked already."""
    settle(page)
    if button(page, f"runs_duplicate_{run_id}").is_visible():
        return
    row = [run.id for run in own_runs(list_runs(workspace))].index(run_id)
    table = page.get_by_test_id("stDataFrame").first.locator(".dvn-scroller")
    table.click(position={"x": CHECKBOX, "y": HEADER + ROW * row + ROW // 2})
    expect(button(page, f"runs_duplicate_{run_id}")).to_be_visible()


def retry(page: Page, workspace: Workspace, old: str) -> str:
    """Retry with a double click: one new run, which trains."""
    select_row(page, workspace, old)
    button(page, f"runs_retry_{old}_0").dblclick()
    expect(page.get_by_text("1 training", exact=False).first).to_be_visible(timeout=MINUTES)
    settle(page)
    (new,) = [run for run in list_runs(workspace) if run.id != old]
    assert new.parent == old
    expect(button(page, f"runs_pause_{new.id}")).to_be_visible()
    return new.id


def duplicate(page: Page, workspace: Workspace, old: str) -> str:
    """Duplicate, change a setting, start with a double click: one new run, which waits behind the first."""
    button(page, f"runs_duplicate_{old}").click()  # its row is still selected
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("(would wait|min|s) behind "))).to_be_visible(timeout=MINUTES)
    settle(page)
    before = {run.id for run in list_runs(workspace)}
    page.get_by_role("button", name="Start", exact=True).dblclick()
    expect(page.get_by_text("starts by itself when its turn comes", exact=False)).to_be_visible()
    (new,) = [run for run in list_runs(workspace) if run.id not in before]
    assert (new.parent, new.config.flat()) == (old, make_config(LONG).flat())
    expect(page).to_have_url(re.compile(f"run={new.id}"))
    return new.id


def pause_and_resume(page: Page, workspace: Workspace, first: str, second: str) -> None:
    """The first makes room for the second, then waits for it."""
    page.get_by_role("link", name="Runs").click()
    button(page, f"runs_pause_{first}").click()
    expect(button(page, f"runs_pause_{first}")).to_have_text(re.compile("Paused"), timeout=MINUTES)
    assert read_run(workspace, first).status is Status.PAUSED
    wait_for(workspace, second, lambda run: run.status is Status.RUNNING)
    select_row(page, workspace, first)
    button(page, f"runs_resume_{first}").click()
    expect(page.get_by_text("1 training, 1 waiting", exact=False)).to_be_visible(timeout=MINUTES)
    assert read_run(workspace, first).status is Status.QUEUED


def stop_both(page: Page, workspace: Workspace, first: str, second: str) -> None:
    """Stopped one after the other; the first has learned something by then."""
    button(page, f"runs_stop_{second}").click()
    wait_for(workspace, first, lambda run: run.status is Status.RUNNING and run.best is not None)
    expect(page.get_by_text("Now: 1 training", exact=True)).to_be_visible()
    button(page, f"runs_stop_{first}").click()
    expect(page.get_by_text("Now: nothing trains", exact=True)).to_be_visible(timeout=MINUTES)
    assert {read_run(workspace, run_id).status for run_id in (first, second)} == {Status.STOPPED}


def export(page: Page, workspace: Workspace, run_id: str, tmp_path: Path) -> Path:
    """The run as a .zip, its size told on the button."""
    select_row(page, workspace, run_id)
    with page.expect_download() as downloading:
        button(page, f"runs_export_{run_id}").click()
    path = tmp_path / "run_zip.zip"
    downloading.value.save_as(path)
    assert downloading.value.suggested_filename == f"{run_id}.zip"
    assert not list(workspace.exports.iterdir())
    return path


def delete_and_undo(page: Page, workspace: Workspace, run_id: str) -> None:
    """Gone at a click, back at a click, with no question asked."""
    select_row(page, workspace, run_id)
    button(page, f"runs_delete_{run_id}").dblclick()
    expect(page.get_by_text("is in the trash", exact=False)).to_be_visible()
    assert [item.id for item in list_trash(workspace)] == [run_id]
    button(page, "runs_undo").click()
    expect(page.get_by_text("is in the trash", exact=False)).to_be_hidden()
    assert not list_trash(workspace) and read_run(workspace, run_id).status is Status.STOPPED


def send_and_receive(page: Page, workspace: Workspace, run_id: str, run_zip: Path) -> None:
    """A run that is here is found; one that was deleted comes back by its .zip, once, and is looked into."""
    import_zip(page, run_zip, "was here already")
    select_row(page, workspace, run_id)
    button(page, f"runs_delete_{run_id}").click()
    expect(page.get_by_text("is in the trash", exact=False)).to_be_visible()
    import_zip(page, run_zip, "is here now")
    (arrived,) = [run for run in list_runs(workspace) if run.from_zip]
    expect(page).to_have_url(re.compile(f"run={arrived.id}"))
    page.get_by_role("link", name="Confusion").click()
    expect(page.get_by_role("heading", name="Confusion")).to_be_visible()
    expect(page.get_by_role("combobox", name="Run")).to_have_value(re.compile(f"^{arrived.name} "))


def import_zip(page: Page, run_zip: Path, answer: str) -> None:
    """Through the field of the Runs page."""
    settle(page)
    if not button(page, "runs_import_start").is_visible():
        page.get_by_text("Import a run").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(run_zip)
    expect(page.get_by_text(run_zip.name).first).to_be_visible()
    button(page, "runs_import_start").click()
    expect(page.get_by_text(answer, exact=False)).to_be_visible(timeout=MINUTES)
