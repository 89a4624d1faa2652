"""A person whose test part holds copies of the training part: told so wherever a number stands, and led out of it."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cifar_core.config import make_config
from cifar_core.data import check_dataset, list_datasets, open_dataset
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.runs import create_run, start_run
from cifar_core.workspace import Workspace
from tests.data.conftest import tree
from tests.e2e.screens import settle
from tests.e2e.serving import serve
from tests.runs.conftest import TINY, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.fault(80)]


def test_copies_in_the_test_part(page: Page, workspace: Workspace, tmp_path: Path) -> None:
    source = tree(tmp_path / "leak", ["train"], count=10)
    shutil.copytree(source / "train", source / "test")
    shutil.copy(source / "train" / "cat" / "00.png", source / "train" / "dog" / "90.png")
    import_pictures(workspace, source, "leak")
    run = create_run(workspace, make_config({**TINY, "dataset": "leak", "epochs": 1}))
    start_run(workspace, run)  # a run checks its dataset where nobody has done so yet
    wait_for(workspace, run, lambda found: not found.active)
    with serve(workspace, tmp_path / "log") as app:
        for place in ("", f"train?run={run}&view=Watch", f"confusion?run={run}", f"misclassified?run={run}"):
            page.goto(f"{app.url}/{place}")
            expect(page.get_by_text("20 of 20 test pictures were seen in training").first).to_be_visible()
        page.goto(f"{app.url}/confusion?run={run}")
        expect(page.get_by_text("all were seen in training, so nothing is known about new pictures")).to_be_visible()
        picker = page.get_by_role("combobox", name="Run")
        expect(picker).to_have_value(re.compile("20 of 20 seen in training$"))

        page.goto(f"{app.url}/data")
        settle(page)
        page.get_by_role("button", name="See the checks").click()
        expect(page.get_by_text("In test and training (20 pictures)")).to_be_in_viewport()
        expect(page.locator(".tile").first).to_be_in_viewport()
        page.get_by_text("Make a cleaned copy").first.click()
        expect(page.get_by_role("textbox", name="Name of the copy")).to_have_value("leak-clean")
        make = page.get_by_role("button", name="Make a cleaned copy")
        make.press("Enter")  # by the keyboard, because the button moves while the box unfolds
        make.press("Enter")
        expect(page).to_have_url(re.compile("dataset=leak-clean"))
        page.get_by_role("radio", name="Checks").click()
        expect(page.get_by_text("No duplicates: all 19 pictures are different")).to_be_visible()
    assert {state.name for state in list_datasets(workspace) if state.state == "ready"} == {"leak", "leak-clean"}
    assert not check_dataset(workspace, open_dataset(workspace, "leak-clean")).duplicates.any
    assert len(open_dataset(workspace, "leak").train.labels) == 21
