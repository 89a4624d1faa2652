"""Trust: every number is the library's, a bin and an outcome show exactly their pictures. Clicks: in browsers."""

import math
import shutil
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from cifar_core.analyse.calibration import CALIBRATION, CalibrationParameters, calibration_of
from cifar_core.analyse.compute.keeping import compute_and_keep
from cifar_core.evaluate import (
    BINS,
    OUTCOMES,
    CheckedPredictions,
    bin_of,
    calibration_scores,
    conformal_quantile,
    conformal_sets,
    conformal_table,
    cross_fitted,
    cross_fitted_answers,
    fit_temperature,
    outcomes,
    threshold_for,
    trust_sentence,
    with_temperature,
)
from cifar_core.runs import Run, read_predictions, read_run
from cifar_core.samples import passing, sample_table
from cifar_core.text import percent
from cifar_core.workspace import Workspace
from pages.ui.trust.calibration_view import _choose_row, _on_click, bin_range
from pages.ui.trust.threshold_view import outcome_filter
from tests.conftest import ROOT, save_tiny
from tests.pages.support import OpenPage, said, shown_grid, write_probs

STORED = sorted((ROOT / "tests" / "fixtures").glob("schema-*/*"))
EDGES = np.arange(BINS + 1) / BINS


def shown(app: AppTest) -> set[str]:
    """Ids of the pictures in the grid."""
    return set(shown_grid(app)["keys"])


def plain(app: AppTest) -> str:
    """What the page says, without the marks of Markdown."""
    return said(app).replace("\\", "").replace("*", "")


def sentence(app: AppTest) -> str:
    """The sentence that stands first."""
    return str(app.header[0].value).replace("\\", "")


@pytest.fixture
def unjudged(doubtful: Workspace) -> Workspace:
    """Run `unjudged` has no validation part, and so no predictions of one."""
    for path in (doubtful.runs / "unjudged" / "predictions").glob("validation*"):
        path.unlink()
    return doubtful


def test_the_sentence_and_the_numbers_are_those_of_the_library(open_page: OpenPage, doubtful: Workspace) -> None:
    found, fitted = read_predictions(doubtful, "late"), read_predictions(doubtful, "late", split="validation")
    app = open_page(doubtful, "trust", run="late")
    assert sentence(app) == trust_sentence(found)
    temperature, before = fit_temperature(fitted), calibration_scores(found)
    after = calibration_scores(
        CheckedPredictions(found.labels, with_temperature(found.probs, temperature), found.class_names)
    )
    effect = "surer" if temperature < 1 else "less sure"
    said_of_it = f"Makes it {effect} (T {temperature:.2f}): ECE {100 * before.ece:.1f} → {percent(after.ece)}"
    assert f"{said_of_it}, fitted on {len(fitted.labels)} validation pictures" in plain(app)
    assert "n = 100" in plain(app) and f"epoch {found.epoch} of" in plain(app)
    scores, bins = app.dataframe[0].value, app.dataframe[1].value
    shares, others = (before.ece, before.mce), (before.brier, before.nll)
    assert scores["now"].tolist() == [*map(percent, shares), *map("{:.3f}".format, others), "1.00"]
    assert scores["after"].tolist()[3] == f"{after.nll:.3f}"
    assert bins["n"].sum() == 100 and (bins["n"] > 0).all()


def test_intervals_come_from_the_kept_analysis_and_not_from_a_stale_one(
    open_page: OpenPage, doubtful: Workspace
) -> None:
    app = open_page(doubtful, "trust", run="late")
    assert set(app.dataframe[0].value["chance"]) == {"…", ""}, "the numbers do not wait for them"
    run = read_run(doubtful, "late")
    kept = compute_and_keep(doubtful, run, CALIBRATION, CalibrationParameters(), lambda *_: None)
    found = calibration_of(kept.values)
    app.run()
    ece, nll = (found.after.intervals[name] for name in ("ece", "nll"))
    intervals = app.dataframe[0].value["after_chance"].tolist()
    assert intervals[0] == f"{100 * ece.low:.1f} to {100 * ece.high:.1f}"
    assert intervals[3] == f"{nll.low:.3f} to {nll.high:.3f}"
    assert intervals[4] == f"{found.temperature[1]:.2f} to {found.temperature[2]:.2f}"
    write_probs(doubtful, "late", np.full(100, 0.9), np.ones(100, bool))
    app.run()
    assert app.warning and set(app.dataframe[0].value["chance"]) == {"…", ""}


def test_each_bin_shows_exactly_its_pictures(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    """Confidences that lie on the bounds of the bins and right below them, and one of 1."""
    workspace = epochs_of_their_own
    edges = EDGES[2:].astype(np.float32)  # ten classes have none below 0.1
    confidence = np.resize(np.concatenate([edges, np.nextafter(edges, np.float32(0))]), 100)
    write_probs(workspace, "late", confidence, np.arange(100) % 3 > 0)
    found = read_predictions(workspace, "late")
    bins = bin_of(found.probs.max(axis=1))
    app = open_page(workspace, "trust", run="late")
    counts = dict(zip(app.dataframe[1].value["bin"], app.dataframe[1].value["n"], strict=True))
    for place in np.unique(bins):
        app.query_params["bin"] = str(place)
        app.run()
        assert shown(app) == set(found.ids[bins == place].tolist())
        assert f"{(bins == place).sum()} pictures" in plain(app)
        assert (bins == place).sum() in counts.values()
    assert sum(counts.values()) == 100
    app.button(key="trust_lift").click().run()
    assert shown(app) == set() and "bin" not in app.query_params


def test_the_pictures_of_a_bin_are_the_same_on_misclassified(
    open_page: OpenPage, epochs_of_their_own: Workspace
) -> None:
    confidence = np.resize(np.nextafter(EDGES[3:].astype(np.float32), np.float32(0)), 100)
    write_probs(epochs_of_their_own, "late", confidence, np.arange(100) % 3 > 0)
    app = open_page(epochs_of_their_own, "trust", run="late", bin="7")
    links: list[Any] = list(app.get("page_link"))
    (query,) = (each.proto.query_string for each in links if each.proto.label == "Open in Misclassified")
    address = {name: values[0] for name, values in parse_qs(query).items()}
    other = open_page(epochs_of_their_own, "misclassified", **address)
    assert shown(app) and shown(other) == shown(app)
    assert other.query_params["confidence"] == address["confidence"], "the address keeps all digits"


@given(some.lists(some.floats(0.1, 1.0) | some.sampled_from([*EDGES[2:], *np.nextafter(EDGES[2:], 0)]), min_size=1))
def test_the_ranges_of_the_bins_part_all_confidences(values: list[float]) -> None:
    for confidence in (np.array(values), np.array(values, np.float32).astype(np.float64)):
        bins = bin_of(confidence)
        for place in np.unique(bins):
            low, high = bin_range(confidence, bins, place)
            assert ((confidence >= low) & (confidence <= high)).tolist() == (bins == place).tolist()


def test_an_empty_bin_in_the_address_says_that_it_is_empty(open_page: OpenPage, doubtful: Workspace) -> None:
    app = open_page(doubtful, "trust", run="late", bin="0")  # ten classes have no confidence below 0.1
    assert not app.error
    assert "There is no such picture" in said(app)


def test_after_scaling_the_bins_hold_other_pictures(open_page: OpenPage, doubtful: Workspace) -> None:
    found, fitted = read_predictions(doubtful, "late"), read_predictions(doubtful, "late", split="validation")
    probs = with_temperature(found.probs, fit_temperature(fitted))
    after = CheckedPredictions(found.labels, probs, found.class_names)
    bins = bin_of(probs.max(axis=1))
    place = int(np.bincount(bins).argmax())
    app = open_page(doubtful, "trust", run="late", bin=str(place))
    app.toggle(key="trust_scaled").set_value(True).run()
    assert sentence(app) == trust_sentence(after)
    assert f"{(bins == place).sum()} picture" in plain(app)
    wanted = set(found.ids[bins == place].tolist())
    assert shown(app) <= wanted and len(shown(app)) == min(48, len(wanted))
    assert app.query_params["scaled"] == "1"


def test_a_click_on_the_diagram_or_in_a_row_chooses_the_bin(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    state["diagram"] = SimpleNamespace(selection=SimpleNamespace(points=[{"customdata": 13}]))
    _on_click("diagram")
    assert (state["trust_bin"], state["trust_page"]) == (13, 1)
    state["diagram"] = SimpleNamespace(selection=SimpleNamespace(points=[]))
    _on_click("diagram")
    assert state["trust_bin"] == 13, "a click that takes the mark away lifts nothing"
    state["table"] = SimpleNamespace(selection=SimpleNamespace(rows=[], cells=[(1, "n")]))
    _choose_row("table", [14, 12])
    assert state["trust_bin"] == 12


@pytest.mark.parametrize("threshold", [0.0, 0.62, 1.0])
def test_a_threshold_answers_and_rejects(open_page: OpenPage, doubtful: Workspace, threshold: float) -> None:
    found = read_predictions(doubtful, "late")
    what = outcomes(found, threshold)
    app = open_page(doubtful, "trust", run="late", view="threshold")
    app.slider(key="trust_threshold").set_value(threshold).run()
    answered = (what < 2).sum()
    if answered:
        share = f"Answers {percent(answered / 100)} of the pictures, right in {percent((what == 0).sum() / answered)}"
        assert share in plain(app) and f"n = {answered} of 100" in plain(app)
    else:
        assert "Answers none of the pictures" in plain(app)
    for place, name in enumerate(OUTCOMES):
        button = app.button(key=f"trust_outcome_{place}")
        assert button.label.replace("*", "") == f"{name.capitalize()} · {(what == place).sum()}"
        button.click().run()
        ids = set(found.ids[what == place].tolist())
        assert shown(app) == ids if len(ids) <= 48 else shown(app) < ids
        assert app.query_params["list"] == name
    again = open_page(doubtful, "trust", **{name: app.query_params[name] for name in app.query_params})
    assert again.slider(key="trust_threshold").value == threshold
    assert shown(again) == shown(app)


@given(
    some.floats(0, 1) | some.sampled_from([0.5, math.nextafter(0.5, 0)]),
    some.lists(some.floats(0.5, 1) | some.just(0.5), min_size=1, max_size=20),
)
def test_the_filters_of_the_outcomes_are_the_outcomes(threshold: float, confidence: list[float]) -> None:
    top = np.array(confidence)
    predictions = CheckedPredictions(np.arange(len(top)) % 2, np.column_stack([top, 1 - top]), ("cat", "dog"))
    table = sample_table(predictions, [str(number) for number in range(len(top))])
    what = outcomes(predictions, threshold)
    for place, name in enumerate(OUTCOMES):
        assert passing(table, outcome_filter(name, threshold)).tolist() == (what == place).tolist()


def test_a_wanted_accuracy_proposes_a_threshold_of_the_validation_part(
    open_page: OpenPage, doubtful: Workspace
) -> None:
    found, fitted = read_predictions(doubtful, "late"), read_predictions(doubtful, "late", split="validation")
    threshold = threshold_for(fitted, 0.95)
    assert threshold is not None
    app = open_page(doubtful, "trust", run="late", view="threshold")
    app.number_input(key="trust_wanted").set_value(95.0).run()
    what = outcomes(found, threshold)
    assert f"answer from {percent(threshold)}, chosen on the validation part" in plain(app)
    measured = f"Measured on the test part: {percent((what == 0).sum() / (what < 2).sum())} right"
    assert measured in plain(app) and f"n = {(what < 2).sum()}." in plain(app)
    app.button(key="trust_use").click().run()
    assert app.slider(key="trust_threshold").value == threshold
    assert float(app.query_params["threshold"]) == threshold, "with all its digits"


def test_an_accuracy_that_no_threshold_reaches_is_said(open_page: OpenPage, unjudged: Workspace) -> None:
    write_probs(unjudged, "unjudged", np.full(100, 0.8), np.zeros(100, bool))
    app = open_page(unjudged, "trust", run="unjudged", view="threshold", wanted="90")
    assert "No threshold makes 90 % of the answers right" in plain(app).replace("\u00a0", " ")
    assert not app.error


def test_without_a_validation_part_it_says_what_was_fitted_on_what(open_page: OpenPage, unjudged: Workspace) -> None:
    found = read_predictions(unjudged, "unjudged")
    app = open_page(unjudged, "trust", run="unjudged")
    halves = calibration_scores(CheckedPredictions(found.labels, cross_fitted(found), found.class_names))
    assert f"→ {percent(halves.ece)}, fitted on the 100 measured pictures, since there is no validation" in plain(app)
    app = open_page(unjudged, "trust", run="unjudged", view="threshold", wanted="70")
    answered = cross_fitted_answers(found, 0.7)
    assert "chosen on the measured pictures themselves" in plain(app) and f"n = {answered.sum()}." in plain(app)
    app = open_page(unjudged, "trust", run="unjudged", view="sets")
    assert "with two halves, each with the limit of the other" in plain(app)


def test_sets_of_classes_are_those_of_the_library(open_page: OpenPage, doubtful: Workspace) -> None:
    found, fitted = read_predictions(doubtful, "late"), read_predictions(doubtful, "late", split="validation")
    quantile = conformal_quantile(fitted, 0.9)
    sets = conformal_sets(found.probs, quantile)
    table = conformal_table(sets, found)
    app = open_page(doubtful, "trust", run="late", view="sets")
    whole = table.iloc[-1]
    assert f"The true class is in the set {round(100 * whole['coverage'])} times in 100" in plain(app)
    assert ("so some sets are empty" in plain(app)) == ((found.predicted == found.labels).mean() > 0.9)
    assert f"quantile {quantile:.3f}" in plain(app)
    single = (sets.sum(axis=1) == 1).sum()
    assert f"One class alone: {percent(single / 100)} of the pictures ({single})" in plain(app)
    assert app.dataframe[0].value["n"].tolist() == table["n"].tolist()
    assert app.dataframe[1].value["pictures"].sum() == 100


@pytest.mark.parametrize("view", ["calibration", "threshold", "sets"])
def test_runs_of_earlier_versions_open(view: str, open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    for stored in STORED:
        shutil.copytree(stored, workspace.runs / stored.name)
    app = open_page(workspace, "trust", view=view, wanted="70")
    for stored in STORED:
        app.query_params["run"] = stored.name
        app.run()
        assert not app.error and not app.exception
        assert sentence(app) == trust_sentence(read_predictions(workspace, stored.name))


def test_a_run_without_mistakes_is_shown(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    write_probs(epochs_of_their_own, "late", np.ones(100), np.ones(100, bool))
    for view in ("calibration", "threshold", "sets"):
        app = open_page(epochs_of_their_own, "trust", run="late", view=view, bin="14", list="wrong, answered")
        assert not app.error
        assert "it is right 100 times in 100 (n = 100)" in sentence(app)


def test_nonsense_in_the_address_is_ignored(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(
        shared, "trust", run=finished.id, view="x", bin="99", threshold="nan", wanted="-inf", list="?", scaled="maybe"
    )
    assert not app.error
    assert set(app.query_params) <= {"run"}


def test_the_tables_leave_as_files(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "trust", run=finished.id)
    files = {each.proto.label for each in app.get("download_button")}  # type: ignore[attr-defined]
    assert files == {"Bins (CSV)", "Thresholds (CSV)", "Sets (CSV)"}
