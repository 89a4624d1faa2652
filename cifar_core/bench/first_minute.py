"""From the click on "Train your first model" to the first point of the curve, in a real browser; prints the seconds.

`python -m cifar_core.bench.first_minute --chromium=FILE [--rounds=N] [--open=SECONDS]`. Each round has a server, a
browser and a workspace of its own, in a temporary folder. `screens.py` starts this program.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from cifar_core.bench.app import CHROMIUM_FLAGS, serve
from cifar_core.runs import list_runs, stop_all
from cifar_core.workspace import Workspace, open_workspace

FIRST_BUTTON = "Train your first model"
# As the browser sees it: a drawn marker in one of the charts.
FIRST_POINT = "document.querySelector('[data-testid=stPlotlyChart] .scatterlayer path.point') !== null"
_MOST_SECONDS = 300.0  # until the first point
_STEP_MILLISECONDS = 50  # between two looks for it


def main() -> int:
    """Measure and print the seconds of each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", required=True)
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("--open", default=0.0, type=float, help="Seconds that the page is open before the click.")
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=CHROMIUM_FLAGS)
        seconds = [first_point_seconds(browser, arguments.open) for _ in range(arguments.rounds)]
        browser.close()
    print(json.dumps(seconds))
    return 0


def first_point_seconds(browser: Browser, waited: float) -> float:
    """Return the seconds from the click to the first point, on a workspace with nothing in it.

    Args:
        browser: a new window of it has an empty cache.
        waited: seconds for which Home is open before the click.
    """
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "workspace")
        with serve(workspace, Path(folder) / "server.log", background_jobs=True) as app:
            page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
            page.goto(app.url)
            button = page.get_by_role("button", name=FIRST_BUTTON)
            button.wait_for()
            page.wait_for_timeout(1000 * waited)
            start = time.perf_counter()
            button.click()
            _wait_for_point(page)
            seconds = time.perf_counter() - start
            page.context.close()
            _end_everything(workspace)
    return seconds


def _wait_for_point(page: Page) -> None:
    page.wait_for_function(FIRST_POINT, timeout=1000 * _MOST_SECONDS, polling=_STEP_MILLISECONDS)


def _end_everything(workspace: Workspace) -> None:
    """End the run before its folder is removed."""
    stop_all(workspace)
    while any(run.active for run in list_runs(workspace)):
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
