"""The checks of a dataset on the Data page: what is odd first, its tiles, and the way to one picture."""

import numpy as np
import pytest

from cifar_core.data import Dataset, Split, check_dataset, save_dataset
from cifar_core.workspace import Workspace
from pages.ui.components.image_grid import GridEvent
from pages.ui.data.picture_browser import TILES_ON_PAGE
from tests.data.checks.support import ordinary_pictures
from tests.pages.support import OpenPage, said

ODD = 60  # black pictures: more than fit on a page of tiles


def save_odd(workspace: Workspace) -> Dataset:
    """Black pictures in train, and one class with a name of Markdown that has four times as many pictures."""
    splits = []
    for part, count in (("train", 400), ("test", 40)):
        images = ordinary_pictures(count, seed=len(part))
        images[: ODD if part == "train" else 0] = 0
        ids = np.array([f"{part}/{number}.png" for number in range(count)])
        splits.append(Split(images, np.array([0, 1, 1, 1, 1] * (count // 5), np.int64), ids))
    names = ("left", "*right*")
    own = np.arange(50, 100)
    return save_dataset(
        workspace, "odd", *splits, title="Odd", class_names=names, source="Made by the tests.", validation=own
    )


def test_what_is_odd_stands_first_and_opens_its_tiles(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_dataset(workspace, save_odd(workspace))
    shown: list[list[str]] = []
    clicks: list[str] = []

    def grid(_images: np.ndarray, captions: list[str], keys: list[str], **_more: object) -> GridEvent:
        shown.append([f"{key} {caption}" for key, caption in zip(keys, captions, strict=True)])
        return GridEvent(opened=clicks.pop() if clicks else None)

    monkeypatch.setattr("pages.ui.data.checks_at_a_glance.image_grid", grid)
    app = open_page(workspace, "data", dataset="odd", view="Checks")
    assert [header.value for header in app.subheader] == ["Duplicates", "Classes", "Odd pictures", "Shortcuts"]
    text = said(app).replace("\\", "")
    assert ":material/error_outline: train: *right* has " in text
    assert "Looked for and not found: mostly white, " in text
    assert not shown
    assert {"Brightness", "Mean colour"} < set(app.dataframe[-1].value["property"])
    app.button(key="data_finding_constant").click().run()
    assert app.query_params["finding"] == "constant"
    assert len(shown[-1]) == TILES_ON_PAGE
    assert shown[-1][0] == "train: train/0.png left\ntrain"
    app.get_by_key("data_tiles").set_value(2).run()
    assert [key.split(" ")[1] for key in shown[-1]] == [f"train/{row}.png" for row in range(TILES_ON_PAGE, ODD)]
    clicks.append("train: train/55.png")
    again = open_page(workspace, "data", dataset="odd", view="Checks", finding="constant", tiles="2")
    assert "odd · validation, n = 50" in said(again), "the picture is open in the browser"
    assert {name: again.query_params[name] for name in ("split", "picture")} == {
        "split": "validation",
        "picture": "train/55.png",
    }
