"""Compare: crafted predictions give exactly the crafted lists; the address says everything; what differs is refused."""

import csv
import io
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.config import make_config
from cifar_core.evaluate import VERDICTS, calibration_scores, compare_right, comparison_sentence
from cifar_core.runs import Predictions, Run, Status, read_predictions, read_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.runs.sample_files import Samples, read_samples, samples_content
from cifar_core.text import percent
from cifar_core.workspace import Workspace
from pages.ui.compare.downloads import _pictures_csv
from pages.ui.compare.summary import setting_words
from pages.ui.compare.views import _choose_cell
from pages.ui.understand.joined_columns import RunAtEpoch
from tests.pages.support import PATTERN, OpenPage, components, primaries, said, shown_grid


def ids_of(found: Predictions, verdict: str) -> set[str]:
    wanted = np.resize(PATTERN, len(found.labels)) == VERDICTS.index(verdict)
    return set(found.ids[wanted].tolist())


def compare(open_page: OpenPage, workspace: Workspace, **more: str) -> AppTest:
    return open_page(workspace, "compare", **{"a": "early@2", "b": "late", "size": "192", **more})


def lists_of(app: AppTest) -> list[str]:
    return [option.content for option in app.button_group(key="compare_verdict").proto.options]


def test_crafted_predictions_give_exactly_the_crafted_lists_on_the_page_and_in_the_file(
    open_page: OpenPage, crafted: Workspace
) -> None:
    found = read_predictions(crafted, "late", 2)
    expected = {verdict: ids_of(found, verdict) for verdict in VERDICTS}
    app = compare(open_page, crafted)
    assert app.button_group(key="compare_verdict").value == "broken", "what became worse comes first"
    assert lists_of(app) == [*(f"{name.capitalize()} {len(ids):,}" for name, ids in expected.items()), "All"]
    right_a = np.isin(np.resize(PATTERN, len(found.labels)), (1, 3))
    right_b = np.isin(np.resize(PATTERN, len(found.labels)), (0, 3))
    sentence = comparison_sentence(compare_right(right_a, right_b))
    assert app.subheader[0].value.replace("\\", "") == sentence
    scores = [calibration_scores(read_predictions(crafted, name, 2)) for name in ("early", "late")]
    assert f"ECE {percent(scores[0].ece)} → {percent(scores[1].ece)} · Brier score {scores[0].brier:.3f} →" in said(app)
    for verdict, ids in expected.items():
        app.button_group(key="compare_verdict").select(verdict).run()
        shown = shown_grid(app)["keys"]
        assert len(shown) == min(len(ids), 192) and set(shown) <= ids
    _both_answers_stand_beside_an_open_picture(app, found, min(expected["broken"]))
    rows = list(csv.DictReader(io.StringIO(_file(crafted).decode("utf-8-sig"))))
    assert {verdict: {row["id"] for row in rows if row["verdict"] == verdict} for verdict in VERDICTS} == expected
    assert [row["true"] for row in rows] == [found.class_names[label] for label in found.labels]


def _both_answers_stand_beside_an_open_picture(app: AppTest, b: Predictions, image: str) -> None:
    """A is right on it, and B takes it for the class two further: see `crafted`."""
    app.query_params["image"] = image
    app.run()
    label = int(b.labels[b.ids.tolist().index(image)])
    true, wrong = (b.class_names[(label + off) % 10] for off in (0, 2))
    assert f"A, early, epoch 2: **true {true} → predicted {true} 55.0" in said(app)
    assert f"B, late, epoch 2: **true {true} → predicted {wrong} 55.0" in said(app)
    drawn = [data["bars"] for data in components(app) if "bars" in data]
    predicted = [[bar["name"] for bar in bars if "predicted" in bar["marks"]] for bars in drawn]
    assert predicted == [[true], [wrong]]
    app.query_params.pop("image")


def _file(workspace: Workspace) -> bytes:
    a, b = (RunAtEpoch(read_run(workspace, name), 2) for name in ("early", "late"))
    return _pictures_csv(workspace, a, b)


def test_a_cell_and_a_swap_lead_to_their_pictures_and_the_address_keeps_everything(
    open_page: OpenPage, crafted: Workspace
) -> None:
    found = read_predictions(crafted, "late", 2)
    names, verdicts = found.class_names, np.resize(PATTERN, len(found.labels))
    # The cell (0, 1) of A: class 0, which A takes for class 1; and that of the difference, where B never does.
    in_cell = set(found.ids[(found.labels == 0) & np.isin(verdicts, (0, 2))].tolist())
    app = compare(open_page, crafted, view="matrices", verdict="all", true=names[0], other_predicted=names[1])
    matrices = [data for data in components(app) if "shades" in data]
    assert [data["chosen"] for data in matrices] == [[0, 1], None, None]
    assert Counter(shown_grid(app)["keys"]) == Counter(in_cell)
    assert int(matrices[0]["texts"][0][1]) == len(in_cell) == -int(matrices[2]["texts"][0][1].replace("−", "-"))
    app.button(key="compare_swap").click().run()
    assert (app.query_params["a"], app.query_params["b"]) == ("late", "early@2")
    assert (app.query_params["view"], app.query_params["verdict"]) == ("matrices", "all")
    assert lists_of(app)[0] == f"Fixed {len(ids_of(found, 'broken')):,}", "what was broken is fixed the other way"
    app.select_slider(key="compare_a_epoch").set_value(1).run()
    assert app.query_params["a"] == "late@1" and not app.error
    app.selectbox(key="compare_a_run").set_value("early").run()
    assert app.query_params["a"] == "early" and "two epochs of one run" in said(app), "at its best epoch"
    app.select_slider(key="compare_a_epoch").set_value(2).run()
    assert "the same epoch of the same run" in said(app)


def test_other_test_pictures_are_refused_with_the_reason_and_the_choice_stays(
    open_page: OpenPage, crafted: Workspace
) -> None:
    file = RunFolder(crafted.runs / "short").samples("test")
    samples = read_samples(file)
    file.write_bytes(samples_content(Samples(samples.labels, np.char.add("x", samples.ids), samples.seen)))
    app = compare(open_page, crafted, a="short", b="late@7")
    assert "The test parts differ" in app.error[0].value
    assert "late has 2 epochs, and no epoch 7" in app.warning[0].value
    assert app.query_params["b"] == "late" and app.selectbox(key="compare_a_run").value == "short"
    assert shown_grid(app)["keys"] == []
    app.button(key="compare_way_out").click().run()
    assert not app.error and app.query_params["a"] != "short" and app.query_params["b"] == "late"


def test_pages_lead_here(open_page: OpenPage, crafted: Workspace) -> None:
    app = open_page(crafted, "runs", runs="late,early")
    assert primaries(app) == ["Compare"]
    assert "Compare it run=early&b=early" in links_of(app)
    app = open_page(crafted, "confusion", run="early", epoch="2")
    assert "Compare with the best epoch run=early&a=early%402&b=early" in links_of(app)
    app.select_slider(key="confusion_epoch").set_value(1).run()
    assert "Compare with epoch 2 run=early&a=early%402&b=early" in links_of(app)
    app.switch_page("pages/compare.py").run()
    assert app.query_params["b"] == "early"
    for page, address in (("confusion", {"run": "late"}), ("compare", {})):  # and back by the menu
        app.query_params.clear()
        app.switch_page(f"pages/{page}.py")
        app.query_params.update(address)
        app.run()
    assert app.query_params["b"] == "late", "the run that came into focus elsewhere"


def links_of(app: AppTest) -> list[str]:
    given: list[Any] = list(app.get("page_link"))
    return [f"{link.proto.label} {link.proto.query_string}" for link in given]


def test_it_is_said_which_run_continues_which() -> None:
    def words(a: Run, b: Run) -> str:
        return setting_words(RunAtEpoch(a, 1), RunAtEpoch(b, 1))[0]

    before = Run("before", "before", "", Status.FINISHED, make_config({}), "")
    more = replace(before, id="more", origin="continued", parent="before", parent_epoch=3)
    assert words(before, more) == "B continues A after epoch 3 · the same settings"
    assert words(replace(more, origin="fine-tuned"), before).startswith("A began with the weights of B after")
    assert words(before, replace(more, origin="trained")) == "the same settings", "a repeated run"


def test_a_class_that_only_a_knows_is_no_cell_of_b(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[tuple[str, ...]] = []
    monkeypatch.setattr("pages.ui.compare.views.keep_cell", lambda *cell: chosen.append(cell))
    for field in ("predicted", "other_predicted"):
        _choose_cell(field, ("cat", "eel"), frozenset(["cat"]), 0, 1)
        _choose_cell(field, ("cat", "eel"), frozenset(["cat"]), 1, 0)
    assert chosen == [("other_predicted", "cat", "eel")]
