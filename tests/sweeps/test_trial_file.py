"""The files of candidates: read back as written, read again only when changed, and no file of another thing counts."""

import os
from collections.abc import Callable

import pytest

from cifar_core.config import make_config
from cifar_core.errors import StorageError
from cifar_core.runs import create_run, read_run
from cifar_core.sweeps import trial_file
from cifar_core.sweeps.trial_file import TrialFile, read_trial_files, trial_nonce, trial_run_id, write_trial
from cifar_core.workspace import Workspace
from tests.sweeps.crafted_sweeps import SWEEP, make_sweep


def test_a_candidate_reads_back_as_it_was_written(workspace: Workspace) -> None:
    folder = make_sweep(workspace)
    assert read_trial_files(folder) == {}
    trials = [
        TrialFile(12, {"learning_rate": 0.1, "channels": (3, 4), "flip": False, "optimizer": "sgd"}, (0, 1)),
        TrialFile(2, {"learning_rate": 0.2}, (7,), pruned=True, replaces=1, lost=True),
    ]
    for trial in trials:
        write_trial(folder, trial)
    assert list(read_trial_files(folder).items()) == [(2, trials[1]), (12, trials[0])]
    write_trial(folder, TrialFile(2, {"learning_rate": 0.3}, (7,)))
    assert read_trial_files(folder)[2] == TrialFile(2, {"learning_rate": 0.3}, (7,))


def test_only_changed_files_are_read_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_sweep(workspace)
    for number in (1, 2, 3):
        write_trial(folder, TrialFile(number, {"learning_rate": 0.1}, (0,)))
    before = read_trial_files(folder)
    read: list[str] = []
    whole = trial_file._read
    monkeypatch.setattr(trial_file, "_read", lambda folder, name: (read.append(name), whole(folder, name))[1])
    assert read_trial_files(folder) == before and read == []
    write_trial(folder, TrialFile(2, {"learning_rate": 0.1}, (0,), pruned=True))
    folder.trial(3).unlink()
    assert [file.pruned for file in read_trial_files(folder).values() if isinstance(file, TrialFile)] == [False, True]
    assert read == ["000002.json"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is not JSON"),
        ("[]", "it is not a JSON object"),
        ('{"number": 2, "settings": {}, "seeds": [0]}', "its number is 2"),
        ('{"number": 1, "settings": {"evil": 1}, "seeds": [0]}', "there is no setting 'evil'"),
        ('{"number": 1, "settings": {"learning_rate": 1e9}, "seeds": [0]}', "learning_rate is 1000000000.0, but must"),
        ('{"number": 1, "settings": {"channels": {"a": []}}, "seeds": [0]}', "channels is"),
        ('{"number": 1, "settings": {}, "seeds": []}', "seeds must be 1 to 20 different seeds"),
        ('{"number": 1, "settings": {}, "seeds": [4, 4]}', "seeds must be 1 to 20 different seeds"),
    ],
)
def test_a_file_that_breaks_a_rule_says_which(workspace: Workspace, text: str, problem: str) -> None:
    folder = make_sweep(workspace)
    write_trial(folder, TrialFile(2, {"learning_rate": 0.1}, (0,)))
    folder.trial(1).write_text(text)
    found = read_trial_files(folder)
    assert isinstance(found[1], str) and found[1].startswith("trials/000001.json") and problem in found[1]
    assert isinstance(found[2], TrialFile)


def test_what_is_no_file_of_a_candidate_is_passed_over(workspace: Workspace) -> None:
    folder = make_sweep(workspace)
    write_trial(folder, TrialFile(1, {"learning_rate": 0.1}, (0,)))
    (folder.trials / ".tmp-000002.json").write_text("{}")
    (folder.trials / "7.json").write_text("{}")
    assert list(read_trial_files(folder)) == [1]
    os.mkfifo(folder.trial(2))  # which nobody waits for
    assert isinstance(read_trial_files(folder)[2], str)


def test_a_run_of_a_candidate_is_made_once_with_the_id_that_is_known_before(workspace: Workspace) -> None:
    config = make_config({"dataset": "drawn10"})
    made = [create_run(workspace, config, nonce=trial_nonce(SWEEP, 3, 0), sweep=SWEEP, trial=3) for _ in range(2)]
    assert made == [trial_run_id(SWEEP, 3, 0)] * 2
    run = read_run(workspace, made[0])
    assert (run.origin, run.sweep, run.trial, run.parent) == ("trial", SWEEP, 3, "")
    assert len({trial_run_id(SWEEP, number, seed) for number in range(1, 40) for seed in range(9)}) == 39 * 9


@pytest.mark.parametrize("plan", ["write:1:half", "fsync:1:eio", "replace:1:enospc"])
def test_where_the_disk_refuses_the_earlier_file_stays(
    workspace: Workspace, arm: Callable[[str], None], plan: str
) -> None:
    folder = make_sweep(workspace)
    before = TrialFile(1, {"learning_rate": 0.1}, (0,))
    write_trial(folder, before)
    arm(plan)
    with pytest.raises(StorageError):
        write_trial(folder, TrialFile(1, {"learning_rate": 0.1}, (0,), pruned=True))
    arm("")
    assert read_trial_files(folder) == {1: before}
    assert [path.name for path in folder.trials.iterdir()] == ["000001.json"]
