"""The main job in a real browser: train, watch, reload, click a confusion, filter, select, save, download."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from cifar_core.bench.app import App
from cifar_core.data import open_dataset
from cifar_core.runs import Status, list_runs, read_metrics, read_predictions, read_run
from cifar_core.samples import SampleFilter, prediction_table, select_samples
from cifar_core.workspace import Workspace
from tests.e2e.conftest import loads
from tests.e2e.screens import pictures, query, settle, tile_ids, tiles, unzip
from tests.e2e.serving import serve

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EPOCH_SECONDS = 240_000  # ms: a deadline for two epochs on a busy machine


def test_train_watch_click_save(page: Page, workspace: Workspace, tmp_path: Path) -> None:
    with serve(workspace, tmp_path / "server.log") as app:
        run_id = train_and_watch(page, app, workspace)
        table = mistakes(workspace, run_id)
        true, predicted, expected = click_the_largest_confusion(page, table)
        open_in_misclassified(page, true, predicted, expected)
        filter_and_select(page, workspace, expected)
        save_and_download(page, workspace, expected, tmp_path)
        assert not loads(app, "torch"), "torch was loaded into the server"


def train_and_watch(page: Page, app: App, workspace: Workspace) -> str:
    page.goto(app.url)
    page.get_by_role("button", name="Train your first model").dblclick()  # two clicks make one run
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.get_by_text("epoch 1/", exact=False).first).to_be_visible(timeout=EPOCH_SECONDS)
    expect(page.get_by_text(re.compile("epoch 1 of 6")).first).to_be_visible(timeout=EPOCH_SECONDS)
    (run,) = list_runs(workspace)
    assert run.active and query(page)["run"] == run.id

    page.reload()  # in the middle of the training
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.get_by_text(re.compile("epoch [2-6](, the last| of 6)")).first).to_be_visible(timeout=EPOCH_SECONDS)
    expect(page.get_by_role("button", name="Stop")).to_be_hidden(timeout=EPOCH_SECONDS)
    expect(page.get_by_text("finished").first).to_be_visible()
    (run,) = list_runs(workspace)
    assert run.status is Status.FINISHED
    assert list(read_metrics(workspace, run.id)["epoch"]) == list(range(1, run.config.optimizer.epochs + 1))
    return run.id


def mistakes(workspace: Workspace, run_id: str) -> pd.DataFrame:
    found = read_predictions(workspace, run_id)
    table = prediction_table(found)
    best = read_run(workspace, run_id).best
    assert best is not None
    assert table["correct"].mean() == pytest.approx(best.test_accuracy)
    return table


def click_the_largest_confusion(page: Page, table: pd.DataFrame) -> tuple[str, str, list[str]]:
    wrong = table[~table["correct"]]
    true, predicted = wrong.groupby(["true", "predicted"]).size().idxmax()
    page.get_by_role("button", name=f"{true} taken for {predicted}").click()  # the first of three things to look at
    expect(page.get_by_role("heading", name="Confusion")).to_be_visible()
    expected = select_samples(table, SampleFilter((true,), (predicted,)), "loss")["id"].tolist()
    assert 0 < len(expected) <= 192
    expect(page.get_by_text(f"true {true} → predicted {predicted} · {len(expected)}")).to_be_visible()
    if len(expected) > 48:
        page.get_by_text("192 a page").click()
    expect(tiles(page)).to_have_count(len(expected))
    assert tile_ids(page) == expected
    assert (query(page)["true"], query(page)["predicted"]) == (true, predicted)
    return true, predicted, expected


def open_in_misclassified(page: Page, true: str, predicted: str, expected: list[str]) -> None:
    page.get_by_role("link", name="Open in Misclassified").click()
    expect(page.get_by_role("heading", name="Misclassified")).to_be_visible()
    expect(page.get_by_text("match", exact=False).first).to_be_visible()
    settle(page)
    if len(expected) > 48:
        page.get_by_text("192 a page").click()
    expect(tiles(page)).to_have_count(len(expected))
    assert tile_ids(page) == expected
    assert (query(page)["true"], query(page)["predicted"]) == (true, predicted)


def filter_and_select(page: Page, workspace: Workspace, expected: list[str]) -> None:
    """Narrow by a part of the id, take it back, then select two tiles by mouse and keyboard."""
    part = expected[0][-3:]
    matching = [name for name in expected if part in name]
    page.get_by_role("button", name="Filters").click()
    find = page.get_by_role("searchbox", name="Find in id")
    find.fill(part)
    expect(tiles(page)).to_have_count(len(matching))
    assert tile_ids(page) == matching
    page.get_by_role("button", name=f"id with “{part}”").click()
    expect(tiles(page)).to_have_count(len(expected))
    tiles(page).nth(0).hover()
    page.get_by_role("checkbox", name=re.compile("^Select: ")).first.click()
    tiles(page).nth(0).press("ArrowRight")
    tiles(page).nth(1).press(" ")
    expect(page.get_by_text("2 selected").first).to_be_visible()


def save_and_download(page: Page, workspace: Workspace, expected: list[str], tmp_path: Path) -> None:
    page.get_by_role("button", name="Save to disk").click()
    expect(page.get_by_text("Saved 2 pictures to exports/", exact=False)).to_be_visible()
    (folder,) = workspace.exports.iterdir()
    page.get_by_role("button", name="Last save").click()
    expect(page.get_by_text(str(folder), exact=False).first).to_be_visible()
    page.keyboard.press("Escape")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download ZIP").click()
    path = tmp_path / "pictures.zip"
    downloading.value.save_as(path)
    saved = {item.name: item.read_bytes() for item in folder.iterdir()}
    zipped = unzip(path)
    test = open_dataset(workspace, "drawn10").test
    for files in (saved, zipped):
        found = pictures(files)
        assert len(found) == 2
        for rank, name in enumerate(sorted(found)):
            index = int(np.flatnonzero(test.ids == expected[rank])[0])
            assert np.array_equal(found[name], test.images[index])
    assert {name for name in saved if name.endswith(".csv")} == {name for name in zipped if name.endswith(".csv")}
