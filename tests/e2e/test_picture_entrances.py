"""A person's own pictures in a real browser: pasted, drawn and uploaded, they stay; nothing starts a camera unasked."""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from cifar_core.bench.app import App
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from tests.e2e.screens import settle
from tests.e2e.serving import serve
from tests.lifecycle.conftest import until
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASTE = """async ([content, name, type]) => {
  const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0))
  const clipboardData = new DataTransfer()
  if (type === "text/plain") clipboardData.setData(type, name)
  else clipboardData.items.add(new File([bytes], name, { type }))
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, composed: true }))
}"""
CAMERA = """
window.askedForCamera = 0
const real = navigator.mediaDevices?.getUserMedia?.bind(navigator.mediaDevices)
if (real) navigator.mediaDevices.getUserMedia = (...about) => { window.askedForCamera++; return real(...about) }
"""


@pytest.fixture
def app(shared: Workspace, finished: Run, tmp_path: Path) -> Iterator[App]:
    """A server on the workspace with one finished run."""
    with serve(shared, tmp_path / "log") as served:
        yield served


def test_they_come_by_each_entrance_and_stay(page: Page, app: App, finished: Run) -> None:
    page.add_init_script(CAMERA)
    page.goto(f"{app.url}/predict?run={finished.id}")
    expect(page).to_have_title(re.compile("^Picture"))
    choose(page, "Paste")
    paste(page, encoded(), "image.png", "image/png")
    expect(page.get_by_text("pasted picture 1")).to_be_visible()
    expect(page.get_by_text("It can only answer with its 10 classes", exact=False)).to_have_count(1)
    paste(page, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "logo.svg", "image/svg+xml")
    expect(page.get_by_text("logo.svg is an SVG drawing", exact=False)).to_be_visible()
    paste(page, b"", "some words", "text/plain")
    expect(page.get_by_text("There is no picture on the clipboard.")).to_be_visible()
    choose(page, "Upload")
    page.locator("input[type=file]").set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": encoded()})
    expect(page.get_by_text("mine.png · uploaded")).to_be_visible()
    choose(page, "Draw")
    draw(page, (0.2, 0.2), (0.8, 0.8))
    expect(page.get_by_text("drawing 1", exact=True)).to_have_count(1)
    assert page.evaluate("window.askedForCamera") == 0, "no camera before it was chosen"
    choose(page, "Camera")
    page.wait_for_function("window.askedForCamera > 0")
    expect(page.get_by_text("This device has no camera", exact=False)).to_be_visible()
    page.get_by_role("link", name="Runs").click()
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    settle(page)
    page.get_by_role("link", name="Picture").click()
    page.get_by_role("radio", name="Your own pictures").click()
    for title in ("pasted picture 1", "mine.png · uploaded", "drawing 1"):
        expect(page.get_by_text(title)).to_be_visible()


@pytest.mark.parametrize("touch", [False, True])
def test_a_drawing_is_one_picture_and_is_there_again(browser: Browser, app: App, finished: Run, touch: bool) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=touch)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(f"{app.url}/predict?run={finished.id}&entrance=draw")
    tap = draw_dot_by_touch if touch else draw_dot
    tap(page, 0.5)
    expect(page.get_by_text("drawing 1", exact=True)).to_have_count(1)
    settle(page)
    one = shown(page)
    tap(page, 0.7)
    expect(page.get_by_alt_text("drawing 1 as given")).not_to_have_attribute("src", one)
    expect(page.get_by_text("1 picture · newest", exact=False)).to_be_visible()
    before = drawn(page)
    choose(page, "Paste")
    choose(page, "Draw")
    expect_drawn(page, before)
    settle(page)  # the address is written after the canvas is drawn
    page.reload()
    expect(page.get_by_text("1 picture · newest", exact=False)).to_be_visible()
    expect_drawn(page, before)
    page.get_by_role("button", name="Clear").click()
    settle(page)
    expect(page.get_by_text("drawing 1", exact=True)).to_have_count(1)
    tap(page, 0.3)
    expect(page.get_by_text("drawing 2", exact=True)).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("drawing 2")).to_have_count(0)
    expect(page.get_by_text("drawing 1", exact=True)).to_have_count(1)
    context.close()


def test_the_old_address_lets_one_go_back(page: Page, app: App, finished: Run) -> None:
    page.goto(f"{app.url}/confusion?run={finished.id}")
    expect(page.get_by_role("heading", name="Confusion", level=1)).to_be_visible()
    settle(page)
    page.goto(f"{app.url}/predict?run={finished.id}")
    expect(page.get_by_test_id("stFileUploader")).to_be_visible()
    settle(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Confusion", level=1)).to_be_visible()
    page.go_forward()
    expect(page.get_by_test_id("stFileUploader")).to_be_visible()
    settle(page)
    page.get_by_role("radio", name="A test picture").click()
    expect(page).to_have_url(re.compile("/predict.*source=test"))
    settle(page)
    page.go_back()
    expect(page.get_by_test_id("stFileUploader")).to_be_visible()
    settle(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Confusion", level=1)).to_be_visible()


def choose(page: Page, entrance: str) -> None:
    """Choose an entrance by its name."""
    page.get_by_role("radio", name=entrance, exact=True).click()
    settle(page)


def paste(page: Page, content: bytes, name: str, kind: str) -> None:
    """Press Ctrl+V with a file, or a text, on the clipboard."""
    expect(page.locator(".zone")).to_be_visible()
    page.evaluate(PASTE, [base64.b64encode(content).decode("ascii"), name, kind])


def canvas(page: Page) -> Locator:
    """The canvas, in view."""
    found = page.locator("canvas[role=img]")
    expect(found).to_be_visible()
    found.scroll_into_view_if_needed()
    return found


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """A place on the canvas, in shares of it, in pixels of the window."""
    box = canvas(page).bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def draw(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a line with the mouse."""
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    page.mouse.move(*at(page, *end), steps=5)
    page.mouse.up()


def draw_dot(page: Page, share: float) -> None:
    """Draw a short line across the middle."""
    draw(page, (share, 0.4), (share, 0.6))


def draw_dot_by_touch(page: Page, share: float) -> None:
    """Touch the canvas with a finger."""
    page.touchscreen.tap(*at(page, share, 0.5))


def shown(page: Page) -> str:
    """The address of the picture that was drawn, as the answer shows it."""
    return str(page.get_by_alt_text("drawing 1 as given").get_attribute("src"))


def drawn(page: Page) -> str:
    """What is on the canvas, as a data URL."""
    return str(canvas(page).evaluate("canvas => canvas.toDataURL()"))


def expect_drawn(page: Page, image: str) -> None:
    """Wait until the canvas, which puts its strokes back after it appears, shows this data URL."""
    until(lambda: drawn(page) == image, "the strokes are back")


def encoded() -> bytes:
    """A small PNG."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").save(buffer, "PNG")
    return buffer.getvalue()
