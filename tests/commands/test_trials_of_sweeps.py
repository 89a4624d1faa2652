"""`runs` and `data delete` where there are sweeps."""

import json
import shutil
from typing import Any

import pytest

from cifar_core.runs import list_runs
from cifar_core.workspace import Workspace
from tests.pages.support import epochs_of_their_own
from tests.pages.swept import OWN, swept, trial_id, working
from tests.sweeps.crafted_sweeps import SWEEP

__all__ = ["epochs_of_their_own", "swept"]


@pytest.fixture
def where(swept: Workspace) -> tuple[object, ...]:
    """The option that names the workspace."""
    return "--workspace", swept.root


def test_the_list_for_people_leaves_trials_out_and_that_for_programs_names_them(
    call: Any, where: tuple[object, ...]
) -> None:
    code, out, err = call("runs", "list", *where)
    assert code == 0 and sorted(line.split()[0] for line in out.splitlines()) == sorted(OWN)
    assert "3 trials of sweeps not listed: `sweep show SWEEP` lists them" in err
    _, out, _ = call("runs", "list", "--json", *where)
    found = {run["run"]: (run["origin"], run["sweep"], run["trial"]) for run in json.loads(out)["runs"]}
    assert len(found) == 7 and found[trial_id(2)] == ("trial", SWEEP, 2) and found["late"] == ("trained", "", 0)


def test_a_trial_says_of_which_sweep_it_is_and_its_values_stay(
    call: Any, where: tuple[object, ...], swept: Workspace
) -> None:
    _, out, _ = call("runs", "show", trial_id(3), *where)
    assert f"trial 3 of sweep {SWEEP}" in out.splitlines()
    _, out, _ = call("runs", "show", "late", *where)
    assert "trial" not in out
    code, _, err = call("runs", "delete", trial_id(3), *where)
    assert code == 0 and "`runs restore` brings it back; its values stay in its sweep." in err
    _, _, err = call("runs", "delete", "late", *where)
    assert "sweep" not in err
    shutil.rmtree(swept.sweeps / SWEEP)
    _, _, err = call("runs", "delete", trial_id(1), *where)
    assert "is in the trash" in err and "values stay" not in err, "its sweep is gone, and so is what it kept"


def test_latest_is_the_newest_run_also_where_that_is_a_trial(
    call: Any, where: tuple[object, ...], swept: Workspace
) -> None:
    _, out, _ = call("runs", "show", "latest", "--json", *where)
    assert json.loads(out)["run"] == list_runs(swept)[0].id


def test_deleting_a_dataset_says_which_sweep_goes_on_with_it(
    call: Any, where: tuple[object, ...], swept: Workspace
) -> None:
    with working(swept):
        _, _, err = call("data", "delete", "tiny", *where)
    assert f"Sweeping on it: {SWEEP}." in err
