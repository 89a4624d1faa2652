"""A sweep that works, on the pages of runs, in a real browser with its real processes: one row, and one Stop."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from cifar_core.bench.app import App
from cifar_core.config import make_config
from cifar_core.runs import Status, list_runs
from cifar_core.sweeps.among_runs.stop_all import stop_everything
from cifar_core.sweeps.control import start_sweep
from cifar_core.sweeps.plan import SweepOptions, plan_sweep
from cifar_core.sweeps.space import parse_space
from cifar_core.sweeps.sweep import list_sweeps
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.e2e.screens import settle
from tests.e2e.serving import serve
from tests.runs.conftest import TINY, ended_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]
RUNS = 200  # more than are done before somebody presses Stop


@pytest.fixture
def app(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on a workspace with a run that was stopped and a sweep that works."""
    save_tiny(workspace)
    settings = make_config({**TINY, "validation_share": 0.1}).flat()
    ended_run(workspace, Status.STOPPED, make_config(TINY))
    start_sweep(
        workspace,
        plan_sweep(workspace, settings, parse_space(["learning_rate=1e-4..1e-1"], settings), SweepOptions(RUNS)),
    )
    with serve(workspace, tmp_path_factory.mktemp("server") / "log") as served:
        yield served
    stop_everything(workspace)


def test_it_is_one_row_that_moves_and_stops(app: App, workspace: Workspace, page: Page) -> None:
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(app.url)
    progress = page.get_by_text(re.compile(rf"^\d+ of {RUNS} runs"))
    expect(progress).to_have_text(re.compile(r"^[1-9]"))
    before = progress.text_content() or ""
    expect(progress).not_to_have_text(before)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(1)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_have_count(0)
    page.goto(f"{app.url}/runs")
    settle(page)
    expect(page.get_by_text("1 run.", exact=False).first).to_be_visible()
    page.get_by_text(re.compile(r"^Trials \(")).click()
    expect(page).to_have_url(re.compile("trials=1"))
    expect(page.get_by_text(re.compile(r"^\d+ runs\. Tick rows"))).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Stopped", exact=True)).to_be_disabled()
    (sweep,) = list_sweeps(workspace)
    assert sweep.status == "stopped" and 0 < sweep.runs_done < RUNS
    assert not [run for run in list_runs(workspace) if run.active]
    page.get_by_role("link", name="Open", exact=True).click()
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_visible()
