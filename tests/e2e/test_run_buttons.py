"""The buttons of a run: Stop pressed twice, pause and resume by keyboard, two tabs, reload in every state."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cifar_core.config import make_config
from cifar_core.runs import EndRequest, Status, list_runs, read_run
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace
from tests.e2e.screens import query, settle
from tests.e2e.serving import serve
from tests.lifecycle.conftest import FakeRuns, fake_runs, until
from tests.runs.conftest import TINY, begin, ended_run, tiny, wait_for

__all__ = ["fake_runs", "tiny"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = {**TINY, "epochs": 400}
CLICKS = 8  # as many as a nervous finger makes
FEW_TABS = 4  # presses of Tab; from the top of the page it is more than twenty


def button(page: Page, name: str) -> Locator:
    """The button of a run with exactly this word."""
    return page.get_by_role("button", name=name, exact=True)


@contextmanager
def frozen(runs: FakeRuns, run_id: str) -> Iterator[None]:
    """In the block no process of a run moves, so that it obeys nothing."""
    processes = [*runs.processes(run_id, "worker"), *runs.processes(run_id, "compute")]
    assert len(processes) == 2
    for process in processes:
        process.suspend()
    yield
    for process in processes:
        process.resume()


def middle(found: Locator) -> tuple[float, float]:
    """The middle of an element in the window."""
    box = found.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def hammer(page: Page, place: tuple[float, float]) -> None:
    """Click at one place of the window as fast as it goes, whatever is there."""
    for _ in range(CLICKS):
        page.mouse.click(*place)


@pytest.mark.fault(19)
@pytest.mark.parametrize("address", ["train?view=Watch&run=", "runs?run=", "?run="], ids=["Train", "Runs", "Home"])
def test_stop_pressed_many_times_stops_one_run_and_starts_none(
    page: Page, browser: Browser, fake_runs: FakeRuns, tmp_path: Path, address: str
) -> None:
    run_id = fake_runs.begin()
    fake_runs.wait_computing(run_id)
    with serve(fake_runs.workspace, tmp_path / "log") as app:
        other = browser.new_page()
        other.goto(f"{app.url}/runs")
        page.goto(f"{app.url}/{address}{run_id}")
        expect(button(page, "Stop")).to_be_visible()
        expect(button(other, "Stop")).to_be_visible()
        settle(page)
        place = middle(button(page, "Stop"))
        with frozen(fake_runs, run_id):
            hammer(page, place)
            for tab in (page, other):
                expect(button(tab, "Stopping")).to_be_disabled()
                expect(button(tab, "Pause")).to_be_disabled()
            hammer(page, place)
        hammer(page, place)
        for tab in (page, other):
            expect(tab.get_by_text(re.compile("^stopped in epoch"))).to_be_visible()
        hammer(page, place)
        page.keyboard.press("Enter")
        button(page, "Glossary").click()  # it opens after all those clicks were served
        expect(page.get_by_role("dialog")).to_be_visible()
        assert [(run.id, run.status) for run in list_runs(fake_runs.workspace)] == [(run_id, Status.STOPPED)]
        page.keyboard.press("Escape")
        for tab in (page, other):
            expect(button(tab, "Stopped")).to_be_disabled()
        assert middle(button(page, "Stopped")) == place
        other.close()


def test_a_double_click_on_stop_of_a_waiting_run_ends_no_other(page: Page, fake_runs: FakeRuns, tmp_path: Path) -> None:
    """The rows below stay where they are."""
    training = fake_runs.begin()
    fake_runs.wait_computing(training)
    waiting = [fake_runs.begin() for _ in range(3)]
    with serve(fake_runs.workspace, tmp_path / "log") as app:
        page.goto(f"{app.url}/runs")
        expect(page.get_by_text("1 training, 3 waiting")).to_be_visible()
        expect(page.get_by_text(f"behind {training} and 2 more").first).to_be_visible()
        settle(page)
        hammer(page, middle(page.locator(f".st-key-runs_stop_{waiting[0]}")))
        expect(page.locator(f".st-key-runs_stop_{waiting[0]}").get_by_role("button")).to_have_text(
            re.compile("Stopped")
        )
        expect(page.get_by_text("1 training, 2 waiting")).to_be_visible()
    assert [fake_runs.status(run_id) for run_id in (training, *waiting)] == ["running", "stopped", "queued", "queued"]


def tab_to(page: Page, name: str, most: int) -> None:
    """Press Tab until the button of this name has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if re.search(rf"\b{name}$", str(page.evaluate("document.activeElement.innerText")).strip()):
            return
    raise AssertionError(f"{name} has no focus after {most} presses of Tab")


def test_pause_and_resume_by_keyboard_and_in_two_tabs(
    page: Page, browser: Browser, tiny: Workspace, tmp_path: Path
) -> None:
    run_id = begin(tiny, make_config(LONG))
    wait_for(tiny, run_id, lambda run: run.last is not None)
    with serve(tiny, tmp_path / "log") as app:
        other = browser.new_page()
        for tab in (page, other):
            tab.goto(f"{app.url}/train?view=Watch&run={run_id}")
            expect(button(tab, "Pause")).to_be_enabled()
            settle(tab)
        tab_to(page, "Pause", 60)
        page.keyboard.press("Enter")
        expect(button(page, "Paused")).to_be_disabled()
        expect(page.get_by_text(re.compile(r"^paused in epoch \d+ of 400 · "))).to_be_visible()
        expect(page.get_by_text(re.compile(r"^goes on at epoch \d+$"))).to_be_visible()
        settle(page)
        tab_to(page, "Resume", FEW_TABS)
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        wait_for(tiny, run_id, lambda run: run.status is Status.RUNNING)
        expect(button(page, "Resume")).to_be_hidden()

        expect(button(page, "Pause")).to_be_enabled()
        button(page, "Pause").click()
        for tab in (page, other):
            expect(button(tab, "Resume")).to_be_visible()
            settle(tab)
        for tab in (page, other):
            button(tab, "Resume").click(no_wait_after=True)
        for tab in (page, other):
            expect(button(tab, "Pause")).to_be_enabled()
            expect(button(tab, "Resume")).to_be_hidden()
        other.close()
        wait_for(tiny, run_id, lambda run: run.status is Status.RUNNING)
        tab_to(page, "Stop", 60)
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        expect(button(page, "Stopped")).to_be_disabled()
        page.keyboard.press("Enter")
        settle(page)
    assert [(run.id, run.status) for run in list_runs(tiny)] == [(run_id, Status.STOPPED)]


ENDED = ["Pause", "Stop", "Pausing", "Stopping", "Paused", "Stopped"]
GO_ON = {  # status -> the buttons of a run that ended before the page was opened
    Status.PAUSED: ["Resume", "Duplicate"],
    Status.STOPPED: ["Resume", "Retry", "Duplicate"],
    Status.FAILED: ["Resume", "Retry", "Duplicate"],
    Status.INTERRUPTED: ["Resume", "Retry", "Duplicate"],
    Status.FINISHED: ["Duplicate"],
}


@pytest.mark.fault(23)
def test_a_reload_shows_the_same_run_with_the_buttons_of_its_state(
    page: Page, fake_runs: FakeRuns, tmp_path: Path
) -> None:
    workspace = fake_runs.workspace
    ended = {status: ended_run(workspace, status) for status in GO_ON}
    running = fake_runs.begin()
    fake_runs.wait_computing(running)
    queued = fake_runs.begin()
    until(lambda: read_run(workspace, queued).ticket is not None, "the second waits")
    with serve(workspace, tmp_path / "log") as app:
        for status, run_id in ended.items():
            shows(page, app.url, run_id, dict.fromkeys(GO_ON[status], True))
            expect(page.locator("[data-testid=stBaseButton-primary]")).to_have_count(int(status is not Status.FINISHED))
        both = {"Pause": True, "Stop": True, "Duplicate": True}
        starting = fake_runs.make()
        with hold_lock(fake_runs.folder(starting).lock):  # as its worker does, which has not joined the queue yet
            shows(page, app.url, starting, both)
        shows(page, app.url, queued, both)
        expect(page.get_by_text(f"Waits behind {running}; starts in")).to_be_visible()
        shows(page, app.url, running, both)
        with frozen(fake_runs, running):
            fake_runs.folder(running).pause_file.touch()  # the order alone: nothing kills who does not obey
            shows(page, app.url, running, both | {"Pausing": False} | dict.fromkeys(["Pause"]))
            fake_runs.folder(running).stop_file.touch()
            assert read_run(workspace, running).ending is EndRequest.STOP
            shows(page, app.url, running, {"Pause": False, "Stopping": False, "Duplicate": True})


def shows(page: Page, url: str, run_id: str, buttons: dict[str, bool | None]) -> None:
    """Open the run and reload; each time it is there, with these buttons and whether they can be pressed."""
    page.goto(f"{url}/train?view=Watch&run={run_id}")
    for _ in range(2):
        for name in {*ENDED, "Resume", "Retry", "Duplicate"}:
            enabled = buttons.get(name)
            expect(button(page, name)).to_have_count(0 if enabled is None else 1)
            if enabled is not None:
                expect(button(page, name)).to_be_enabled(enabled=enabled)
        assert query(page)["run"] == run_id and query(page)["view"] == "Watch"
        page.reload()
        expect(button(page, "Duplicate")).to_be_visible()
