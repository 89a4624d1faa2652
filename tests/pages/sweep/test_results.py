"""The results on the Sweep page say what the library says; a line, a dot and a row open a run. Clicks: in a browser."""

from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cifar_core.export import table_csv
from cifar_core.runs import delete_run, list_runs, read_run
from cifar_core.storage.locks import hold_lock
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.importance import FEWEST, Importance, write_importance
from cifar_core.sweeps.sweep import best_of, read_sweep
from cifar_core.sweeps.tables import effect_sentence, gain_sentence, luck_sentence, trials_table
from cifar_core.text import percent
from cifar_core.workspace import Workspace
from pages.ui.sweep.results.parallel_coordinates import _parse_report
from pages.ui.sweep.results.trials_view import _on_row
from tests.pages.support import OpenPage, components, said
from tests.sweeps.crafted_sweeps import CHANNELS, PICTURES, RATE, SWEEP, add_run, add_trial, end_owner, make_sweep


@pytest.fixture
def searched(workspace: Workspace) -> SweepFolder:
    """Four trials: the second is the best, the third was pruned, the fourth diverged; the owner has finished."""
    start = {"learning_rate": 0.001, "channels": (3, 4)}
    folder = make_sweep(workspace, RATE, CHANNELS, runs=4, start_points=(start,))
    add_trial(folder, 1, start, [0.3, 0.5])
    add_trial(folder, 2, {"learning_rate": 0.01, "channels": (4, 8)}, [0.6, 0.9], seconds=3.0)
    add_trial(folder, 3, {"learning_rate": 0.1, "channels": (4, 8)}, [0.2], status="stopped", pruned=True)
    add_trial(folder, 4, {"learning_rate": 0.1, "channels": (3, 4)}, [], status="failed")
    end_owner(folder)
    return folder


def opened(open_page: OpenPage, workspace: Workspace, **address: str) -> AppTest:
    return open_page(workspace, "sweep", sweep=SWEEP, view="Watch", **address)


def lines(app: AppTest) -> dict[str, Any]:
    """What the parallel coordinates were given."""
    return next(data for data in components(app) if "shades" in data)


def plain(app: AppTest) -> str:
    """What the page says, without the marks of Markdown."""
    return spaced(said(app).replace("\\", ""))


def spaced(words: str) -> str:
    return words.replace("\u00a0", " ")


def test_the_best_trial_its_interval_gain_and_test_accuracy(
    open_page: OpenPage, workspace: Workspace, searched: SweepFolder
) -> None:
    app, sweep = opened(open_page, workspace), read_sweep(workspace, SWEEP)
    best = best_of(sweep)
    assert best is not None and best.trial.number == 2
    run = read_run(workspace, best.run)
    assert run.best is not None and run.dataset is not None
    assert [(each.label, each.value) for each in app.metric] == [
        (f"Best · validation, n = {PICTURES}", "90.0\u00a0%"),
        (f"Test, n = {run.dataset.test:,}", percent(run.best.test_accuracy)),
    ]
    assert spaced(f"{100 * best.low:.1f} to {percent(best.high)}") in plain(app)
    assert "measured after choosing" in plain(app)
    assert gain_sentence(sweep) and spaced(gain_sentence(sweep)) in plain(app)
    assert "Trial 2: learning rate 0.01, channels 4 and 8" in plain(app)
    (choice,) = [each for each in app.get("popover") if "Train the best" in each.proto.popover.label]
    assert choice.proto.popover.label == "Train the best with other seeds"


def test_other_seeds_of_the_best_show_its_luck(
    open_page: OpenPage, workspace: Workspace, searched: SweepFolder
) -> None:
    best = best_of(read_sweep(workspace, SWEEP))
    assert best is not None
    for seed, value in ((0, 0.1), (1, 0.8)):  # the first has the seed of the trial itself: it says nothing new
        add_run(make_sweep(workspace, sweep_id=f"other-owl-{seed}"), 1, seed, best.trial.settings, [0.6, value])
    assert spaced(luck_sentence(best, [0.8])) in plain(opened(open_page, workspace))


def test_a_running_sweep_shows_no_test_accuracy(
    open_page: OpenPage, workspace: Workspace, searched: SweepFolder
) -> None:
    end_owner(searched, "running")
    with hold_lock(searched.job.lock):
        app = opened(open_page, workspace)
        assert [each.label for each in app.metric] == [f"Best so far · validation, n = {PICTURES}"]


def test_the_lines_and_the_table_show_every_trial(
    open_page: OpenPage, workspace: Workspace, searched: SweepFolder
) -> None:
    app = opened(open_page, workspace)
    drawn = lines(app)
    assert drawn["numbers"] == [1, 2, 3, 4] and drawn["runs"] == [True] * 4
    assert drawn["shades"] == [0.0, 1.0, None, None]
    assert [axis[0] for axis in drawn["axes"]] == ["Learning rate", "Channels", "Validation accuracy"]
    assert drawn["axes"][-1][3] == ["50.0\u00a0%", "90.0\u00a0%", "20.0\u00a0%", "no result"]
    table = app.dataframe[0].value
    assert table["number"].tolist() == [2, 1, 3, 4], "the best first"
    assert table["accuracy"].tolist()[:3] == [90.0, 50.0, 20.0] and pd.isna(table["accuracy"][3])
    assert table["status"].tolist() == ["finished", "finished", "pruned", "failed"]
    assert table["learning_rate"].tolist() == ["0.01", "0.001", "0.1", "0.1"]
    sweep = read_sweep(workspace, SWEEP)
    file = pd.read_csv(BytesIO(table_csv(trials_table(sweep))))
    assert file["value"].tolist()[:3] == [0.5, 0.9, 0.2]


def test_a_deleted_run_stays_as_a_line_that_opens_nothing(
    open_page: OpenPage, workspace: Workspace, searched: SweepFolder
) -> None:
    best = best_of(read_sweep(workspace, SWEEP))
    assert best is not None
    delete_run(workspace, best.run)
    app = opened(open_page, workspace)
    assert lines(app)["runs"] == [True, False, True, True]
    assert [each.value for each in app.metric] == ["90.0\u00a0%"], "and has no test accuracy to show"


def test_importance_and_slices_come_with_their_address(
    open_page: OpenPage, workspace: Workspace, searched: SweepFolder
) -> None:
    app = opened(open_page, workspace, chart="settings")
    assert f"computed from {FEWEST} finished trials on" in plain(app)
    write_importance(searched, Importance(12, {"learning_rate": 0.25, "channels": 0.75}))
    app.run()
    charts = [chart.proto for chart in app.get("plotly_chart")]
    assert len(charts) == 3 and "It compares the best 2 of 12 finished trials with all" in plain(app)
    slices = [chart.spec for chart in charts[1:]]
    assert '"revision":"slice' not in slices[0] and "slice-channels" in slices[0], "the most important one first"
    assert app.query_params["chart"] == "settings"


def test_time_has_its_front(open_page: OpenPage, workspace: Workspace, searched: SweepFolder) -> None:
    app = opened(open_page, workspace, chart="time")
    assert "Pareto front: 2 trials" in plain(app)


def test_the_effect_of_one_setting_stands_first(open_page: OpenPage, workspace: Workspace) -> None:
    folder = make_sweep(workspace, RATE, runs=4, seeds=2)
    for number, (rate, *values) in enumerate([(0.001, 0.5, 0.52), (0.01, 0.9, 0.92)], start=1):
        add_trial(folder, number, {"learning_rate": rate}, *([0.1, value] for value in values))
    end_owner(folder)
    app = opened(open_page, workspace)
    sentence = spaced(effect_sentence(read_sweep(workspace, SWEEP)))
    assert sentence and sentence in plain(app)
    assert plain(app).index(sentence) < plain(app).index("Trial 2: learning rate 0.01")
    table = app.dataframe[0].value
    assert table["mean"].tolist() == [51.0, 91.0] and table["seeds"].tolist() == [2, 2]
    assert [each.label for each in app.metric] == ["Best · validation, mean of 2 seeds", "Test, mean of 2 seeds"]
    tests = [run.best.test_accuracy for run in list_runs(workspace) if run.trial == 2 and run.best]
    assert app.metric[1].value == percent(sum(tests) / 2)


def test_before_the_first_trial_there_is_a_sentence(open_page: OpenPage, workspace: Workspace) -> None:
    end_owner(make_sweep(workspace))
    app = opened(open_page, workspace)
    assert "The charts come with the first trial." in plain(app) and not app.metric


def test_a_damaged_trial_is_named_and_hides_no_other(
    open_page: OpenPage, workspace: Workspace, searched: SweepFolder
) -> None:
    searched.trial(1).write_text("{", "utf-8")
    app = opened(open_page, workspace)
    assert "Trial 1: trials/000001.json breaks a rule" in plain(app)
    assert lines(app)["numbers"] == [2, 3, 4] and app.metric[0].value == "90.0\u00a0%"


@pytest.mark.parametrize("report", [None, [], {}, {"number": True}, {"number": "1"}, {"number": 3}, {"number": -1}])
def test_a_report_that_makes_no_sense_opens_nothing(report: Any) -> None:
    assert _parse_report(report, {1, 2}) is None
    assert _parse_report({"number": 2}, {1, 2}) == 2


def test_a_row_opens_its_run_and_a_row_that_is_gone_none(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    for rows, cells, run in (([1], [], "b"), ([], [(0, "status")], "a"), ([5], [], None), ([], [], None)):
        state.clear()
        state["key"] = SimpleNamespace(selection=SimpleNamespace(rows=rows, cells=cells))
        _on_row("key", [7, 9], {7: "a", 9: "b"})
        assert state.get("results_opened") == run
