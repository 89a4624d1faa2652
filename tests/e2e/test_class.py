"""A lesson in a real browser: the link, a name typed once, a start, the class at work, a teacher's Stop."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cifar_core.runs import list_runs, read_run
from tests.conftest import save_tiny
from tests.e2e.screens import query, settle
from tests.e2e.serving import serve
from tests.e2e.test_life_cycle import CHECKBOX, HEADER, ROW
from tests.e2e.test_run_buttons import button
from tests.lifecycle.conftest import FakeRuns, fake_runs, until

__all__ = ["fake_runs"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_student_comes_by_a_link_and_a_teacher_stops_the_run(page: Page, fake_runs: FakeRuns, tmp_path: Path) -> None:
    workspace = fake_runs.workspace
    save_tiny(workspace)
    with serve(workspace, tmp_path / "log") as app:
        page.goto(f"{app.url}/train?dataset=tiny&epochs=400&preset=original&lesson=Rates")
        expect(page.get_by_text("What you start here belongs to this lesson")).to_be_visible()
        name = page.get_by_role("textbox", name="Your name")
        name.fill("Ada")
        name.press("Enter")
        page.wait_for_function("localStorage.getItem('cifar_core.class_person') === '[\"Ada\"]'")
        page.reload()
        expect(page.get_by_role("textbox", name="Your name")).to_have_value("Ada")
        settle(page)
        button(page, "Start").click()
        until(lambda: list_runs(workspace), "the run is made")
        (run,) = list_runs(workspace)
        assert (run.person, run.lesson) == ("Ada", "Rates")
        until(lambda: read_run(workspace, run.id).status == "running", "it trains")
        page.goto(f"{app.url}/class_room")
        expect(page.get_by_text("1 training, 0 waiting, of 1 person")).to_be_visible()
        settle(page)
        table = page.get_by_test_id("stDataFrame").first.locator(".dvn-scroller")
        table.click(position={"x": CHECKBOX, "y": HEADER + ROW // 2})
        button(page, "Stop 1 run").click()
        until(lambda: read_run(workspace, run.id).status == "stopped", "it has stopped")
        expect(page.get_by_text("Nothing trains or waits")).to_be_visible()
        page.get_by_text("Results", exact=True).click()
        expect(page.get_by_text("1 run of 1 person")).to_be_visible()
        assert query(page)["view"] == "Results"
