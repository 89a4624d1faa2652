"""Which runs the table shows, in which order, and what the URL says of it."""

from dataclasses import replace

import pandas as pd
import pytest

from cifar_core.config import make_config
from cifar_core.runs import EpochLine, Run, Status
from pages.ui.runs.runs_filter import ColumnRange, filter_url_parameters, matching_rows
from pages.ui.runs.runs_table import numeric_columns, runs_csv, runs_table

NOTHING = {
    "text": "",
    "status": [],
    "dataset": [],
    "sweep": None,
    "range": [],
    "sort": "created",
    "order": "descending",
    "group": False,
}
LINE = EpochLine(2, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.01, 1.0, 100.0)


def run(name: str, day: int, accuracy: float | None, status: Status = Status.FINISHED, **settings: object) -> Run:
    line = None if accuracy is None else replace(LINE, test_accuracy=accuracy)
    created = f"2026-08-{day:02}T12:00:00+00:00"
    return Run(f"{name}-id", name, "", status, make_config(settings), created, best=line, last=line)


RUNS = [
    run("run 10", 4, 0.6996, learning_rate=0.01),
    replace(run("Run 9", 3, 0.31, learning_rate=0.001, dataset="plants"), note="What a WIDE network does"),
    run("alpha", 2, None, Status.FAILED, learning_rate=0.003),
    Run("broken", "broken", "", Status.FAILED, make_config(), "", problem="cannot be read"),
]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return runs_table(RUNS, {}, {})


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({}, ["run 10", "Run 9", "alpha", "broken"]),
        ({"text": "wide  NETWORK"}, ["Run 9"]),
        ({"text": "learning rate 0.003"}, ["alpha"]),
        ({"text": "alpha-id"}, ["alpha"]),
        ({"text": "cutout"}, []),
        ({"text": "otter"}, []),
        ({"status": ["failed"]}, ["alpha"]),
        ({"status": ["failed", "unreadable"]}, ["alpha", "broken"]),
        ({"dataset": ["plants"]}, ["Run 9"]),
        ({"range": [ColumnRange("accuracy", 70, None)]}, ["run 10"]),  # 70.0 %, as the table says
        ({"range": [ColumnRange("accuracy", None, 31)]}, ["Run 9"]),
        ({"range": [ColumnRange("learning_rate", 0.003, 0.01), ColumnRange("accuracy", 1, 100)]}, ["run 10"]),
        ({"sort": "name", "order": "ascending"}, ["alpha", "broken", "Run 9", "run 10"]),
        ({"sort": "accuracy"}, ["run 10", "Run 9", "alpha", "broken"]),
        ({"sort": "accuracy", "order": "ascending"}, ["Run 9", "run 10", "alpha", "broken"]),
        ({"sort": "gone"}, ["run 10", "Run 9", "alpha", "broken"]),
    ],
)
def test_filter_and_sort(table: pd.DataFrame, said: dict[str, object], names: list[str]) -> None:
    assert matching_rows(table, {**NOTHING, **said})["name"].tolist() == names


def test_what_a_person_looks_for_stands_first_and_the_settings_last(table: pd.DataFrame) -> None:
    assert table.columns[:7].tolist() == ["colour", "name", "status", "accuracy", "dataset", "created", "seconds"]
    assert table.columns[-3:].tolist() == ["id", "words", "group"], "hidden"
    assert table.columns[-4] == "learning_rate", "of the settings, only those that differ"
    assert {"accuracy", "seconds", "learning_rate"} <= set(numeric_columns(table))
    assert b"Learning rate" in runs_csv(table) and b"0.6996" in runs_csv(table) and b"svg" not in runs_csv(table)


def test_the_table_is_made_again_only_for_other_runs(table: pd.DataFrame) -> None:
    same = runs_table(RUNS, {}, {})
    assert runs_table(list(RUNS), {}, {}) is same
    renamed = runs_table([replace(RUNS[0], name="other"), *RUNS[1:]], {}, {})
    assert renamed["name"].tolist()[:2] == ["other", "Run 9"]


def test_ranges_are_read_from_the_url_and_written_to_it(table: pd.DataFrame) -> None:
    parameter = filter_url_parameters(RUNS, table)["range"]
    texts = ["accuracy~70~", "learning_rate~~0.01"]
    assert parameter.write(parameter.read(texts)) == texts
    hostile = ["accuracy~nan~", "name~1~2", "accuracy~~", "accuracy", "seconds~x~", "accuracy~1~2~3", "words~0~1"]
    assert parameter.read(hostile) == []
    words = [each.words().replace("\u00a0", " ") for each in parameter.read(["accuracy~70~", "seconds~5~60"])]
    assert words == ["Test accuracy: at least 70 %", "Time: 5 s to 60 s"]
