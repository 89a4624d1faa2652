"""A server that went away says so on the page, and how to start it again; a slow one says nothing."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from cifar_core.bench.app import start_app, stop_app
from cifar_core.workspace import Workspace
from pages.ui.components import server_watch
from tests.e2e.screens import settle
from tests.lifecycle.conftest import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCRIPT = Path(server_watch.__file__).with_suffix(".js").read_text("utf-8")
MOUNT = """async script => {
  const made = await import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })))
  const data = { address: "/lab/_stcore/health", title: "Closed.", text: "Start it." }
  window.unmount = made.default({ parentElement: document.body, data })
  made.default({ parentElement: document.body, data: { ...data, title: "Closed now." } })
}"""


@pytest.mark.fault(24)
def test_a_page_whose_server_was_closed_says_how_to_start_it(page: Page, workspace: Workspace, tmp_path: Path) -> None:
    app = start_app(workspace, tmp_path / "log")
    page.goto(f"{app.url}/data")
    settle(page)
    expect(page.locator(".notice")).to_be_attached()
    notice = page.get_by_role("alert").filter(has_text="The app on this machine was closed.")
    expect(notice).to_have_count(0)
    app.process.kill()
    app.process.wait()
    expect(notice).to_contain_text("make run")
    expect(notice).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_in_viewport()
    again = start_app(workspace, tmp_path / "log", port=int(app.url.rpartition(":")[2]))
    try:
        expect(notice).to_have_count(0)
        page.get_by_role("link", name="Runs").click()
        expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    finally:
        stop_app(again)


class Server:
    """Answers the question of the script as a test says, and counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.answer, self.asked = page, "200", 0
        page.route("http://127.0.0.1:9/**", self._route)
        page.clock.install()
        page.goto("http://127.0.0.1:9/")
        page.evaluate(MOUNT, SCRIPT)
        self.wait_for_questions(1)

    def wait_for_questions(self, count: int) -> None:
        """Let time pass until so many more were asked."""
        goal = self.asked + count if self.asked else count

        def enough() -> bool:
            self.page.clock.run_for(1000)
            return self.asked >= goal

        until(enough, "the server is asked")

    def _route(self, route: Route) -> None:
        if not route.request.url.endswith("/lab/_stcore/health"):
            route.fulfill(
                body="<body><div class='notice' role='alert' popover='manual'></div></body>", content_type="text/html"
            )
            return
        self.asked += 1
        if self.answer == "refused":
            route.abort("connectionrefused")
        elif self.answer != "nothing":
            route.fulfill(status=int(self.answer))


def test_only_a_server_that_is_gone_counts(page: Page) -> None:
    server = Server(page)
    notice = page.get_by_role("alert")
    for answer, shown in (("404", False), ("refused", True), ("200", False), ("503", True), ("500", False)):
        server.answer = answer
        server.wait_for_questions(3)
        (expect(notice).to_have_text("Closed now.Start it.") if shown else expect(notice).to_have_count(0))
    server.answer = "refused"
    server.wait_for_questions(1)
    server.answer = "200"
    server.wait_for_questions(2)
    expect(notice).to_have_count(0)  # a single failure is none


def test_a_slow_server_is_not_called_closed(page: Page) -> None:
    server = Server(page)
    server.answer = "nothing"
    server.wait_for_questions(1)
    asked = server.asked
    page.clock.run_for(15_000)
    assert server.asked == asked, "one question at a time"
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_hidden_tab_asks_nothing(page: Page) -> None:
    hidden = Server(page)
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    page.clock.run_for(60_000)
    asked = hidden.asked
    page.clock.run_for(60_000)
    assert hidden.asked == asked
    with page.expect_request("**/health"):  # asked again at once
        page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate("unmount()")
    asked = hidden.asked
    page.clock.run_for(60_000)
    assert hidden.asked == asked, "a page that is gone asks no more"
