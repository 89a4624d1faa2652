"""Tagging by the keyboard in a real browser: the tile with the focus, the selected tiles, the picture in the drawer."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from cifar_core.bench.app import App
from cifar_core.notes import notes_path, read_tags
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from tests.e2e.screens import settle, tile_ids, tiles
from tests.e2e.serving import serve
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def app(shared: Workspace, finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on the workspace with one finished run; what was tagged is forgotten at the end."""
    with serve(shared, tmp_path_factory.mktemp("server") / "log") as served:
        yield served
    assert finished.dataset is not None
    notes_path(shared, finished.dataset.fingerprint).unlink(missing_ok=True)


def expect_tagged(tile: Locator, words: str) -> None:
    expect(tile.locator(".line").last).to_have_text(f"tagged {words}")
    settle(tile.page)


def test_keys_tag_what_has_the_focus_is_selected_or_open(
    page: Page, app: App, shared: Workspace, finished: Run
) -> None:
    page.goto(f"{app.url}/misclassified?run={finished.id}")
    expect(tiles(page).first).to_be_visible()
    settle(page)
    ids = tile_ids(page)
    tiles(page).nth(0).focus()
    page.keyboard.press("1")
    expect(page.get_by_test_id("stToast").get_by_text("No tag has the key 1 yet")).to_be_visible()
    page.keyboard.press(" ")
    field = page.get_by_placeholder("Tag: a word, Enter")
    for word in ("dark 2", "odd"):
        field.fill(word)
        field.press("Enter")
        expect(field).to_have_value("")
        settle(page)
    expect_tagged(tiles(page).nth(0), "dark 2, odd")

    tiles(page).nth(1).focus()
    page.keyboard.press(" ")
    expect(page.get_by_text("2 selected")).to_be_visible()
    settle(page)
    expect(page.get_by_role("button", name="odd (1 of 2)")).to_be_visible()
    page.keyboard.press("2")  # one of them has it: both have it then
    expect_tagged(tiles(page).nth(1), "odd")
    page.keyboard.press("2")
    expect_tagged(tiles(page).nth(0), "dark 2")
    page.get_by_role("button", name="Clear").click()
    expect(field).to_have_count(0)
    settle(page)

    tiles(page).nth(2).focus()
    page.keyboard.press("1")
    for _ in ids[3:9]:  # faster than the server answers
        page.keyboard.press("ArrowRight")
        page.keyboard.press("1")
    for number in range(2, 9):
        expect_tagged(tiles(page).nth(number), "dark 2")
    page.get_by_role("button", name="Undo tag").click()
    expect(tiles(page).nth(8)).not_to_contain_text("tagged")
    settle(page)

    tiles(page).nth(2).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    given = dialog.get_by_role("button", name="odd").get_by_test_id("stIconMaterial")
    expect(given).to_have_text("check_box_outline_blank")
    settle(page)
    page.keyboard.press("2")
    expect(given).to_have_text("check_box")
    settle(page)
    page.keyboard.press("Escape")
    expect_tagged(tiles(page).nth(2), "dark 2, odd")
    assert finished.dataset is not None
    words = read_tags(shared, finished.dataset.fingerprint)
    assert words == {ids[0]: ("dark 2",), ids[2]: ("dark 2", "odd"), **dict.fromkeys(ids[3:8], ("dark 2",))}
