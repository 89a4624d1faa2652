"""The view of the Data page on what a dataset hides: its duplicates as tiles, and how one gets there."""

import json

import numpy as np
import pytest

from cifar_core.data import Split, check_dataset, open_dataset, save_dataset
from cifar_core.data.checks import check as check_module
from cifar_core.jobs import start
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny, tiny_pictures
from tests.pages.support import OpenPage, said


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


def grids(app: object) -> list[dict[str, list[str]]]:
    found = [json.loads(item.proto.json) for item in app.get("bidi_component")]  # type: ignore[attr-defined]
    return [grid for grid in found if "keys" in grid]


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


def test_a_dataset_without_duplicates_says_so_once_it_was_checked(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny(workspace)
    programs: list[str] = []
    monkeypatch.setattr(start, "spawn", lambda program, *_: programs.append(program))
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())
    app = open_page(workspace, "data", view="Checks")
    assert "Not checked for duplicates yet" in said(app)
    assert programs == ["cifar_core.data.checks.check_process"]
    check_dataset(workspace, open_dataset(workspace, "tiny"))  # as the process would
    app.run()
    assert "No duplicates: all 400 pictures are different" in said(app)
    assert "Not checked" not in said(app)


def test_where_nothing_can_be_kept_the_check_is_made_for_the_visit(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny(workspace)
    monkeypatch.setattr(check_module, "_keep", lambda *_: None)
    workspace.jobs.write_text("")  # no job can be started
    app = open_page(workspace, "data", view="Checks")
    assert "No duplicates: all 400 pictures are different" in said(app)
