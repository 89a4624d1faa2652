"""Names, notes, classes and ids that a browser would run, fetch or draw are shown as they are."""

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

from cifar_core.bench.app import App
from cifar_core.config import make_config
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.runs import list_trash, note_run, rename_run
from cifar_core.runs.run import MAX_NOTE, MAX_RUN_NAME
from cifar_core.runs.run_folder import RunFolder
from cifar_core.text import can_be_shown, one_line
from cifar_core.workspace import Workspace, open_workspace
from pages.ui.markdown import MAX_TEXT_SHOWN
from tests.conftest import tiny_pictures
from tests.e2e.screens import click_cell, settle, tiles
from tests.e2e.serving import serve
from tests.nasty import CLASSES, FILE_NAMES, LITERAL, OUTSIDE, UNSEEN
from tests.runs.conftest import TINY, begin, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.fault(46)]

SCREENS = ("home", "train", "runs", "confusion", "misclassified", "picture", "predict")  # those that speak of a run


@dataclass(frozen=True)
class Nasty:
    """A server on a workspace full of them."""

    app: App
    workspace: Workspace
    names: dict[str, str]  # run id -> its name


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nasty]:
    """A dataset with such classes, one run trained on it, and copies of the run with such names."""
    workspace = open_workspace(tmp_path_factory.mktemp("nasty") / "workspace")
    import_pictures(workspace, _folder(tmp_path_factory.mktemp("pictures")), "nasty")
    config = make_config({**TINY, "dataset": "nasty", "epochs": 1, "train_share": 1.0, "validation_share": 0.0})
    run = wait_for(workspace, begin(workspace, config), lambda found: not found.active)
    names = {run.id: run.name}
    for number, name in enumerate((*_joined(LITERAL), "".join(UNSEEN[:-1]), UNSEEN[-1])):
        run_id = f"copy-{number:02}"
        shutil.copytree(workspace.runs / run.id, workspace.runs / run_id)
        if can_be_shown(name):
            rename_run(workspace, run_id, name[:MAX_RUN_NAME])
            note_run(workspace, run_id, name[:MAX_NOTE])
        else:
            RunFolder(workspace.runs / run_id).about.write_text(json.dumps({"name": name, "note": name}), "utf-8")
        names[run_id] = one_line(name[:MAX_RUN_NAME] if can_be_shown(name) else name, MAX_RUN_NAME)
    with serve(workspace, tmp_path_factory.mktemp("server") / "log") as app:
        yield Nasty(app, workspace, names)


@pytest.fixture
def watched(page: Page) -> Iterator[Page]:
    """A page on which nothing leaves, no dialog opens and no script of a name runs."""
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    # These requests are counted by the fixture `page`.
    page.route(re.compile(rf"^\w+://[^/?#]*{re.escape(OUTSIDE)}"), lambda route: route.abort())
    yield page
    assert dialogs == []
    nothing_ran(page)


def nothing_ran(page: Page) -> None:
    """No name became a script, a picture, a link of its own or a formula."""
    assert page.evaluate("window.hit") is None
    links = page.evaluate("[...document.links].filter(link => link.host !== location.host).map(link => link.href)")
    assert links == []
    for made in (f"img[src*='{OUTSIDE}']", "img[src='x']", "[data-testid=stMain] .katex"):
        assert page.locator(made).count() == 0, made


def seen(page: Page, where: str = "[data-testid=stMain]") -> str:
    """All words of a part of the page on one line, without what cannot be seen."""
    return " ".join(page.locator(where).first.inner_text().replace("\u2060", "").split())


@pytest.mark.parametrize("screen", SCREENS)
def test_run_names_are_seen_as_they_are(watched: Page, nasty: Nasty, screen: str) -> None:
    names = list(nasty.names.items())  # all of them on one screen; the others show names by the same function
    for run_id, name in names if screen == "misclassified" else names[1:4]:
        watched.goto(f"{nasty.app.url}/{'' if screen == 'home' else screen}?run={run_id}&view=Watch")
        settle(watched)
        expect(watched.get_by_test_id("stException")).to_have_count(0)
        nothing_ran(watched)
        if screen in ("home", "runs"):
            assert screen == "runs" or name in seen(watched)
        else:
            assert watched.get_by_role("combobox", name="Run").first.input_value().startswith(name), screen


def test_the_runs_page_shows_all_of_them(watched: Page, nasty: Nasty) -> None:
    watched.goto(f"{nasty.app.url}/runs")
    settle(watched)
    grid = watched.get_by_test_id("stDataFrame").first
    expect(grid.locator("canvas").first).to_be_visible()
    box = grid.locator("canvas").first.bounding_box()
    assert box is not None
    for row in range(3):
        watched.mouse.click(box["x"] + 20, box["y"] + 60 + 66 * row)  # rows are high where a name is long
        settle(watched)
        expect(watched.get_by_text(f"{row + 1} ticked")).to_be_visible()
    expect(watched.get_by_role("textbox", name="Note")).to_have_count(1)
    legend = watched.locator(".legendtext")
    expect(legend).to_have_count(3)
    assert set(legend.all_text_contents()) <= {one_line(name, 40) for name in nasty.names.values()}
    watched.get_by_role("button", name="Delete", exact=True).click()  # of the one ticked last
    expect(watched.get_by_role("button", name="Undo")).to_be_visible()
    settle(watched)
    (gone,) = list_trash(nasty.workspace)
    assert f"{nasty.names[gone.id]} is in the trash." in seen(watched)
    nothing_ran(watched)
    watched.get_by_role("button", name="Undo").click()
    expect(watched.get_by_role("button", name="Undo")).to_have_count(0)


def test_classes_are_seen_as_they_are(watched: Page, nasty: Nasty) -> None:
    run_id = "copy-00"
    watched.goto(f"{nasty.app.url}/confusion?run={run_id}")
    settle(watched)
    for names in (watched.get_by_role("rowheader"), watched.locator(".columnname")):
        expect(names).to_have_count(len(CLASSES))
        assert sorted(names.all_text_contents()) == sorted(one_line(name, MAX_TEXT_SHOWN) for name in CLASSES)
    watched.get_by_role("combobox", name="True", exact=False).first.click()
    options = {text.replace("\u2060", "") for text in watched.get_by_role("option").all_inner_texts()}
    assert set(CLASSES) <= options
    watched.keyboard.press("Escape")
    for name in sorted(CLASSES)[:3]:
        click_cell(watched, one_line(name, MAX_TEXT_SHOWN), one_line(name, MAX_TEXT_SHOWN))
        settle(watched)
        nothing_ran(watched)
    for name in CLASSES[:4]:
        watched.goto(f"{nasty.app.url}/misclassified?run={run_id}&outcome=all&true={quote(name, safe='')}")
        settle(watched)
        tiles(watched).first.click()
        expect(watched.get_by_role("dialog")).to_be_visible()
        settle(watched)
        assert f"true {name}" in seen(watched)
        assert f"true {name} →" in seen(watched, "[role=dialog]")
        nothing_ran(watched)


def test_the_data_page_shows_classes_and_ids_as_they_are(watched: Page, nasty: Nasty) -> None:
    for name in CLASSES[:4]:
        watched.goto(f"{nasty.app.url}/data?dataset=nasty&class={quote(name, safe='')}")
        expect(tiles(watched).first).to_be_visible()
        settle(watched)
        text = seen(watched)
        assert f"{name} · train/{name}/" in text
        assert f"all: {name} ·" in text
        nothing_ran(watched)


def test_file_names_are_seen_as_they_are(watched: Page, nasty: Nasty) -> None:
    watched.goto(f"{nasty.app.url}/predict?run=copy-00")
    settle(watched)
    names = [name for name in FILE_NAMES if name.endswith(".png") and can_be_shown(name)]
    files = [{"name": name, "mimeType": "image/png", "buffer": _png()} for name in names]
    watched.locator("input[type=file]").set_input_files(files)  # type: ignore[arg-type]
    expect(watched.get_by_text(re.compile(" · uploaded$"))).to_have_count(len(names))
    settle(watched)
    text = seen(watched)
    for name in names:
        assert one_line(name, 150).rstrip("…") in text
    nothing_ran(watched)


def test_what_stands_in_backticks_is_code_and_nothing_more(watched: Page, nasty: Nasty) -> None:
    inside = [
        ":smile:",
        "$x$",
        "<b>",
        "www.a.b",
        "https://a.b",
        "**b**",
        "&lt;",
        ":red-badge",
        "a -> b",
        "x@y.zz",
    ]
    text = " ".join(f"`{each}`" for each in inside) + " `*i*] `:material/home:` ``a`` www.a.b :smile: :e-mail: :+1:"
    watched.goto(f"{nasty.app.url}/train?view=New+run&preset={quote(text, safe='')}")
    notice = watched.get_by_test_id("stAlert")
    expect(notice.locator("code")).to_have_text(inside)
    expect(notice).to_contain_text(
        "`*i*] `:\u2060material/home:` ``a`` www\u2060.a.b :\u2060smile: :\u2060e-mail: :\u2060+1:", use_inner_text=True
    )
    assert notice.locator("a, em, strong, .katex").count() == 0
    nothing_ran(watched)


def _joined(texts: tuple[str, ...]) -> list[str]:
    """The texts as few names of the length a name may have."""
    names = [""]
    for text in texts:
        if len(names[-1]) + len(text) >= MAX_RUN_NAME:
            names.append("")
        names[-1] = f"{names[-1]} {text}".strip()
    return names


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
