"""Saved views on the pages: saved, opened, renamed, deleted on Misclassified; marked where a run is worse."""

import json
import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.notes import read_notes
from cifar_core.runs import read_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.samples import FILTERS, SampleFilter
from cifar_core.saved_views import View, views_of
from cifar_core.saved_views.views import _StoredFilter
from cifar_core.workspace import Workspace
from pages.ui.saved_views.address import view_address
from pages.ui.saved_views.menu import _FILTER_PARAMETERS, open_ended
from pages.ui.url_state import number_range
from tests.conftest import make_perfect
from tests.pages.support import OpenPage, said

PAGE = "misclassified"
KEY = f"{PAGE}_view"


@pytest.fixture
def two_runs(epochs_of_their_own: Workspace) -> Workspace:
    """`early` is always right; `late`, made after it on the same test pictures, is never."""
    workspace = epochs_of_their_own
    for name, year in (("unjudged", 2001), ("short", 2002), ("early", 2003), ("late", 2004)):
        config = RunFolder(workspace.runs / name).config
        content = json.loads(config.read_text("utf-8"))
        config.write_text(json.dumps(content | {"created": f"{year}-01-01T00:00:00+00:00"}), "utf-8")
    make_perfect(RunFolder(workspace.runs / "early"), 1)
    wrong = RunFolder(workspace.runs / "late").probs("test", 2)
    make_perfect(RunFolder(workspace.runs / "late"), 2)
    np.save(wrong, np.roll(np.load(wrong), 1, axis=1))
    return workspace


def kept(workspace: Workspace) -> list[View]:
    dataset = read_run(workspace, "late").dataset
    assert dataset is not None
    return views_of(read_notes(workspace, dataset.fingerprint))


def press(app: AppTest, key: str, *, menu: bool = False) -> None:
    if menu:
        app.session_state[f"{KEY}_menu"] = True
        app.run()
    app.button(key=f"{KEY}_{key}").click().run()
    assert not app.exception, app.exception


def test_a_filter_is_saved_answered_renamed_deleted_and_brought_back(open_page: OpenPage, two_runs: Workspace) -> None:
    app = open_page(two_runs, PAGE, run="late", true="cat", tile="L")
    assert "accuracy on these pictures" in said(app)
    app.text_input(key=f"{KEY}_name").set_value(" *Cats* ")
    press(app, "save_now")
    (view,) = kept(two_runs)
    assert (view.name, view.sample_filter) == ("*Cats*", SampleFilter(true=("cat",)))
    answer = (
        ":small[:material/bookmark: **\\*Cats\\***: :orange-badge[:material/trending_down: worse] 0\\.0 % of 10 right"
    )
    assert answer in said(app).replace("\u00a0", " ") and "worse than early by 100" in said(app)

    app.session_state[f"{PAGE}_true"] = []
    app.session_state[f"{PAGE}_outcome"] = "all"
    app.run()
    assert answer not in said(app) and f"{KEY}_save_now" not in [button.key for button in app.button]
    press(app, f"open_{view.id}", menu=True)
    assert answer in said(app).replace("\u00a0", " ")
    assert app.query_params["true"] == "cat" and "outcome" not in app.query_params
    assert app.query_params["tile"] == "L", "how the pictures are shown stays"

    press(app, f"rename_{view.id}", menu=True)
    app.text_input(key=f"{KEY}_new_name").set_value("Kittens")
    press(app, "rename_now")
    assert [each.name for each in kept(two_runs)] == ["Kittens"]
    press(app, f"delete_{view.id}", menu=True)
    assert kept(two_runs) == [] and "View **Kittens** is deleted" in said(app)
    press(app, "undo")
    assert [each.id for each in kept(two_runs)] == [view.id] and "is deleted" not in said(app)

    app.switch_page("pages/runs.py")
    app.query_params["runs"] = "late"
    app.run()
    assert not app.exception and "Saved views: **worse on 1 view**" in said(app)
    (table,) = (each.value for each in app.dataframe if "worse" in each.value)
    assert table.loc[table["name"] == "late", "worse"].tolist() == [1] and table["worse"].count() == 1


def test_a_range_up_to_the_end_of_the_slider_has_no_end_in_another_run() -> None:
    parameters = {name: number_range(0.25, 0.75) for name in FILTERS}
    chosen = SampleFilter(ranges={"loss": (0.5, 0.75), "margin": (0.25, 0.5), "entropy": (0.3, 0.4)})
    saved = open_ended(chosen, parameters)
    assert saved.ranges == {"loss": (0.5, math.inf), "margin": (-math.inf, 0.5), "entropy": (0.3, 0.4)}
    address = view_address(saved)
    assert address == {"loss": ["0.5~"], "margin": ["~0.5"], "entropy": ["0.3~0.4"]}
    assert {name: parameters[name].read(texts) for name, texts in address.items()} == chosen.ranges


def test_the_url_says_every_part_of_a_view() -> None:
    parts: dict[str, Any] = {
        "true": ("cat",),
        "predicted": ("dog",),
        "ranges": {"loss": (1.0, 2.0)},
        "text": "x",
        "outcome": "all",
        "per_pair": 2,
        "tags": ("odd",),
    }
    assert parts.keys() == {part.name for part in fields(_StoredFilter)}
    addresses = [view_address(SampleFilter(**{name: value})) for name, value in parts.items()]
    assert [len(address) for address in addresses] == [1] * len(parts)
    assert {name for address in addresses for name in address} < set(_FILTER_PARAMETERS)
