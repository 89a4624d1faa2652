"""The first minute in a real browser: a fresh workspace, pictures while they are drawn, one click, the first point."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cifar_core.bench.app import serve
from cifar_core.bench.first_minute import FIRST_BUTTON, FIRST_POINT
from cifar_core.data import dataset_job, open_dataset
from cifar_core.data.preparation import DataRequest
from cifar_core.jobs.job import cancel_job, read_request
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import list_runs, stop_all
from cifar_core.workspace import Workspace
from tests.e2e.screens import query
from tests.lifecycle.conftest import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

POINT_MILLISECONDS = 240_000  # a deadline on a busy machine; `bench --part first-minute` measures


def test_from_nothing_to_the_first_point(page: Page, workspace: Workspace, tmp_path: Path) -> None:
    with serve(workspace, tmp_path / "server.log", background_jobs=True) as app:
        page.goto(app.url)
        expect(page.get_by_role("heading", name="CIFAR-10 workbench")).to_be_visible()
        expect(page.get_by_alt_text("Pictures that were drawn just now").first).to_be_visible()
        assert read_request(dataset_job(workspace, "drawn10"), DataRequest).unasked
        page.get_by_role("button", name=FIRST_BUTTON).dblclick()
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        expect(page.get_by_alt_text("Pictures that were drawn just now").first).to_be_visible()
        page.wait_for_function(FIRST_POINT, timeout=POINT_MILLISECONDS)
        (run,) = list_runs(workspace)
        assert query(page)["run"] == run.id
        assert run.dataset is not None and run.dataset.fingerprint == open_dataset(workspace, "drawn10").fingerprint
        stop_all(workspace)
        until(lambda: not any(run.active for run in list_runs(workspace)), "the run has ended")


def test_the_setting_keeps_the_app_from_drawing_and_the_click_draws(
    page: Page, workspace: Workspace, tmp_path: Path
) -> None:
    (workspace.root / LIMITS_FILE).write_text('{"background_jobs": false}', "utf-8")
    with serve(workspace, tmp_path / "server.log", background_jobs=True) as app:
        page.goto(f"{app.url}/confusion")
        expect(page.get_by_role("button", name=FIRST_BUTTON)).to_be_visible()
        assert not dataset_job(workspace, "drawn10").request.exists()
        page.get_by_role("button", name=FIRST_BUTTON).click()
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        expect(page.get_by_alt_text("Pictures that were drawn just now").first).to_be_visible()
        assert not read_request(dataset_job(workspace, "drawn10"), DataRequest).unasked
        stop_all(workspace)
        until(lambda: not any(run.active for run in list_runs(workspace)), "the run has ended")
    cancel_job(dataset_job(workspace, "drawn10"))
