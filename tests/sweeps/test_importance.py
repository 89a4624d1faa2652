"""importance.json comes back as it was written, the most important setting first; a damaged one is as none."""

import math

import pytest
from hypothesis import HealthCheck, given, settings

from cifar_core.storage.json_files import write_json
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.importance import Importance, read_importance, write_importance
from cifar_core.workspace import Workspace
from tests.mutations import as_json, other_json
from tests.sweeps.crafted_sweeps import make_sweep

WHOLE = {"trials": 12, "shares": {"dropout": 0.25, "learning_rate": 0.75}}


@pytest.fixture
def folder(workspace: Workspace) -> SweepFolder:
    return make_sweep(workspace)


def test_the_most_important_setting_is_first(folder: SweepFolder) -> None:
    assert read_importance(folder) is None, "before it was computed"
    write_importance(folder, Importance(12, {"dropout": 0.25, "learning_rate": 0.75}))
    found = read_importance(folder)
    assert found == Importance(12, {"learning_rate": 0.75, "dropout": 0.25})
    assert list(found.shares) == ["learning_rate", "dropout"]


@pytest.mark.parametrize("shares", [{"a": 1.5}, {"a": -0.1}, {"a": "1"}, [], {f"s{at}": 0.0 for at in range(201)}])
def test_shares_that_make_no_sense_are_none(folder: SweepFolder, shares: object) -> None:
    write_json(folder.importance, {"trials": 3, "shares": shares})
    assert read_importance(folder) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(other_json(as_json(WHOLE)))
def test_whatever_the_file_holds_it_is_shares_or_none(folder: SweepFolder, content: bytes) -> None:
    folder.importance.write_bytes(content)
    found = read_importance(folder)
    assert found is None or all(0 <= share <= 1 and math.isfinite(share) for share in found.shares.values())
