"""Every screen in a real browser: it paints, fits the window in both themes, asks no other host, and loads no torch."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cifar_core.bench.app import App
from cifar_core.runs import Run, list_runs
from cifar_core.workspace import Workspace
from tests.conftest import ROOT
from tests.e2e.conftest import loads
from tests.e2e.screens import settle
from tests.e2e.serving import serve
from tests.pages.support import epochs_of_their_own
from tests.runs.conftest import finished, shared

__all__ = ["epochs_of_their_own", "finished", "shared"]

pytestmark = pytest.mark.browser

SCREENS = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))


@pytest.fixture(scope="module")
def app(shared: Workspace, finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on the workspace with one finished run."""
    with serve(shared, tmp_path_factory.mktemp("server") / "log") as served:
        yield served


def open_screen(page: Page, app: App, name: str) -> None:
    page.goto(f"{app.url}/{'' if name == 'home' else name}")
    expect(page.get_by_role("heading").first).to_be_visible()
    settle(page)


def test_screens_paint_and_keep_torch_away(page: Page, app: App) -> None:
    for name in SCREENS:
        open_screen(page, app, name)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    assert not loads(app, "torch") and not loads(app, "sklearn")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_screens_fit_a_narrow_window_in_both_themes(browser: Browser, app: App, theme: str) -> None:
    context = browser.new_context(viewport={"width": 800, "height": 1000}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    background = set()
    for name in SCREENS:
        open_screen(page, app, name)
        width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        shown = page.evaluate("document.querySelector('[data-testid=stMain]').clientWidth")
        assert width <= shown, f"{name} is wider than the window"
        background.add(page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"))
    context.close()
    (colour,) = background
    brightness = sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))
    assert brightness > 600 if theme == "light" else brightness < 150


def test_page_of_a_run_that_is_not_there_says_so(page: Page, app: App) -> None:
    page.goto(f"{app.url}/confusion?run=..%2F..%2Fetc")
    expect(page.get_by_text("There is no run", exact=False)).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_run_stays_in_focus_over_links_and_the_back_button(
    page: Page, epochs_of_their_own: Workspace, tmp_path: Path
) -> None:
    """Also where it is not the first of the list, which a select box shows that knows nothing."""
    *_, last = list_runs(epochs_of_their_own)
    kept = re.compile(rf"[?&]run={last.id}(&|$)")
    with serve(epochs_of_their_own, tmp_path / "log") as app:
        page.goto(f"{app.url}/confusion?run={last.id}&true=cat")
        page.get_by_text("Open in Misclassified").click()
        for name, go in (
            ("Misclassified", lambda: None),
            ("Picture", lambda: page.get_by_role("link", name="Picture").click()),
            ("Misclassified", lambda: go_back_to(page, "misclassified")),
            ("Picture", lambda: page.go_forward()),
        ):
            go()
            expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
            settle(page)
            expect(page).to_have_url(kept)
            expect(page.get_by_role("combobox", name="Run", exact=True)).to_have_value(re.compile(f"^{last.id} · "))


def go_back_to(page: Page, screen: str) -> None:
    """Streamlit puts a step into the history where a page adds its run to the address: one more may be needed.

    Each step is awaited until the page has answered it, which is when the address has its run: a page that answers
    late would bring its own address back.
    """
    page.go_back()
    if f"/{screen}" not in page.url:
        expect(page).to_have_url(re.compile("[?&]run="))
        settle(page)
        page.go_back()
