"""The plan of a sweep: whatever can be known to go wrong is refused before a run starts."""

from pathlib import Path
from typing import Any

import pytest

from cifar_core.config import make_config
from cifar_core.errors import ConfigError, DataError, RunError
from cifar_core.runs.control import admission
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.plan import (
    MOST_RUNS,
    SweepOptions,
    SweepPlan,
    plan_sweep,
    trial_config,
    trial_seeds,
    with_validation,
)
from cifar_core.sweeps.plan_file import read_plan, write_plan
from cifar_core.sweeps.space import parse_space
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import TINY, ended_run

STORAGE = "postgresql://me@host/db"


def planned(workspace: Workspace, *texts: str, settings: dict[str, Any] | None = None, **options: Any) -> SweepPlan:
    """The plan of a sweep over a learning rate, or what `texts` say, on tiny pictures that are made where needed."""
    if not (workspace.data / "tiny").is_dir():
        save_tiny(workspace)
    flat = make_config({**TINY, **(settings or {})}).flat()
    space = parse_space(texts or ("learning_rate=1e-4..1e-1",), flat)
    return plan_sweep(workspace, flat, space, SweepOptions(**options))


def test_a_plan_says_all_and_is_read_as_it_was_written(workspace: Workspace, tmp_path: Path) -> None:
    plan = planned(workspace, "learning_rate=1e-4..1e-1", "channels=4,6|8,12", runs=31, seeds=2, name=" Try it ")
    assert (plan.candidates, plan.options.runs, plan.options.name) == (15, 30, "Try it"), "whole candidates"
    assert plan.start_points == ({"channels": (4, 6), "learning_rate": 3e-3},)
    assert plan.fingerprint and not plan.study
    assert trial_seeds(plan) == (0, 1)
    config = trial_config(plan, {"channels": (8, 12), "learning_rate": 0.02}, 1)
    flat = config.flat()
    assert (flat["channels"], flat["learning_rate"], flat["seed"]) == ([8, 12], 0.02, 1)
    assert config.data.dataset == "tiny"
    folder = SweepFolder(tmp_path / plan.id)
    folder.path.mkdir()
    write_plan(folder, plan)
    assert read_plan(folder) == plan
    assert planned(workspace).id != plan.id


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"runs": 0}, "runs is 0, but must be from 1 to 10,000."),
        ({"runs": MOST_RUNS + 1}, "runs is 10001, but must be from 1"),
        ({"seeds": 0}, "seeds is 0, but must be from 1 to 20."),
        ({"seeds": 21, "runs": 100}, "seeds is 21"),
        ({"runs": 2, "seeds": 3}, "runs is 2, but one candidate takes 3 (seeds): raise runs."),
        ({"hours": -1.0}, "hours is -1.0, but must be from 0 to 8,760."),
        ({"hours": float("nan")}, "hours is nan"),
        ({"sampler": "tpee"}, "sampler is 'tpee', but must be one of tpe, random, grid (did you mean 'tpe'?)."),
        ({"pruner": "hyper"}, "pruner is 'hyper', but must be one of none, median, hyperband"),
        ({"sampler": "grid"}, "A grid needs listed values"),
        ({"sampler": "grid", "start_from": ("x",)}, "A grid tries its own combinations"),
        ({"start_from": ("x",) * 101}, "the number of runs to start from is 101"),
        ({"storage": "sqlite:///x"}, "The storage is no PostgreSQL database"),
        ({"storage": "postgresql://me:pw@host/db"}, "The URL of the storage has a password"),
    ],
)
def test_an_option_that_breaks_a_rule_is_a_sentence(
    workspace: Workspace, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        planned(workspace, settings={"epochs": 1}, **options)
    (problem,) = caught.value.problems
    assert sentence in problem


def test_a_time_limit_of_each_run_is_refused(workspace: Workspace) -> None:
    """It would stop every run, and a stopped run has no value."""
    with pytest.raises(ConfigError, match=r"max_seconds is 60, but .* limit the whole sweep by hours"):
        planned(workspace, settings={"max_seconds": 60})


def test_a_pruner_needs_an_epoch_to_stop_after(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="pruner median stops a run between its epochs, and these have one"):
        planned(workspace, settings={"epochs": 1}, pruner="median")
    assert planned(workspace, "epochs=1|3", pruner="median", runs=2)
    assert planned(workspace, "epochs=1..3", pruner="hyperband", runs=3)
    assert planned(workspace, settings={"epochs": 1})


def test_without_a_validation_part_nothing_is_judged(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="judged on a validation part, and there is none"):
        planned(workspace, settings={"validation_share": 0})
    save_tiny(workspace, "own", validation=50)
    assert planned(workspace, settings={"dataset": "own"}).settings["own_validation"], "its own pictures validate"


def test_presets_without_a_validation_part_get_one_and_a_person_who_wants_none_is_told(workspace: Workspace) -> None:
    save_tiny(workspace, "own", validation=50)
    fast = make_config(preset="quick").flat()
    settings, sentence = with_validation(workspace, fast, ["epochs"])
    assert settings == {**fast, "validation_share": 0.1} and "validation_share is set to 0.1, so 10 %" in sentence
    assert with_validation(workspace, settings, []) == (settings, "")
    own = make_config({"dataset": "own"}, preset="quick").flat()
    assert with_validation(workspace, own, []) == (own, ""), "the dataset's own pictures validate"
    off = make_config({"dataset": "own", "own_validation": False}, preset="quick").flat()
    assert with_validation(workspace, off, ["own_validation"])[0]["validation_share"] == 0.1
    none = make_config({"validation_share": 0}).flat()
    with pytest.raises(ConfigError, match="validation_share is 0, but a sweep is judged on a validation part"):
        with_validation(workspace, none, ["validation_share"])


def test_the_dataset_must_be_there_but_for_the_one_that_a_run_draws(workspace: Workspace) -> None:
    assert planned(workspace, settings={"dataset": "drawn10"}).fingerprint == ""
    with pytest.raises(DataError, match="none"):
        planned(workspace, settings={"dataset": "none"})


def test_the_lesson_is_kept_as_a_run_would_keep_it(workspace: Workspace) -> None:
    save_tiny(workspace)
    flat = make_config(TINY).flat()
    space = parse_space(["learning_rate=1e-4..1e-1"], flat)
    assert plan_sweep(workspace, flat, space, SweepOptions(), lesson=" Rates ").lesson == "Rates"
    with pytest.raises(RunError, match="The lesson holds a line break"):
        plan_sweep(workspace, flat, space, SweepOptions(), lesson="Ra\ntes")


def test_seeds_end_at_the_largest(workspace: Workspace) -> None:
    last = 2**31 - 1
    assert trial_seeds(planned(workspace, settings={"seed": last}, runs=1)) == (last,)
    with pytest.raises(ConfigError, match=f"The last seed would be {last + 1}, above {last}: lower seed"):
        planned(workspace, settings={"seed": last}, seeds=2)


def test_a_grid_has_its_combinations_and_no_start_points(workspace: Workspace) -> None:
    texts = ("learning_rate=0.001|0.01|0.1", "flip=true|false")
    whole = planned(workspace, *texts, sampler="grid", runs=0, seeds=3)
    assert (whole.options.runs, whole.candidates, whole.start_points) == (18, 6, ())
    assert planned(workspace, *texts, sampler="grid", runs=100, seeds=3).candidates == 6
    assert planned(workspace, *texts, sampler="grid", runs=8, seeds=3).candidates == 2
    with pytest.raises(ConfigError, match="The grid has 1,000 combinations with 20 seeds each, more than the 10,000"):
        tens = ("|".join(str(number / 100) for number in range(1, 11)) for _ in range(3))
        names = ("dropout", "label_smoothing", "weight_decay")
        grids = [f"{name}={values}" for name, values in zip(names, tens, strict=True)]
        planned(workspace, *grids, sampler="grid", runs=0, seeds=20)


def test_more_candidates_than_combinations_are_refused(workspace: Workspace) -> None:
    with pytest.raises(
        ConfigError, match="has 4 combinations and the sweep would try 5, so some twice: take sampler grid"
    ):
        planned(workspace, "optimizer=adam|sgd", "flip=true|false", runs=10, seeds=2)
    assert planned(workspace, "optimizer=adam|sgd", "flip=true|false", runs=8, seeds=2).candidates == 4


def test_a_network_that_the_memory_cannot_hold_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "machine_memory", lambda: 4 * 1024**2)
    assert planned(workspace, "learning_rate=0.001..0.1")
    with pytest.raises(ConfigError, match=r"This training needs .* lower batch_size"):
        planned(workspace, "channels=4,6|512,512", runs=2)


def test_it_starts_from_its_own_settings_and_from_runs(workspace: Workspace) -> None:
    outside = planned(workspace, settings={"learning_rate": 1.0})
    assert outside.start_points == (), "its own lie outside"
    runs = [ended_run(workspace, config=make_config({**TINY, "learning_rate": rate})) for rate in (0.02, 3e-3, 0.5)]
    plan = planned(workspace, start_from=tuple(runs[:2]))
    assert plan.start_points == ({"learning_rate": 3e-3}, {"learning_rate": 0.02}), "each once, its own first"
    with pytest.raises(
        RunError, match=rf"Run {runs[2]} lies outside .*learning_rate 0.5.*widen learning_rate=0.0001..0.1"
    ):
        planned(workspace, start_from=(runs[2],))
    with pytest.raises(RunError, match="There is no run"):
        planned(workspace, start_from=("no-such-run",))
    newest = planned(workspace, "learning_rate=1e-4..1", start_from=("latest",))
    assert newest.options.start_from == (runs[2],) and newest.start_points[1] == {"learning_rate": 0.5}


def test_a_condition_that_a_run_does_not_meet_leaves_the_setting_out(workspace: Workspace) -> None:
    plan = planned(workspace, "optimizer=adam|sgd", "momentum=0.95..0.99", runs=4)
    assert plan.start_points == ({"optimizer": "adam"},), "its momentum of 0.9 has no effect"


def test_a_run_on_other_pictures_is_no_start(workspace: Workspace) -> None:
    save_tiny(workspace, "other", seed=5)
    other = ended_run(workspace, config=make_config({**TINY, "dataset": "other"}))
    with pytest.raises(
        RunError, match=rf"Run {other} was trained on other pictures \(other\) than those of the sweep \(tiny\)"
    ):
        planned(workspace, start_from=(other,))


def test_the_same_command_on_two_machines_shares_a_study(workspace: Workspace) -> None:
    first = planned(workspace, storage=STORAGE, runs=10, name="Night")
    assert first.options.storage == "postgresql+psycopg://me@host/db" and first.study.startswith("Night ")
    assert planned(workspace, storage=STORAGE, runs=20, hours=2.0, name="Night").study == first.study
    others = [
        planned(workspace, storage=STORAGE, runs=10),
        planned(workspace, "learning_rate=1e-4..1", storage=STORAGE, runs=10, name="Night"),
        planned(workspace, storage=STORAGE, runs=10, seeds=2, name="Night"),
        planned(workspace, storage=STORAGE, runs=10, name="Night", settings={"epochs": 3}),
    ]
    assert len({first.study, *(other.study for other in others)}) == 5
