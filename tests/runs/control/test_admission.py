"""What a training needs of the machine's memory, refused before it begins."""

import pytest

from cifar_core.config import make_config
from cifar_core.errors import ConfigError
from cifar_core.runs import create_run, list_runs
from cifar_core.runs.control import admission
from cifar_core.runs.control.admission import training_bytes
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny

HUGE = {"channels": "512,512", "kernel_size": 7, "hidden": "4096,4096", "batch_size": 4096}


@pytest.mark.fault(43)
@pytest.mark.parametrize("dataset", ["tiny", "drawn10"])
def test_a_network_too_big_for_the_memory_is_refused_with_the_number(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, dataset: str
) -> None:
    save_tiny(workspace)
    monkeypatch.setattr(admission, "machine_memory", lambda: 16 * 2**30)
    with pytest.raises(ConfigError, match=r"needs \d.* GB of memory at least and the machine has 16.* GB: lower batch"):
        create_run(workspace, make_config({"dataset": dataset, **HUGE}))
    assert list_runs(workspace) == []
    create_run(workspace, make_config({"dataset": dataset}))
    assert len(list_runs(workspace)) == 1


def test_more_of_anything_needs_more_and_the_presets_fit_into_two_gigabytes() -> None:
    small = make_config({"batch_size": 64})
    for change in ({"batch_size": 128}, {"channels": "64,64"}, {"hidden": "512,128"}):
        assert training_bytes(make_config({"batch_size": 64, **change}), 10) > training_bytes(small, 10)
    for preset in ("first-look", "quick", "standard", "accurate", "original"):
        assert training_bytes(make_config(preset=preset), 10) < 2 * 2**30


def test_where_the_system_does_not_tell_nothing_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny(workspace)
    monkeypatch.setattr(admission, "machine_memory", lambda: None)
    create_run(workspace, make_config({"dataset": "tiny", **HUGE}))
