"""The view of the Data page on what a dataset hides: its duplicates as tiles, and how one gets there."""

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.data import Split, check_dataset, open_dataset, save_dataset
from cifar_core.data.checks import check as check_module
from cifar_core.data.checks.duplicates import Groups
from cifar_core.jobs import start
from cifar_core.workspace import Workspace
from pages.ui.data.duplicates import _table_and_kinds
from tests.conftest import save_tiny, tiny_pictures
from tests.data.checks.support import check_of, dataset_of, split_of
from tests.pages.support import OpenPage, components, said


def save_with_duplicates(workspace: Workspace) -> None:
    """Of 12 test pictures 10 are training pictures too, one of them under another class; one is twice in training."""
    images, labels = tiny_pictures(40, classes=3)
    rows = {"train": np.array([*range(20), 0]), "test": np.array([*range(1, 11), 30, 31])}
    parts = []
    for part, chosen in rows.items():
        ids = np.array([f"{part}/{place:02d}.png" for place in range(len(chosen))])
        parts.append(Split(images[chosen], labels[chosen], ids))
    parts[1].labels[0] = (parts[1].labels[0] + 1) % 3
    save_dataset(workspace, "mine", *parts, title="mine", class_names=("*a*", "b", "c"), source="Made by the tests.")
    check_dataset(workspace, open_dataset(workspace, "mine"))


def grids(app: AppTest) -> list[dict[str, list[str]]]:
    return [grid for grid in components(app) if "keys" in grid]


@pytest.mark.fault(80)
def test_duplicates_are_said_on_the_card_and_shown_in_pairs(open_page: OpenPage, workspace: Workspace) -> None:
    save_with_duplicates(workspace)
    app = open_page(workspace, "data")
    assert "10 of 12 test pictures are also training pictures" in app.warning[0].value
    app.button(key="data_checks_mine").click().run()
    assert not app.exception
    assert app.query_params["view"] == "Checks"
    assert "1 picture stands under two classes or more" in app.warning[1].value
    assert [len(grid["keys"]) for grid in grids(app)] == [2] * 8, "as many groups as a page holds, two tiles each"
    assert grids(app)[0]["keys"] == ["train train/01.png", "test test/00.png"], "the label conflict comes first"
    assert "*a*" in " ".join(grids(app)[0]["captions"] + grids(app)[1]["captions"] + grids(app)[2]["captions"])
    app.session_state["data_kind"] = "within"
    app.run()
    assert [grid["keys"] for grid in grids(app)] == [["train train/00.png", "train train/20.png"]]
    assert app.query_params["kind"] == "within"
    app.session_state["data_view"] = "Card"
    app.run()
    assert "10 of 12 test pictures are also training pictures" in said(app)
    app = open_page(workspace, "train", view="New run", dataset="mine")
    app.selectbox(key="train_set_dataset").set_value("mine").run()
    assert "10 of 12 test pictures are also training pictures" in said(app), "before it is trained on, too"


def test_each_group_is_of_the_kinds_that_its_pictures_make_it() -> None:
    draw = np.random.default_rng(0)
    parts = [split_of(np.empty((60, 3, 32, 32), np.uint8), draw.integers(0, 3, 60), part) for part in ("train", "test")]
    dataset = dataset_of(*parts, 3, np.arange(40, 60))
    groups = Groups(*draw.integers(0, 60, (2, 60), np.int32))
    check = replace(check_of(dataset), groups=groups)
    table, kinds = _table_and_kinds.__wrapped__(None, "", dataset, check)
    expected: dict[str, list[int]] = {"test": [], "validation": [], "classes": [], "within": []}
    for number, group in table.groupby("group"):
        found = list(group["part"])
        fits = {
            "test": "test" in found and len(set(found)) > 1,
            "validation": {"train", "validation"} <= set(found),
            "classes": group["class"].nunique() > 1,
            "within": len(set(found)) < len(found),
        }
        for kind in (kind for kind, fit in fits.items() if fit):
            expected[kind].append(number)
    assert {kind: list(found) for kind, found in kinds.items()} == expected


def test_a_dataset_without_duplicates_says_so_once_it_was_checked(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny(workspace)
    programs: list[str] = []
    monkeypatch.setattr(start, "spawn", lambda program, *_: programs.append(program))
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())
    app = open_page(workspace, "data", view="Checks")
    assert "Not checked yet" in said(app)
    assert programs == ["cifar_core.data.checks.check_process"]
    check_dataset(workspace, open_dataset(workspace, "tiny"))  # as the process would
    app.run()
    assert "No duplicates: all 400 pictures are different" in said(app)
    assert "Not checked" not in said(app)
    app.query_params["dataset"] = "nope"
    app.run()
    assert app.warning[0].value == "There is no dataset nope that is ready. tiny is shown instead."


def test_where_nothing_can_be_kept_the_check_is_made_for_the_visit(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny(workspace)
    monkeypatch.setattr(check_module, "_keep", lambda *_: None)
    workspace.jobs.write_text("")  # no job can be started
    app = open_page(workspace, "data", view="Checks")
    assert "No duplicates: all 400 pictures are different" in said(app)
