"""Which runs belong together, and what their seeds say of a difference."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from cifar_core.config import make_config
from cifar_core.runs import EpochLine, Run, Status, group_facts, group_of, group_words, seed_groups, seed_noise
from cifar_core.runs.run import DatasetFacts

LINE = EpochLine(1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.01, 1.0, 100.0)
DATA = DatasetFacts("drawn10", ("a", "b"), (0.5,) * 3, (0.5,) * 3, "f" * 64, 10, 0, 10)


def run(
    name: str, seed: int, accuracy: float | None = None, *, data: DatasetFacts | None = DATA, **more: object
) -> Run:
    settings = make_config({"seed": seed, **more})
    line = None if accuracy is None else replace(LINE, test_accuracy=accuracy)
    status = Status.FINISHED if accuracy is not None else Status.QUEUED
    return Run(name, name, "", status, settings, "2026-11-29T12:00:00+00:00", best=line, last=line, dataset=data)


def names(runs: list[Run]) -> list[list[str]]:
    return [[each.id for each in group.runs] for group in seed_groups(runs)]


def test_runs_of_one_setting_and_one_dataset_belong_together() -> None:
    a, b, waiting = run("a", 0, 0.7), run("b", 1, 0.8), run("waiting", 2, data=None)
    assert names([waiting, b, a]) == [["waiting", "b", "a"]]
    assert names([a, run("again", 0, 0.7)]) == [], "one seed twice says nothing of seeds"
    assert names([a, run("longer", 1, 0.8, epochs=9)]) == []
    assert names([a, replace(b, dataset=replace(DATA, fingerprint="0" * 64))]) == []
    assert names([a, replace(b, origin="continued", parent="a")]) == [], "its settings are not all that it came of"
    assert names([a, replace(b, problem="broken")]) == []
    assert names([a, replace(b, origin="trial", sweep="calm-owl-1", trial=3)]) == [["a", "b"]], "it began afresh"
    renamed = replace(run("b", 1, 0.8, dataset="copy"), dataset=replace(DATA, name="copy"))
    assert names([a, renamed]) == [["a", "b"]], "equal pictures under another name"
    assert names([a, run("b", 1, 0.8, momentum=0.5)]) == [["a", "b"]], "Adam has no momentum: it has no effect"


def test_mean_and_interval_count_each_seed_once() -> None:
    again = run("again", 1, 0.9)  # newer than b, with its seed
    group = seed_groups([again, run("c", 2, 0.74), run("b", 1, 0.8), run("a", 0, 0.7), run("waits", 3)])[0]
    assert [each.id for each in group.measured] == ["again", "c", "a"]
    spread, values = group.spread, [0.9, 0.74, 0.7]
    assert spread is not None and spread.mean == pytest.approx(np.mean(values))
    low, _ = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (spread.low, spread.high) == (pytest.approx(low), 1.0), "no accuracy is above 100 %"
    facts = group_facts(group)
    assert facts["seeds"] == [1, 2, 0] and facts["active"] == 1 and facts["interval"] == [spread.low, 1.0]
    assert "78.0\u00a0% over 3 seeds" in group_words(group) and group_words(group).endswith("1 run to come.")


def test_what_is_not_finished_yet_is_said() -> None:
    (group,) = seed_groups([run("b", 1), run("a", 0)])
    assert group.spread is None and "none of 2 runs" in group_words(group) and group_facts(group)["mean"] is None
    (group,) = seed_groups([run("b", 1), run("a", 0, 0.5)])
    assert "the spread shows with the second one" in group_words(group) and group_facts(group)["interval"] is None


def test_two_runs_of_one_setting_differ_by_their_seeds() -> None:
    runs = [run("a", 0, 0.7), run("b", 1, 0.8)]
    noise = seed_noise(runs, *runs)
    assert noise is not None and noise.explains(0.5) and noise.words == "Only the seed differs: this is seed noise."
    three = seed_noise([*runs, run("c", 2, 0.75)], *runs)
    assert three is not None and three.words.endswith("which reaches 30.4 points here (3 seeds).")
    assert seed_noise(runs, runs[0], runs[0]) is None


def test_the_noise_of_two_settings_is_that_of_their_difference() -> None:
    first, second = [0.70, 0.71, 0.73], [0.74, 0.78]
    a = [run(f"a{seed}", seed, value) for seed, value in enumerate(first)]
    b = [run(f"b{seed}", seed, value, epochs=9) for seed, value in enumerate(second)]
    noise = seed_noise([*a, *b], a[0], b[0])
    assert noise is not None
    variances, freedoms = [np.var(first, ddof=1), np.var(second, ddof=1)], [2, 1]
    freedom = sum(variances) ** 2 / sum(v**2 / f for v, f in zip(variances, freedoms, strict=True))
    limit = stats.t.ppf(0.975, math.floor(freedom)) * math.sqrt(sum(variances))
    assert noise.limit == pytest.approx(limit) and noise.explains(-limit * 0.99) and not noise.explains(limit * 1.01)
    assert noise.words == (
        "Seed noise is not ruled out: 3 seeds of A, 2 of B are too few to tell, train more of each."
    ), "one degree of freedom gives no figure that says anything"


def test_a_setting_without_repeats_is_taken_to_spread_alike() -> None:
    a = [run(f"a{seed}", seed, value) for seed, value in enumerate([0.70, 0.71, 0.73])]
    alone = run("b", 0, 0.9, epochs=9)
    limit = stats.t.ppf(0.975, 2) * math.sqrt(2) * np.std([0.70, 0.71, 0.73], ddof=1)
    forward, back = seed_noise([*a, alone], a[0], alone), seed_noise([*a, alone], alone, a[0])
    assert forward is not None and back is not None
    assert forward.limit == back.limit == pytest.approx(limit) and not forward.explains(0.2)
    assert forward.words.startswith("Seed noise alone explains it: seeds move it by up to 9.3 points (3 seeds of A;")
    assert "B is taken" in forward.words and "A is taken" in back.words
    assert seed_noise([a[0], alone], a[0], alone) is None, "nothing is known of either"
    assert group_of(seed_groups([a[0], alone]), "b") is None
