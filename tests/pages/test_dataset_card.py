"""The card and the cleaned copy of a dataset, each on a page of its own."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.data import Split, list_datasets, open_dataset, save_dataset
from cifar_core.data.checks.about import DatasetAbout, read_about
from cifar_core.data.checks.check import check_dataset
from cifar_core.workspace import Workspace
from tests.conftest import tiny_pictures
from tests.jobs.support import do_imports_at_once
from tests.pages.support import said

SCRIPT = """
import streamlit as st
from cifar_core.data import open_dataset
from cifar_core.data.checks.check import check_dataset
from cifar_core.workspace import open_workspace
from pages.ui.data.card_view import show_card
from pages.ui.data.cleaned_copy import show_cleaned_copy

workspace = open_workspace({root!r})
dataset = open_dataset(workspace, st.query_params.get("dataset", "mine"))
{function}(workspace, dataset, check_dataset(workspace, dataset))
"""


def page_of(workspace: Workspace, function: str) -> AppTest:
    """A page that shows one thing about the dataset in its URL."""
    script = SCRIPT.format(root=str(workspace.root), function=function)
    app = AppTest.from_string(script, default_timeout=60).run()
    assert not app.exception
    return app


def save_leaking(workspace: Workspace) -> None:
    """A dataset `mine` of classes with odd names; two of ten test pictures are also training pictures."""
    images, labels = tiny_pictures(30, classes=2)
    parts = []
    for part, rows in (("train", np.arange(20)), ("test", np.arange(18, 28))):
        parts.append(Split(images[rows], labels[rows], np.array([f"{part}/{row}.png" for row in rows])))
    save_dataset(workspace, "mine", *parts, title="mine", class_names=("*x*|y", "[b](c)"), source="Here: :material/x:")


def test_the_card_is_read_and_its_words_are_given(workspace: Workspace) -> None:
    save_leaking(workspace)
    app = page_of(workspace, "show_card")
    assert "30 pictures of 32 x 32 pixels in RGB, in 2 classes: 20 training and 10 test pictures" in plain(app)
    assert "Nobody has stated a licence." in plain(app)
    assert app.dataframe[0].value.values.tolist() == [["*x*|y", 10, 5], ["[b](c)", 10, 5]]
    app.text_area(key="data_description_mine").set_value("First *line*\nsecond")
    app.text_area(key="data_licence_mine").set_value("CC0")
    app.button(key="data_about_save_mine").click().run()
    assert read_about(workspace, "mine") == DatasetAbout("First *line*\nsecond", "", "CC0")
    assert "First \\*line\\*  \nsecond" in said(app)
    assert "Nobody has stated a licence." not in plain(app)
    (workspace.data / "mine" / "about.json").write_text("{")
    app.run()
    assert "cannot be read" in plain(app), "and the rest of the card stays"
    assert "2 of 10 test pictures are also training pictures." in plain(app)


@pytest.mark.fault(80)
def test_a_cleaned_copy_is_made_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its numbers are shown before; a second click in the same state makes no second copy."""
    save_leaking(workspace)
    do_imports_at_once(monkeypatch)
    app = page_of(workspace, "show_cleaned_copy")
    assert "2 training pictures are also test pictures: they leave the training part." in plain(app)
    assert app.dataframe[0].value.values.tolist() == [["train", 20, 18], ["test", 10, 10]]
    assert app.dataframe[1].value.values.tolist() == [["*x*|y", 10, 9, 5, 5], ["[b](c)", 10, 9, 5, 5]]
    assert app.text_input[0].value == "mine-clean"
    app.button(key="data_clean_mine").click().run()
    copy = open_dataset(workspace, "mine-clean")
    assert len(copy.train.labels) == 18
    assert not check_dataset(workspace, copy).duplicates.any
    app.button(key="data_clean_mine").click().run()
    assert "There is already a dataset named mine-clean" in plain(app)
    app.text_input[0].set_value("Not A Name").run()
    app.button(key="data_clean_mine").click().run()
    assert "cannot be the name of a dataset" in plain(app)
    assert [item.name for item in list_datasets(workspace) if item.state == "ready"] == ["mine", "mine-clean"]
    app.query_params["dataset"] = "mine-clean"
    app.run()
    assert not app.button, "it has nothing to clean"


def plain(app: AppTest) -> str:
    """What is said, without the backslashes of Markdown."""
    return said(app).replace("\\", "")
