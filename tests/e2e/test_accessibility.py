"""axe-core finds no serious fault of ours on any page, in both themes and on a phone; and the focus is to be seen.

axe-core is fetched by .ci/fetch-axe; it is no dependency of the program.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cifar_core.bench.app import App
from cifar_core.runs import Run
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import ROOT, require_file
from tests.e2e.screens import settle
from tests.e2e.serving import serve
from tests.e2e.streamlit_faults import STREAMLIT_FAULTS
from tests.e2e.test_life_cycle import select_row
from tests.runs.conftest import finished, shared
from tests.sweeps.crafted_sweeps import CHANNELS, RATE, SWEEP, add_trial, end_owner, make_sweep

__all__ = ["finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = ROOT / "test-artifacts" / "axe.min.js"
RUN_AXE = Path(__file__).with_name("axe.js").read_text("utf-8")
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
VIEWS = {  # of a page, beside its plain address
    "data": ("view=Checks", "view=Tags", "view=Card"),
    "class_room": ("view=Results&of=all", "view=Limits"),
    "train": ("view=New+run", "view=Watch", "view=New+run&lesson=Rates"),
    "sweep": ("view=Search", "view=One+setting", f"sweep={SWEEP}"),
    "compare": ("view=matrices", "view=classes"),
    "confusion": ("true=cat&predicted=dog",),
    "misclassified": ("outcome=all&image=test/00003.png",),
    "picture": ("source=own",),
    "trust": ("bin=1", "view=threshold", "view=sets"),
    "learning": ("split=test&list=easiest", "view=table"),
}
Fault = tuple[str, str, str, str]  # rule, element, screen, and what axe says of it


@pytest.fixture(scope="module")
def axe() -> str:
    """The code of axe-core."""
    return require_file(AXE, "axe-core is not here (.ci/fetch-axe fetches it)", "CIFAR_REQUIRE_AXE").read_text("utf-8")


@pytest.fixture(scope="module")
def swept(shared: Workspace, finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with one finished run and a sweep of five, of which one was pruned."""
    workspace = open_workspace(tmp_path_factory.mktemp("swept") / "workspace")
    for name in ("data", "runs"):
        shutil.copytree(shared.root / name, workspace.root / name, dirs_exist_ok=True)
    folder = make_sweep(workspace, RATE, CHANNELS, runs=5)
    for number, value in enumerate((0.3, 0.5, 0.6, 0.4, 0.2), start=1):
        settings = {"learning_rate": 10**-number, "channels": (3, 4) if number % 2 else (4, 8)}
        stopped = {"status": "stopped", "pruned": True} if number == 5 else {}
        add_trial(folder, number, settings, [value / 2, value], seconds=number, **stopped)
    end_owner(folder)
    return workspace


@pytest.fixture(scope="module")
def app(swept: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on the workspace with one finished run and a sweep."""
    with serve(swept, tmp_path_factory.mktemp("server") / "log") as served:
        yield served


@pytest.fixture(scope="module")
def empty_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on a workspace without a run."""
    workspace = open_workspace(tmp_path_factory.mktemp("empty") / "workspace")
    with serve(workspace, tmp_path_factory.mktemp("server") / "log") as served:
        yield served


@pytest.fixture
def watched(browser: Browser) -> Iterator[Page]:
    """A window of the usual size of a laptop."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    yield context.new_page()
    context.close()


def addresses(app: App) -> Iterator[str]:
    """Each page, and each of its views."""
    for name in PAGES:
        start = f"{app.url}/{'' if name == 'home' else name}"
        yield start
        yield from (f"{start}?{view}" for view in VIEWS.get(name, ()))


def open_screen(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("heading").first).to_be_visible()
    settle(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def faults(page: Page, axe: str, themes: tuple[str, ...] = ("light", "dark")) -> list[Fault]:
    """What axe-core says of the page as it is now, in each theme."""
    found: list[Fault] = []
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    for theme in themes:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.wait_for_function(
            "dark => dark === (getComputedStyle(document.querySelector('.stApp')).colorScheme === 'dark')",
            arg=theme == "dark",
        )
        screen = f"{page.url.partition('127.0.0.1')[2]} {theme}"
        found += [(rule, element, screen, said) for rule, element, said in page.evaluate(RUN_AXE)]
    return found


def in_words(found: list[Fault]) -> str:
    """The faults that do not stand in the table, each once, with the screens that have it."""
    screens: dict[tuple[str, str], list[str]] = {}
    said: dict[tuple[str, str], str] = {}
    for rule, element, screen, words in found:
        screens.setdefault((rule, element), []).append(screen)
        said.setdefault((rule, element), words)
    return "\n\n".join(
        f"{fault}\n{said[fault]}\non: {', '.join(dict.fromkeys(where))}"
        for fault, where in screens.items()
        if fault not in STREAMLIT_FAULTS
    )


def test_axe_finds_no_serious_fault_of_ours(
    watched: Page, app: App, empty_app: App, swept: Workspace, finished: Run, axe: str
) -> None:
    found: list[Fault] = []
    for address in addresses(app):
        open_screen(watched, address)
        if address.endswith("/runs"):
            select_row(watched, swept, finished.id)
        found += faults(watched, axe)
    watched.get_by_role("button", name="Glossary").click()
    expect(watched.get_by_role("dialog").locator("input").first).to_be_visible()
    settle(watched)
    found += faults(watched, axe)
    for name in ("", "data", "train", "runs", "confusion"):  # those that have words of their own then
        open_screen(watched, f"{empty_app.url}/{name}")
        found += faults(watched, axe, ("light",))
    watched.set_viewport_size({"width": 390, "height": 844})
    for name in PAGES:
        open_screen(watched, f"{app.url}/{'' if name == 'home' else name}")
        found += faults(watched, axe, ("light",))
    if words := in_words(found):
        pytest.fail(words, pytrace=False)
    unneeded = STREAMLIT_FAULTS.keys() - {fault[:2] for fault in found}
    assert not unneeded, "these are gone: take them out of tests/e2e/streamlit_faults.py"


def contrast(one: str, other: str) -> float:
    """The contrast of two colours `rgb(r, g, b)` (WCAG 2.2): 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance (WCAG 2.2) of `rgb(r, g, b)`."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_focus_of_the_side_bar_is_to_be_seen(watched: Page, empty_app: App, theme: str) -> None:
    watched.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    open_screen(watched, empty_app.url)
    ring = watched.locator(".ring")
    expect(ring).to_be_hidden()
    for name in ("Data", "Train"):
        link = watched.get_by_role("link", name=name)
        watched.keyboard.press("Tab")
        while not link.evaluate("link => link === document.activeElement"):
            watched.keyboard.press("Tab")
        expect(ring).to_be_visible()
        assert ring.bounding_box() == pytest.approx(link.bounding_box(), abs=1)
    colour = ring.evaluate("ring => getComputedStyle(ring).outlineColor")
    behind = watched.evaluate("getComputedStyle(document.querySelector('.stSidebar')).backgroundColor")
    assert contrast(colour, behind) >= 3, "WCAG 2.2, 1.4.11"
    watched.get_by_role("link", name="Runs").click()
    expect(watched.get_by_role("heading", name="Runs")).to_be_visible()
    expect(ring).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_axes_of_charts_can_be_read(browser: Browser, app: App, theme: str) -> None:
    """axe-core does not look at the text of charts."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    open_screen(page, f"{app.url}/runs")
    expect(page.locator(".js-plotly-plot .ytick")).not_to_have_count(0)
    behind = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    for part in (".xtick text", ".ytick text", ".xtitle", ".ytitle", ".legendtext"):
        colour = page.locator(f".js-plotly-plot {part}").first.evaluate("text => getComputedStyle(text).fill")
        assert contrast(colour, behind) >= 4.5, part
    context.close()
