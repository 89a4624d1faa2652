"""Trust in a real browser: a click on a bin opens exactly its pictures, the threshold stays after a reload."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cifar_core.bench.app import App
from cifar_core.evaluate import BINS, bin_of, outcomes, reliability_table, trust_sentence
from cifar_core.figures import bin_words
from cifar_core.runs import read_predictions
from cifar_core.workspace import Workspace
from tests.e2e.conftest import loads
from tests.e2e.screens import query, settle, tile_ids, tiles
from tests.e2e.serving import serve
from tests.pages.support import doubtful, epochs_of_their_own
from tests.runs.conftest import finished, shared

__all__ = ["doubtful", "epochs_of_their_own", "finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def app(doubtful: Workspace, tmp_path: Path) -> Iterator[App]:
    with serve(doubtful, tmp_path / "log") as served:
        yield served


def click_bin(page: Page, place: int, *, panel: int, height: float) -> None:
    """Click into the column of a bin: panel 0 is the diagram, 1 the histogram; height is from 0 to 1, downwards."""
    column = page.locator(".js-plotly-plot .nsewdrag").nth(panel)
    expect(column).to_be_visible()
    box = column.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * (place + 0.5) / BINS, box["y"] + height * box["height"])


def test_a_bin_opens_its_pictures_and_a_threshold_stays(page: Page, app: App, doubtful: Workspace) -> None:
    found = read_predictions(doubtful, "late")
    bins, table = bin_of(found.probs.max(axis=1)), reliability_table(found)
    assert 0 not in bins
    page.goto(f"{app.url}/trust?run=late")
    expect(page.get_by_role("heading", name=trust_sentence(found))).to_be_visible()
    settle(page)
    for place, panel in ((4, 0), (13, 1)):  # a low bar is clicked far above its top
        count = int((bins == place).sum())
        click_bin(page, place, panel=panel, height=0.1)
        confidence = bin_words(table.iloc[place]).replace("\u00a0", " ")
        expect(page.get_by_role("button", name=f"Confidence {confidence}")).to_be_visible()
        settle(page)
        expect(page.get_by_text(f"{count} picture")).to_be_visible()
        expect(tiles(page)).to_have_count(count)
        assert set(tile_ids(page)) == set(found.ids[bins == place].tolist())
        assert query(page)["bin"] == str(place)
    click_bin(page, 0, panel=0, height=0.5)  # an empty bin: the pictures of the other one stay
    settle(page)
    assert query(page)["bin"] == "13"
    page.get_by_role("button", name=re.compile("^Confidence ")).click()
    expect(tiles(page)).to_have_count(0)
    page.get_by_text("Answer only when sure").click()
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowLeft")
    expect(slider).to_have_value("0.8")
    expect(page).to_have_url(re.compile(r"[?&]threshold=0\.8(&|$)"))
    settle(page)
    page.reload()
    expect(page.get_by_role("slider")).to_have_value("0.8")
    wrong = int((outcomes(found, 0.8) == 3).sum())
    page.get_by_role("button", name=re.compile(f"^Wrong, rejected · {wrong}")).click()
    expect(page.get_by_text(f"{wrong} pictures")).to_be_visible()
    expect(tiles(page)).to_have_count(min(48, wrong))
    for module in ("torch", "scipy", "sklearn"):
        assert not loads(app, module), f"{module} was loaded into the server"
