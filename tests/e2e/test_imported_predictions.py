"""A person with predictions of their own model: from Home to its confusion and the comparison, in a real browser."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from cifar_core.data import open_dataset
from cifar_core.runs import Run, list_runs, read_predictions
from cifar_core.workspace import Workspace, open_workspace
from tests.e2e.conftest import loads
from tests.e2e.screens import click_cell, query, settle, tiles
from tests.e2e.serving import serve
from tests.pages.imported_runs import predictions_csv
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_file_of_predictions_leads_to_its_confusion_and_the_comparison(
    page: Page, finished: Run, shared: Workspace, tmp_path: Path
) -> None:
    workspace = open_workspace(tmp_path / "workspace")
    shutil.copytree(shared.data / "tiny", workspace.data / "tiny")
    shutil.copytree(shared.runs / finished.id, workspace.runs / finished.id)
    file = tmp_path / "my-resnet.csv"
    file.write_bytes(predictions_csv(open_dataset(workspace, "tiny")))
    with serve(workspace, tmp_path / "log") as app:
        page.goto(app.url)
        page.get_by_role("link", name="Import predictions of your own model").click()
        form = page.locator(".st-key-predictions_box")
        form.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
        expect(form.get_by_test_id("stFileUploader").get_by_text(file.name)).to_be_visible()
        page.locator(".st-key-predictions_start").get_by_role("button").dblclick()  # two clicks import once
        expect(page.get_by_text("my-resnet is here now", exact=False)).to_be_in_viewport()
        settle(page)
        (run,) = [each for each in list_runs(workspace) if not each.has_network]
        page.get_by_role("link", name="What it confuses").click()
        expect(page.get_by_role("heading", name="Confusion")).to_be_visible()
        found = read_predictions(workspace, run.id)
        row = int(np.flatnonzero(found.predicted != found.labels)[0])
        true, predicted = int(found.labels[row]), int(found.predicted[row])
        click_cell(page, found.class_names[true], found.class_names[predicted])
        expect(tiles(page)).to_have_count(int(((found.labels == true) & (found.predicted == predicted)).sum()))
        page.goto(f"{app.url}/trust?run={run.id}")
        expect(page.get_by_text("imported predictions on tiny", exact=False)).to_be_visible()
        expect(page.locator(".js-plotly-plot").first).to_be_visible()
        page.goto(f"{app.url}/compare?run={run.id}&a={finished.id}&b={run.id}")
        expect(page.get_by_text("settings of B not known: imported predictions", exact=False)).to_be_visible()
        expect(tiles(page).first).to_be_visible()
        settle(page)
        assert query(page)["b"] == run.id
        assert not any(loads(app, module) for module in ("torch", "scipy", "sklearn"))
