"""A file that a person chooses is never forgotten: chosen again, or on its way while the page is drawn anew."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from cifar_core.runs import Status, delete_run, export_run, list_runs, list_trash
from cifar_core.workspace import Workspace, open_workspace
from tests.e2e.screens import settle
from tests.e2e.serving import serve
from tests.runs.conftest import ended_run
from tests.runs.exported_runs import RUN, store

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIELD = "stFileUploader"


@pytest.fixture
def run_zip(tmp_path: Path) -> Path:
    """The .zip of a run from a workspace that is far away."""
    away = open_workspace(tmp_path / "away")
    store(away)
    return export_run(away, RUN, tmp_path / "run_zip.zip")


def press_import(page: Page, run_zip: Path, answer: str) -> None:
    """Import what the field shows, with a double click; it is a new, empty field afterwards."""
    shown = page.get_by_test_id(FIELD).get_by_text(run_zip.name)
    expect(shown).to_be_visible()
    page.locator(".st-key-runs_import_start").get_by_role("button").dblclick()
    expect(shown).to_be_hidden()
    expect(page.get_by_text(answer, exact=False)).to_be_visible()
    settle(page)


def test_the_same_file_is_taken_again(page: Page, workspace: Workspace, tmp_path: Path, run_zip: Path) -> None:
    """A browser says nothing of a file that its field holds already, so there is a new field each time."""
    with serve(workspace, tmp_path / "log") as app:
        page.goto(f"{app.url}/runs")
        page.get_by_text("Import a run").click()
        for _ in range(3):
            page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(run_zip)
            press_import(page, run_zip, "is here now")
            page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(run_zip)
            press_import(page, run_zip, "was here already")
            (run,) = list_runs(workspace)
            delete_run(workspace, run.id)
        with page.expect_file_chooser() as choosing:
            page.get_by_role("button", name="Upload", exact=True).click()
        choosing.value.set_files(run_zip)
        press_import(page, run_zip, "is here now")


def test_a_file_on_its_way_outlives_a_redraw(page: Page, workspace: Workspace, tmp_path: Path, run_zip: Path) -> None:
    """A large file takes a while to arrive, and what comes and goes above its field does not replace it meanwhile."""
    gone = ended_run(workspace, Status.STOPPED)
    held: list[Route] = []
    with serve(workspace, tmp_path / "log") as app:
        page.goto(f"{app.url}/runs")
        page.get_by_text("Import a run").click()
        page.route("**/upload_file/**", lambda route: held.append(route))
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(run_zip)
        expect(page.get_by_test_id(FIELD).get_by_text(run_zip.name)).to_be_visible()
        settle(page)
        page.get_by_test_id("stDataFrame").first.locator(".dvn-scroller").click(position={"x": 18, "y": 49})
        page.locator(f".st-key-runs_delete_{gone}").get_by_role("button").click()
        expect(page.get_by_text("There is no run yet", exact=False)).to_be_visible()
        expect(page.get_by_role("button", name="Undo")).to_be_visible()
        assert [item.id for item in list_trash(workspace)] == [gone]
        settle(page)
        for route in held:
            route.continue_()
        press_import(page, run_zip, "is here now")
