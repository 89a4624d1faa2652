"""What the journeys do on the screens, in a person's terms."""

import io
import time
from pathlib import Path
from urllib.parse import parse_qs, urlparse
from zipfile import ZipFile

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

PATIENCE = 60.0  # seconds
HEATMAP = (
    "[...document.querySelectorAll('.js-plotly-plot')].find(plot => plot.data?.some(trace => trace.type === 'heatmap'))"
)
CELL = f"""([row, column]) => {{
  const plot = {HEATMAP}
  const {{ xaxis, yaxis }} = plot._fullLayout
  const points = plot.calcdata.find(points => points[0].trace.type.startsWith('scatter') && points[0].data)
  const point = points.find(point => point.data[0] === row && point.data[1] === column)
  plot.scrollIntoView({{ block: 'center' }})
  const box = plot.getBoundingClientRect()
  return [box.left + xaxis._offset + xaxis.c2p(point.x), box.top + yaxis._offset + yaxis.c2p(point.y)]
}}"""


def query(page: Page) -> dict[str, str]:
    """The parameters of the page's address."""
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def settle(page: Page) -> None:
    """Until the server has answered and nothing is being drawn any more."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)


def click_cell(page: Page, row: int, column: int, label: str) -> None:
    """Click one cell of the confusion heatmap with the mouse, once the chart itself says that it is that cell."""
    page.wait_for_function(f"{HEATMAP}?._fullLayout?.xaxis?.d2p !== undefined")
    settle(page)
    hovered = page.locator(".hoverlayer .hovertext").filter(has_text=label)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:  # what is still loading around the chart may move it
        x, y = page.evaluate(CELL, [row, column])
        page.mouse.move(x - 3, y - 3)
        page.mouse.move(x, y)
        try:
            hovered.first.wait_for(timeout=1000)
        except PlaywrightTimeout:
            continue
        if page.evaluate(CELL, [row, column]) == [x, y]:
            page.mouse.click(x, y)
            return
    raise AssertionError(f"the cell {label} could not be reached")


def tiles(page: Page) -> Locator:
    """The tiles of the grid that is shown."""
    return page.locator(".tile")


def tile_ids(page: Page) -> list[str]:
    """The ids of the pictures that the grid shows, in order."""
    return [str(tile.get_attribute("title")) for tile in tiles(page).all()]


def pictures(files: dict[str, bytes]) -> dict[str, np.ndarray]:
    """The PNG files that are single pictures, as uint8 [3, H, W] by file name."""
    return {
        name: np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).transpose(2, 0, 1)
        for name, content in files.items()
        if name.endswith(".png") and "_true-" in name
    }


def unzip(path: Path) -> dict[str, bytes]:
    """The files of a ZIP by their last name."""
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        return {Path(name).name: archive.read(name) for name in archive.namelist()}
