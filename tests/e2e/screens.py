"""What the journeys do on the screens, in a person's terms."""

import io
import re
from pathlib import Path
from urllib.parse import parse_qs, urlparse
from zipfile import ZipFile

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect


def query(page: Page) -> dict[str, str]:
    """The parameters of the page's address."""
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def settle(page: Page) -> None:
    """Until the server has answered and nothing is being drawn any more."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)


def cell(page: Page, true: str, predicted: str) -> Locator:
    """One cell of the confusion matrix."""
    return page.get_by_role("gridcell", name=re.compile(f"^true {re.escape(true)}, predicted {re.escape(predicted)}, "))


def click_cell(page: Page, true: str, predicted: str) -> None:
    """Click one cell of the confusion matrix, once; it is marked before the server has answered."""
    settle(page)
    cell(page, true, predicted).click()
    expect(cell(page, true, predicted)).to_have_attribute("aria-selected", "true")


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
