"""The results of a sweep in a real browser: a line shows its trial and opens its run, by pointer, finger and keys."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cifar_core.bench.app import App
from cifar_core.sweeps.trial_file import trial_run_id
from cifar_core.workspace import open_workspace
from tests.e2e.conftest import loads
from tests.e2e.screens import query, settle
from tests.e2e.serving import serve
from tests.sweeps.crafted_sweeps import CHANNELS, RATE, SWEEP, add_trial, end_owner, make_sweep

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VALUES = (0.3, 0.9, 0.6)
# What stands where: the share of the way to the last axis, and the height there, as the component draws them.
LAST_AXIS = (
    "el => [el.clientWidth - 58, el.parentElement.querySelector('.title').offsetHeight + 8, el.clientHeight - 12]"
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Three trials that end at the bottom, top and middle of the last axis."""
    place = tmp_path_factory.mktemp("results")
    workspace = open_workspace(place / "workspace")
    folder = make_sweep(workspace, RATE, CHANNELS, runs=3)
    for number, value in enumerate(VALUES, start=1):
        add_trial(folder, number, {"learning_rate": 10.0**-number, "channels": (3, 4)}, [0.2, value])
    end_owner(folder)
    with serve(workspace, place / "log") as served:
        yield served


def the_lines(page: Page, app: App) -> Locator:
    page.goto(f"{app.url}/sweep?sweep={SWEEP}&view=Watch")
    drawn = page.locator(".parallel[data-drawn='3'] .over")
    expect(drawn).to_be_visible()
    settle(page)
    return drawn


def end_of(drawn: Locator, share: float) -> dict[str, float]:
    """Where a line ends: `share` of the height of the last axis."""
    x, top, bottom = drawn.evaluate(LAST_AXIS)
    return {"x": x - 2, "y": bottom - share * (bottom - top)}


def test_a_line_says_what_it_is_and_opens_its_run(page: Page, app: App) -> None:
    drawn, tip = the_lines(page, app), page.locator(".parallel .tip")
    for share, number, value in ((1.0, 2, "90.0"), (0.5, 3, "60.0"), (0.0, 1, "30.0")):
        drawn.hover(position=end_of(drawn, share))
        expect(tip).to_contain_text(re.compile(rf"Trial {number}.*{value}"))
    drawn.hover(position={"x": 5, "y": end_of(drawn, 0.0)["y"]})  # no line begins there
    expect(tip).to_be_hidden()
    drawn.click(position=end_of(drawn, 0.5))
    page.wait_for_url(re.compile("/train"))
    settle(page)
    assert query(page)["run"] == trial_run_id(SWEEP, 3, 0)
    for module in ("optuna", "sqlalchemy", "torch", "scipy"):
        assert not loads(app, module), f"{module} was loaded into the server"


def test_keys_go_from_the_best_to_the_worst_and_open(page: Page, app: App) -> None:
    drawn, told = the_lines(page, app), page.locator(".parallel .said")
    drawn.focus()
    for key, number in (("ArrowDown", 2), ("ArrowDown", 3), ("End", 1), ("ArrowDown", 1), ("Home", 2)):
        drawn.press(key)
        expect(told).to_have_text(re.compile(rf"^Trial {number}, Learning rate"))
    drawn.press("Escape")
    expect(page.locator(".parallel .tip")).to_be_hidden()
    drawn.press("ArrowDown")
    drawn.press("Enter")
    page.wait_for_url(re.compile("/train"))
    settle(page)
    assert query(page)["run"] == trial_run_id(SWEEP, 2, 0)


def test_a_finger_sees_it_first_and_a_narrow_dark_window_scrolls(browser: Browser, app: App) -> None:
    context = browser.new_context(viewport={"width": 800, "height": 900}, color_scheme="dark", has_touch=True)
    page = context.new_page()
    drawn = the_lines(page, app)
    drawn.tap(position=end_of(drawn, 1.0))
    expect(page.locator(".parallel .tip")).to_contain_text("Trial 2")
    assert "/sweep" in page.url
    drawn.tap(position=end_of(drawn, 1.0))
    page.wait_for_url(re.compile("/train"))
    context.close()


def test_a_row_and_a_dot_open_runs_and_the_chart_stays_after_a_reload(page: Page, app: App) -> None:
    the_lines(page, app)
    page.get_by_text("Accuracy and time").click()
    expect(page).to_have_url(re.compile(r"[?&]chart=time(&|$)"))
    settle(page)
    page.reload()
    expect(page.get_by_text("Pareto front:")).to_be_visible()
    settle(page)
    page.locator(".js-plotly-plot .points path").last.click(force=True)
    page.wait_for_url(re.compile("/train"))
    page.go_back()
    expect(page.get_by_text("Pareto front:")).to_be_visible()
    settle(page)
    row = page.get_by_test_id("stDataFrame").locator("canvas").first
    row.scroll_into_view_if_needed()
    row.click(position={"x": 120, "y": 52}, force=True)  # the first row: the best trial
    page.wait_for_url(re.compile("/train"))
    settle(page)
    assert query(page)["run"] == trial_run_id(SWEEP, 2, 0)
