"""Runs that differ in the seed alone: on Misclassified, beside a picture, and on Runs."""

from pathlib import Path
from urllib.parse import unquote

import pytest

from cifar_core.runs import Estimate, Span, list_runs, read_run
from cifar_core.runs.estimate.span import exactly
from cifar_core.text import range_words
from cifar_core.workspace import Workspace, open_workspace
from pages.ui.understand.prediction_download import _make_file
from tests.conftest import save_tiny
from tests.pages.support import OpenPage, said, shown_grid
from tests.runs.seeds.crafted_repeats import craft

WRONG = {"seed-0": {1, 2, 3}, "seed-1": {2, 3}, "seed-2": {3, 0}}


@pytest.fixture(scope="module")
def crafted(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = open_workspace(tmp_path_factory.mktemp("seeds") / "workspace")
    save_tiny(workspace)
    for seed, (name, wrong) in enumerate(WRONG.items()):
        craft(workspace, name, seed, wrong, created=f"2026-08-0{seed + 1}T12:00:00+00:00")
    return workspace


def test_pictures_are_filtered_and_sorted_by_how_many_seeds_are_wrong(open_page: OpenPage, crafted: Workspace) -> None:
    ids = [f"test/{number:05d}.png" for number in (3, 2, 1)]
    app = open_page(crafted, "misclassified", run="seed-0", sort="wrong_in")
    assert shown_grid(app)["keys"] == ids and "wrong in 3 of 3" in shown_grid(app)["captions"][0]
    app.button(key="misclassified_fold").click().run()
    app.slider(key="misclassified_wrong_in").set_value((2, 3)).run()
    assert shown_grid(app)["keys"] == ids[:2] and app.query_params["wrong_in"] == "2~"
    app.button(key="misclassified_lift_wrong_in").click().run()
    assert shown_grid(app)["keys"] == ids and "wrong_in" not in app.query_params
    app.query_params["image"] = ids[1]
    app.run()
    assert "Wrong in **2 of 3 seeds**" in said(app)
    assert b'"wrong_in","wrong_of"' in _make_file(crafted, read_run(crafted, "seed-0"), 2, "CSV")


def test_compare_filters_by_how_many_seeds_are_wrong_too(open_page: OpenPage, crafted: Workspace) -> None:
    app = open_page(crafted, "compare", a="seed-0", b="seed-1", verdict="all", wrong_in="2~", sort="wrong_in")
    assert shown_grid(app)["keys"] == [f"test/{number:05d}.png" for number in (3, 2)]
    app.button(key="compare_lift_wrong_in").click().run()
    assert len(shown_grid(app)["keys"]) > 2 and "wrong_in" not in app.query_params


def test_the_time_of_repeats_is_the_estimate_of_their_settings(
    open_page: OpenPage, crafted: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate = Estimate(exactly(60), 1, Span(50, 60, 80), "from a test")
    monkeypatch.setattr("pages.ui.runs.seeds.estimate_run", lambda config, speed, datasets, runs: estimate)
    app = open_page(crafted, "runs", runs="seed-2")
    assert "from a test" not in said(app), "folded"
    app.session_state["runs_repeat_seed-2"] = True
    app.run()
    assert f"In all {range_words(100, 160)}, from a test." in said(app), "two further runs are proposed"


def test_seeds_stand_together_on_runs_and_can_be_repeated(
    open_page: OpenPage, crafted: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(
        "pages.ui.runs.seeds.repeat_with_seeds",
        lambda workspace, run, count, *, nonce, person: asked.append((run, count, bool(nonce))) or [run] * count,
    )
    app = open_page(crafted, "runs", group="1", runs="seed-2")
    table = app.dataframe[0].value
    assert table["name"].tolist() == ["seed-2 and 2 more"] and table["seed_mean"].tolist() == [97.7]
    assert "mean test accuracy 97.7\u00a0% over 3 seeds" in said(app)
    (link,) = (each.proto for each in app.get("page_link") if each.proto.label == "Pictures wrong with every seed")
    assert "wrong_in=3~" in unquote(link.query_string) and "run=seed-2" in link.query_string
    app.button(key="runs_tick_group_seed-2").click().run()
    assert app.query_params["runs"] == "seed-0,seed-1,seed-2" and "3 ticked" in said(app)
    app.toggle(key="runs_group").set_value(False).run()
    assert len(app.dataframe[0].value) == 3 and "group" not in app.query_params
    app.number_input(key="runs_repeats_seed-2").set_value(4).run()
    app.session_state["runs_repeat_seed-2"] = True
    app.button(key="runs_repeat_start_seed-2").click().run()
    assert not app.session_state["runs_repeat_seed-2"], "the menu is closed, so nothing is queued again by mistake"
    assert asked == [("seed-2", 4, True)] and len(list_runs(crafted)) == 3
