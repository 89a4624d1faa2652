"""Run names, notes, classes, ids and file names that a browser would like to run, fetch or draw are shown as they are."""

import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from cifar_core.config import make_config
from cifar_core.data.importing import import_pictures
from cifar_core.runs import note_run, rename_run
from cifar_core.runs.folder import RunFolder
from cifar_core.text import one_line
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import ROOT, tiny_pictures
from tests.e2e.conftest import App, serve
from tests.e2e.screens import click_cell, settle, tiles
from tests.nasty import CLASSES, FILE_NAMES, LITERAL, OUTSIDE, UNSEEN
from tests.runs.conftest import TINY, begin, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.fault(46)]

SCREENS = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
SHOWN = 190  # characters that any screen shows of a text


@dataclass(frozen=True)
class Nasty:
    """A server on a workspace full of them."""

    app: App
    workspace: Workspace
    names: dict[str, str]  # run id -> its name


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nasty]:
    """A dataset with such classes, imported as people do, one run trained on it, and copies of the run with such names."""
    workspace = open_workspace(tmp_path_factory.mktemp("nasty") / "workspace")
    import_pictures(workspace, _folder(tmp_path_factory.mktemp("pictures")), "nasty")
    config = make_config({**TINY, "dataset": "nasty", "epochs": 1, "train_share": 1.0, "validation_share": 0.0})
    run = wait_for(workspace, begin(workspace, config), lambda found: not found.active)
    names = {}
    for number, name in enumerate((*LITERAL, *UNSEEN)):
        run_id = f"copy-{number:02}"
        shutil.copytree(workspace.runs / run.id, workspace.runs / run_id)
        if name in LITERAL:
            rename_run(workspace, run_id, name)
            note_run(workspace, run_id, name)
        else:
            RunFolder(workspace.runs / run_id).about.write_text(json.dumps({"name": name, "note": name}), "utf-8")
        names[run_id] = name
    with serve(workspace, tmp_path_factory.mktemp("server") / "log") as app:
        yield Nasty(app, workspace, names)


@pytest.fixture
def watched(page: Page) -> Iterator[Page]:
    """A page on which nothing leaves, no dialog opens and no script of a name runs."""
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.route(re.compile(OUTSIDE), lambda route: route.abort())  # counted by the fixture `page`
    yield page
    assert dialogs == []
    nothing_ran(page)


def nothing_ran(page: Page) -> None:
    assert page.evaluate("window.hit") is None
    for made in (
        f"img[src*='{OUTSIDE}']",
        f"a[href*='{OUTSIDE}']",
        "a[href^='javascript']",
        "[data-testid=stMain] .katex",
        "img[src='x']",
    ):
        assert page.locator(made).count() == 0, made


def seen(page: Page, where: str = "[data-testid=stMain]") -> str:
    """All words of a part of the page on one line, without what cannot be seen."""
    return " ".join(page.locator(where).first.inner_text().replace("\u2060", "").split())


def literal(text: str) -> str:
    """What must be seen of a text."""
    return one_line(text, 10**6)[:SHOWN].rstrip()


@pytest.mark.parametrize("screen", SCREENS)
def test_run_names_are_seen_as_they_are(watched: Page, nasty: Nasty, screen: str) -> None:
    for run_id, name in nasty.names.items():
        watched.goto(f"{nasty.app.url}/{'' if screen == 'home' else screen}?run={run_id}&view=Watch")
        settle(watched)
        expect(watched.get_by_test_id("stException")).to_have_count(0)
        nothing_ran(watched)
        box = watched.locator("[data-testid=stSidebar] [data-testid=stSelectbox] input")
        assert box.input_value().startswith(literal(name))
        if screen not in ("data", "runs"):
            assert literal(name) in seen(watched), screen


def test_the_runs_page_shows_all_of_them(watched: Page, nasty: Nasty) -> None:
    watched.goto(f"{nasty.app.url}/runs")
    settle(watched)
    grid = watched.get_by_test_id("stDataFrame").first
    expect(grid.locator("canvas").first).to_be_visible()
    for row in range(3):
        grid.locator("canvas").first.click(position={"x": 20, "y": 52 + 35 * row})
    settle(watched)
    expect(watched.get_by_role("textbox", name="Note")).to_have_count(3)
    legend = watched.locator(".legendtext").all_inner_texts()
    assert len(legend) == 3
    order = [nasty.names[key] for key in sorted(nasty.names, reverse=True)]
    for text in legend:
        assert any(one_line(name, 40) == text for name in order), text
    delete = watched.get_by_role("button", name="Delete").first
    delete.click()
    watched.get_by_role("button", name="Delete this run").first.click()
    expect(watched.get_by_test_id("stToast")).to_be_visible()
    nothing_ran(watched)


def test_classes_are_seen_as_they_are(watched: Page, nasty: Nasty) -> None:
    run_id = next(iter(nasty.names))
    watched.goto(f"{nasty.app.url}/confusion?run={run_id}")
    settle(watched)
    ticks = watched.locator(".ytick").all_inner_texts()
    assert sorted(ticks) == sorted(one_line(name, 24) for name in CLASSES)
    watched.get_by_role("combobox", name="True", exact=False).first.click()
    options = {text.replace("\u2060", "") for text in watched.get_by_role("option").all_inner_texts()}
    assert set(CLASSES) <= options
    watched.keyboard.press("Escape")
    for place, name in enumerate(sorted(CLASSES)[:3]):
        click_cell(watched, place, place, f"true {one_line(name, 24)}, predicted {one_line(name, 24)}")
        settle(watched)
        nothing_ran(watched)
    for name in CLASSES:
        watched.goto(f"{nasty.app.url}/misclassified?run={run_id}&outcome=all&true={quote(name, safe='')}")
        settle(watched)
        tiles(watched).first.dblclick()
        expect(watched.get_by_role("dialog")).to_be_visible()
        settle(watched)
        assert f"true {name}" in " ".join(tiles(watched).first.inner_text().split())
        assert f"true {name} →" in seen(watched, "[role=dialog]")
        nothing_ran(watched)


def test_the_data_page_shows_classes_and_ids_as_they_are(watched: Page, nasty: Nasty) -> None:
    for name in CLASSES:
        watched.goto(f"{nasty.app.url}/data?dataset=nasty&class={quote(name, safe='')}")
        settle(watched)
        text = seen(watched)
        assert f"{name} · train/{name}/" in text
        assert tiles(watched).first.inner_text().strip() == name
        nothing_ran(watched)


def test_file_names_are_seen_as_they_are(watched: Page, nasty: Nasty) -> None:
    watched.goto(f"{nasty.app.url}/predict?run={next(iter(nasty.names))}")
    settle(watched)
    names = [name for name in FILE_NAMES if "\udcff" not in name and name]
    files = [{"name": name, "mimeType": "image/png", "buffer": _png()} for name in names]
    watched.locator("input[type=file]").set_input_files(files)  # type: ignore[arg-type]
    expect(watched.get_by_text("predicted", exact=False)).to_have_count(len(names), timeout=60_000)
    settle(watched)
    text = seen(watched)
    for name in names:
        assert f"{literal(name.rsplit('/', 1)[-1])}" in text
    nothing_ran(watched)


def _folder(root: Path) -> Path:
    """Pictures of the nasty classes, in files with nasty names."""
    for part, count, seed in (("train", 100, 0), ("test", 50, 1)):
        images, labels = tiny_pictures(count, classes=len(CLASSES), seed=seed)
        for number, (pixels, label) in enumerate(zip(images, labels, strict=True)):
            folder = root / part / CLASSES[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.transpose(1, 2, 0)).save(folder / f"{CLASSES[number % 7]} {number}.png")
    return root


def _png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), (10, 200, 30)).save(stream, "PNG")
    return stream.getvalue()
