"""The table of runs: one row for each, ready to be filtered, sorted, shown and downloaded."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cifar_core.config import differing, spec_of
from cifar_core.export import table_csv
from cifar_core.figures import run_swatch
from cifar_core.runs import QueuePlace, Run, seed_groups, trial_words
from cifar_core.text import counted
from pages.ui.markdown import single_line
from pages.ui.train.settings_form import setting_text
from pages.ui.wording import date_and_time, percent, status_display

FIRST_COLUMNS = {  # by their keys, which the URL uses too; what a person looks for first
    "colour": "",
    "name": "Run",
    "status": "Status",
    "accuracy": "Test accuracy",
    "worse": "Worse on views",
    "dataset": "Dataset",
    "sweep": "Sweep",
    "trial": "Trial",
    "created": "Made",
    "seconds": "Time",
    "place": "Where",
    "n": "n (test)",
    "seen": "Seen in training",
    "note": "Note",
    "best_epoch": "Its epoch",
    "last_accuracy": "Last test accuracy",
    "seeds": "Seeds",
    "seed_mean": "Mean of seeds",
    "seed_low": "Mean from",
    "seed_high": "Mean to",
    "seed_deviation": "Deviation of seeds",
}
SEED_COLUMNS = ("seeds", "seed_mean", "seed_low", "seed_high", "seed_deviation")  # where runs differ in the seed alone
SHARES = ("accuracy", "last_accuracy", *SEED_COLUMNS[1:])  # columns of shares, 0 to 1
_NUMBERS = ("accuracy", "trial", "seconds", "n", "seen", "best_epoch", "worse", "last_accuracy")
HIDDEN_COLUMNS = ("id", "words", "group")  # what the rows are about, the text that is searched, number of seed group
_MOST_ROWS_KEPT = 5000
_kept_rows: dict[str, tuple[Run, dict[str, Any]]] = {}  # by id; a run that was read again is another object
_last_table: list[tuple[list[Run], dict[str, int], pd.DataFrame]] = []  # of the last call, where none waited


def runs_table(runs: list[Run], places: Mapping[str, QueuePlace], worse: Mapping[str, int]) -> pd.DataFrame:
    """Return one row a run: `FIRST_COLUMNS`, the settings in which the runs differ by their names, `HIDDEN_COLUMNS`.

    The table is shared and must not be changed in place: while no run changes, it is the one of the call before.

    Args:
        runs: newest first.
        places: the places in the queue of those that wait.
        worse: on how many saved views a run is worse than the run before, by its id, where it is on any.
    """
    for before, worse_before, table in _last_table:
        if not places and before == runs and worse_before == worse:  # quick: most are the same objects
            return table
    table = _make_table(runs, places, worse)
    _last_table[:] = [] if places else [(list(runs), dict(worse), table)]
    return table


def _make_table(runs: list[Run], places: Mapping[str, QueuePlace], worse: Mapping[str, int]) -> pd.DataFrame:
    sound = [run.config for run in runs if not run.problem and run.has_network]
    settings = [name for name in differing(sound) if name != "dataset"] if sound else []
    groups = _group_cells(runs)
    rows = [_row_of(run) | groups.get(run.id, {}) for run in runs]
    table = pd.DataFrame({key: [row.get(key) for row in rows] for key in (*FIRST_COLUMNS, *settings, *HIDDEN_COLUMNS)})
    table["status"] = [row["status"] + (f", {places[row['id']]}" if row["id"] in places else "") for row in rows]
    table["worse"] = [worse.get(row["id"]) for row in rows]
    table["words"] += [f" \nworse on {counted(worse[row['id']], 'view')}" if row["id"] in worse else "" for row in rows]
    for name in settings:  # those that all runs share would be found in every row
        label = spec_of(name).label.casefold()
        table["words"] += [f" \n{label} {row.get(name, '')} \n{name} {row.get(name, '')}" for row in rows]
    table["created"] = np.array([row["created"] for row in rows], dtype="datetime64[s]")
    for key in (*_NUMBERS, *SEED_COLUMNS, "group"):
        table[key] = table[key].astype(float)
    optional = ("seen", "note", "worse", "sweep", "trial")
    unused = [key for key in optional if not table[key].any()]  # what no run has
    unused += [] if any(run.is_elsewhere for run in runs) else ["place"]
    return table.drop(columns=[*unused, *(() if groups else SEED_COLUMNS)])


def _group_cells(runs: list[Run]) -> dict[str, dict[str, Any]]:
    """Return the cells that runs of one setting with several seeds share, by the ids of the runs."""
    cells = {}
    for number, group in enumerate(seed_groups(runs)):
        spread = group.spread
        facts = (spread.n, spread.mean, spread.low, spread.high, spread.deviation) if spread else (0, *[np.nan] * 4)
        shared = {**dict(zip(SEED_COLUMNS, facts, strict=True)), "group": number}
        cells.update({run.id: shared for run in group.runs})
    return cells


def one_row_a_setting(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the first row of each group of seeds and all other rows, the columns of seeds behind the accuracy.

    Args:
        rows: of `runs_table`, in the order in which they are shown.
    """
    whole = rows.groupby("group")["id"].transform("size")
    names = [
        name if pd.isna(group) else f"{name} and {size - 1:.0f} more"
        for name, group, size in zip(rows["name"], rows["group"], whole, strict=True)
    ]
    kept = rows.assign(name=names)[rows["group"].isna() | ~rows["group"].duplicated()]
    others = [key for key in kept.columns if key not in SEED_COLUMNS]
    place = others.index("accuracy") + 1
    return kept[[*others[:place], *(key for key in SEED_COLUMNS if key in kept), *others[place:]]]


def column_label(key: str) -> str:
    """Return what a column of the table is called."""
    return FIRST_COLUMNS[key] if key in FIRST_COLUMNS else spec_of(key).label


def numeric_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that hold numbers."""
    shown = (key for key in table.columns if key not in HIDDEN_COLUMNS)
    return [key for key in shown if pd.api.types.is_numeric_dtype(table[key])]


def runs_csv(table: pd.DataFrame) -> bytes:
    """Return the rows as CSV: shares as fractions, times in seconds, the id as the last column."""
    shown = table.drop(columns=["colour", "words", "group"])
    return table_csv(shown.rename(columns={key: column_label(key) for key in shown.columns if key != "id"}))


def _row_of(run: Run) -> dict[str, Any]:
    """Return the cells of a run, made once for each time that it was read."""
    kept = _kept_rows.get(run.id)
    if kept is not None and kept[0] is run:
        return kept[1]
    if len(_kept_rows) >= _MOST_ROWS_KEPT:
        _kept_rows.clear()
    row = _make_row(run)
    _kept_rows[run.id] = run, row
    return row


def _make_row(run: Run) -> dict[str, Any]:
    readable, trained = not run.problem, not run.problem and run.has_network
    settings = {name: _cell_value(value) for name, value in run.config.flat().items()} if trained else {}
    row: dict[str, Any] = {
        **settings,
        "colour": run_swatch(run.colour),
        "name": single_line(run.name),
        "status": status_display(run)[0],
        "accuracy": run.best.test_accuracy if run.best else None,
        "dataset": run.config.data.dataset if readable else "",
        "sweep": run.sweep,
        "trial": run.trial or None,
        "place": "" if run.from_zip or not trained else run.place.words.removeprefix("the "),
        "created": _local_time(run),
        "seconds": round(run.seconds) if run.seconds else None,
        "n": run.dataset.test if run.dataset else None,
        "seen": run.dataset.test_seen if run.dataset else None,
        "note": single_line(run.note),
        "best_epoch": run.best.epoch if run.best and trained else None,
        "last_accuracy": run.last.test_accuracy if run.last and trained else None,
        "id": run.id,
    }
    return {**row, "words": _words(run, row)}


def _words(run: Run, row: Mapping[str, Any]) -> str:
    """Return everything that the row says but its settings, in lower case, as a person may search for it."""
    said = [
        run.id,
        row["name"],
        row["status"],
        row["dataset"],
        row["note"],
        row["place"],
        run.person,
        run.parent,
        run.error,
    ]
    said.append(trial_words(run))
    said += [date_and_time(run.made_at if run.created else None), percent(row["accuracy"])]
    return " \n".join(said).casefold().replace("\u00a0", " ")


def _local_time(run: Run) -> np.datetime64:
    """Return when it was made, in local time to the second; NaT where that is not known."""
    if not run.created:
        return np.datetime64("NaT", "s")
    try:
        return np.datetime64(run.made_at.astimezone().replace(tzinfo=None), "s")
    except (OverflowError, OSError, ValueError):  # on Windows, and for years outside the calendar
        return np.datetime64("NaT", "s")


def _cell_value(value: Any) -> Any:
    """Keep numbers as numbers, so that they are aligned and sorted as such."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else setting_text(value)
