"""Clicks through the app in a real browser and prints the times as one JSON object.

`python -m cifar_core.bench.browser --workspace=DIR --run=RUN --chromium=FILE [--clicks=N]
[--only-clicks | --watch=SECONDS]`. A click is timed until the page is drawn.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from cifar_core.bench.app import CHROMIUM_FLAGS, App, serve
from cifar_core.bench.sides import spread
from cifar_core.workspace import Workspace

_PAGES = {  # address -> selector of an element that appears with the page's content
    "": "h1",
    "train": "h1",
    "runs": "h1",
    "confusion": "h1",
    "misclassified": ".tile",
    "data": "h1",
    "picture": "h1",
}
_LOST_MILLISECONDS = 5000  # a click without any response after this time was lost
_TRIES = 3
WATCH = """
addEventListener("click", () => { window.clickedAt = performance.now(); window.sentAt = null }, true)
window.WebSocket = class extends WebSocket {
  constructor(...about) {
    super(...about)
    this.addEventListener("message", () => { window.answeredAt = performance.now() })
  }
  send(message) {
    window.sentAt ??= performance.now()
    super.send(message)
  }
}
const look = new MutationObserver(() => { window.settledAt = performance.now() })
const begin = () => {  // observes the document, because the app may replace its root element
  if (!document.documentElement) return requestAnimationFrame(begin)
  look.observe(document.documentElement, { subtree: true, attributeFilter: ["data-test-script-state"] })
}
begin()
"""
_WATCH_TILES = """() => {  // runs at every frame, which costs time, so only paging through the tiles installs it
  window.blank = 0
  let seen = null
  const frame = now => {
    if (document.querySelector(".tile")) seen = now
    else if (seen !== null) window.blank = Math.max(window.blank, now - seen)
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
}"""
SETTLED = """window.settledAt > window.clickedAt
  && document.querySelector("[data-testid=stApp]").dataset.testScriptState === "notRunning" """


def open_page(browser: Browser, address: str, path: str) -> tuple[Page, float]:
    """Open a page with an empty browser cache; also return the seconds until its content appeared."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    page.add_init_script(WATCH)
    start = time.perf_counter()
    page.goto(f"{address}/{path}", wait_until="commit")
    page.wait_for_selector(_PAGES[path.partition("?")[0]])
    return page, time.perf_counter() - start


def switch(page: Page, path: str) -> float:
    """Return the seconds from a click in the sidebar until the other page's content appears."""
    links = {
        str(link.get_attribute("href")).rstrip("/").rpartition("/")[2].partition("?")[0]: link
        for link in page.get_by_test_id("stSidebarNavLink").all()
    }
    settle(page)
    title = page.locator("h1").first.inner_text()
    start = time.perf_counter()
    links[path].click()
    page.wait_for_function(
        "title => { const h = document.querySelector('h1'); return h && h.innerText !== title }", arg=title
    )
    page.wait_for_selector(_PAGES[path])
    return time.perf_counter() - start


def settle(page: Page) -> None:
    """Wait until the app's script is no longer running and its page is drawn."""
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    page.wait_for_timeout(300)


def timed(page: Page, click: Callable[[], object]) -> float:
    """Return the milliseconds from a click until the page is drawn.

    A click without effect, because its element was just being redrawn, is repeated.
    """
    for _ in range(_TRIES):
        click()
        try:
            page.wait_for_function(SETTLED, timeout=_LOST_MILLISECONDS)
            break
        except PlaywrightTimeout:
            continue
    page.wait_for_timeout(60)  # late changes of the page count as part of the click
    return float(page.evaluate("window.settledAt - window.clickedAt"))


def interactions(page: Page, count: int) -> list[float]:
    """Click filters, pages and page sizes of the tiles in turn; return the milliseconds of each click."""
    settle(page)
    names = [
        "Correct",
        "All",
        "Next page",
        "Next page",
        "96 a page",
        "Previous page",
        "Mistakes",
        "Next page",
        "48 a page",
    ]
    times = []
    for turn in range(count):
        name = names[turn % len(names)]
        role: Any = "button" if "page" in name and name[0] in "NP" else "radio"
        times.append(timed(page, page.get_by_role(role, name=name, exact=True).click))
    return times


def leaf_through(page: Page) -> tuple[int, float]:
    """Page through all tiles of the test set; return the number of pages and the longest time without tiles in ms."""
    for name in ("All", "192 a page"):
        choice = page.get_by_role("radio", name=name, exact=True)
        if choice.get_attribute("aria-checked") != "true":
            timed(page, choice.click)
    page.evaluate(_WATCH_TILES)
    pages = 1
    while not (ahead := page.get_by_role("button", name="Next page", exact=True)).is_disabled():
        timed(page, ahead.click)
        pages += 1
    return pages, float(page.evaluate("window.blank"))


def main() -> int:
    """Measure and print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--clicks", default=50, type=int)
    parser.add_argument("--chromium", required=True)
    parser.add_argument("--only-clicks", action="store_true", help="Time clicks alone, as while a training runs.")
    parser.add_argument("--watch", type=float, help="Only look at the run on the Train page, for so many seconds.")
    arguments = parser.parse_args()
    print(json.dumps(watch(arguments) if arguments.watch else measure(arguments)))
    return 0


def watch(arguments: argparse.Namespace) -> dict[str, float]:
    """Keep the Train page of a running training open for some time.

    Returns:
        `since` and `until`, the Unix times between which the page was open, and the share of all processors' time that
        the `server` and the `browser` used meanwhile.
    """
    with serve(Workspace(Path(arguments.workspace)), Path(os.devnull)) as app, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=CHROMIUM_FLAGS)
        page, _ = open_page(browser, app.url, f"train?run={arguments.run}&view=Watch")
        settle(page)
        since, before = time.time(), _processor_seconds(app)
        page.wait_for_timeout(1000 * arguments.watch)
        until, after = time.time(), _processor_seconds(app)
        browser.close()
    whole = (until - since) * (os.cpu_count() or 1)
    return {"since": since, "until": until, **{name: (after[name] - before[name]) / whole for name in after}}


def _processor_seconds(app: App) -> dict[str, float]:
    """Return the processor seconds that the server and the browser have used so far."""
    server = psutil.Process(app.process.pid)
    server_tree = {server, *server.children(recursive=True)}
    browser_tree = set(psutil.Process().children(recursive=True)) - server_tree

    def used(tree: set[psutil.Process]) -> float:
        seconds = 0.0
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):  # a helper process of the browser may just have ended
                seconds += sum(process.cpu_times()[:2])
        return seconds

    return {"server": used(server_tree), "browser": used(browser_tree)}


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Time page loads, page switches, clicks and paging through the tiles; only clicks with `--only-clicks`."""
    found: dict[str, Any] = {}
    with serve(Workspace(Path(arguments.workspace)), Path(os.devnull)) as app, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=CHROMIUM_FLAGS)
        if not arguments.only_clicks:
            cold = {}
            for path in _PAGES:
                page, cold[path or "home"] = open_page(browser, app.url, path)
                page.close()
            page, _ = open_page(browser, app.url, "")
            found["cold_seconds"] = cold
            found["switch_seconds"] = {path: switch(page, path) for path in list(_PAGES)[1:]}
        page, _ = open_page(browser, app.url, f"misclassified?run={arguments.run}")
        found["click_milliseconds"] = spread(interactions(page, arguments.clicks))
        if not arguments.only_clicks:
            pages, blank = leaf_through(page)
            found["leafed_pages"], found["longest_blank_milliseconds"] = pages, blank
        browser.close()
    return found


if __name__ == "__main__":
    sys.exit(main())
