"""Several ranks that train one network: their parts of a batch, the results of one process, what they say when lost."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.errors import ConfigError, LostRankError
from cifar_core.lifecycle.supervise import LOST_RANKS
from cifar_core.train.ranks import ALONE, Together, join_ranks, local_ranks, lost_ranks, rank_device
from tests.train.rank_processes import run_ranks, started_ranks
from tests.train.train_in_ranks import train

SIMPLE = {"channels": (4, 6), "hidden": (16, 12), "batch_size": 32, "epochs": 3, "learning_rate": 3e-3, "dropout": 0.0,
          "shift": 2, "flip": True, "cutout": 4}  # fmt: skip
# The bias of its first layer is frozen after 3/8 of the steps, in the middle of the second epoch.
FAST = {"model": "fast_cnn", "widths": (4, 6, 8), "batch_size": 30, "epochs": 3, "optimizer": "muon", "shift": 2}
SCENARIOS: dict[str, dict[str, Any]] = {
    "simple": {"settings": SIMPLE},
    # Its steps show a gradient of a wrong length; those of Adam do not.
    "sgd": {"settings": {**SIMPLE, "optimizer": "sgd"}},
    "dropout": {"settings": {**SIMPLE, "dropout": 0.3, "label_smoothing": 0.1}},
    "dropout paused": {"settings": {**SIMPLE, "dropout": 0.3, "label_smoothing": 0.1}, "batches": 11},
    "dropout resumed": {"settings": {**SIMPLE, "dropout": 0.3, "label_smoothing": 0.1}, "goes_on": "dropout paused"},
    "muon": {"settings": FAST},
    "muon again": {"settings": FAST},
    "muon paused": {"settings": FAST, "batches": 5},
    "muon resumed": {"settings": FAST, "goes_on": "muon paused"},
    "averaged": {"settings": {**FAST, "optimizer": "averaged_sgd"}, "pictures": 2000},  # so many have points
    "pruned": {"settings": {**FAST, "prune_share": 0.4, "epochs": 6}},
    "pruned paused": {"settings": {**FAST, "prune_share": 0.4, "epochs": 6}, "batches": 25},
    "pruned resumed": {"settings": {**FAST, "prune_share": 0.4, "epochs": 6}, "goes_on": "pruned paused"},
    "smoothed": {"settings": {**SIMPLE, "label_smoothing": 0.1, "batch_size": 64}},
    # 270 pictures train: the last batch has one, fewer than there are ranks.
    "tiny batch": {"settings": {**SIMPLE, "batch_size": 269, "epochs": 6}},
    "measuring": {"settings": SIMPLE, "measures": 2},
}
Found = list[dict[str, dict[str, Any]]]  # of each rank: scenario -> what it found


@pytest.fixture(scope="module", params=[2])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """All scenarios, trained by two ranks; three do the same, and cost a minute on two cores."""
    folder, world = tmp_path_factory.mktemp("ranks"), request.param
    (folder / "scenarios.json").write_text(json.dumps(SCENARIOS))
    assert run_ranks(world, "-m", "tests.train.train_in_ranks", str(folder / "scenarios.json")) == [0] * world
    return [torch.load(folder / f"found.{rank}", weights_only=False) for rank in range(world)]


def same(one: Any, other: Any) -> bool:
    """Whether two nested values are equal to the last bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one.nan_to_num(-9), other.nan_to_num(-9))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@given(world=st.integers(1, 9), count=st.integers(1, 40))
def test_the_parts_of_a_batch_make_it_up(world: int, count: int) -> None:
    parts = [Together(rank, world).part(count) for rank in range(world)]
    own = [part for part in parts if part.is_own]
    assert [row for part in own for row in range(count)[part.rows]] == list(range(count))
    sizes = [len(range(count)[part.rows]) for part in parts]
    assert min(sizes) >= 1 and max(sizes) - min(sizes) <= 1 and sizes[0] == max(sizes)  # rank 0 never borrows one
    assert parts[0].is_own and {part.over for part in own} == {count / world}


def test_one_process_is_alone() -> None:
    assert join_ranks(torch.device("cpu")) is ALONE and local_ranks() == 1
    net = torch.nn.Linear(2, 2)
    assert ALONE.parallel(net) is net and ALONE.part(7).rows == slice(0, 7)
    before = torch.get_rng_state()
    ALONE.seed(1, 2, 3)
    assert torch.equal(torch.get_rng_state(), before)


def test_only_errors_of_a_lost_rank_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(LostRankError, match=r"^Another process of .* is gone \(Connection closed by"), lost_ranks():
        raise RuntimeError("Connection closed by peer [127.0.0.1]:4711\nand a stack")
    with pytest.raises(RuntimeError, match="mat1 and mat2"), lost_ranks():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)")
    monkeypatch.setenv("WORLD_SIZE", "1")  # a process that is alone has lost nobody
    with pytest.raises(RuntimeError, match="Connection"), lost_ranks():
        raise RuntimeError("Connection closed by peer")


def test_a_rank_takes_its_own_gpu_or_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda")
    assert rank_device(cuda) == cuda  # of a process that is alone
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name, value in {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "3"}.items():
        monkeypatch.setenv(name, value)
    assert rank_device(cuda) == torch.device("cuda", 1) and rank_device(torch.device("cpu")).type == "cpu"
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ConfigError, match="Each process needs a GPU of its own, and this machine has 2"):
        rank_device(cuda)
    with pytest.raises(ConfigError, match="cannot train on the device mps: set device to cpu"):
        rank_device(torch.device("mps"))


def test_a_rank_that_does_not_come_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "CIFAR_RENDEZVOUS": f"file://{tmp_path / 'meet'}"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LostRankError, match="Only 1 of the 2 processes of this training came within 0 s"):
        join_ranks(torch.device("cpu"), timeout_s=0.1)
    asked = []
    monkeypatch.setenv("CIFAR_RENDEZVOUS", f"file://{tmp_path / 'other'}")

    def stop() -> None:
        asked.append(1)
        raise KeyError("a stop was asked")

    with pytest.raises(KeyError):
        join_ranks(torch.device("cpu"), waiting=stop)
    assert asked == [1]


def test_dropout_of_each_rank_and_batch_is_its_own() -> None:
    drawn = set()
    for rank, numbers in ((0, (0, 1, 0)), (1, (0, 1, 0)), (0, (0, 1, 1)), (0, (0, 2, 0)), (0, (1, 1, 0))):
        Together(rank, 2).seed(*numbers)
        drawn.add(float(torch.rand(())))
    assert len(drawn) == 5
    Together(0, 2).seed(0, 1, 0)
    assert float(torch.rand(())) in drawn


@pytest.mark.cluster
@pytest.mark.parametrize("name", ["simple", "sgd", "smoothed", "tiny batch"])
def test_steps_have_the_losses_of_one_process(found: Found, name: str) -> None:
    """In float32, within 1e-4 in each of the first 20 steps, also in batches with fewer pictures than ranks."""
    torch.set_num_threads(1)
    one, several = train(**SCENARIOS[name]), found[0][name]
    size, trained = SCENARIOS[name]["settings"]["batch_size"], 270
    sizes = [min(size, trained - at) for at in range(0, trained, size)] * 20
    assert len(one["losses"]) == len(several["losses"]) >= 12
    for ours, theirs, pictures in list(zip(several["losses"], one["losses"], sizes, strict=False))[:20]:
        assert abs(ours - theirs) / pictures < 1e-4
    for ours, theirs in zip(several["lines"], one["lines"], strict=True):  # the losses and accuracies of each epoch
        assert ours == pytest.approx(theirs, abs=2e-3)
    for name, value in one["records"].items():
        if name != "predicted":
            torch.testing.assert_close(several["records"][name], value, rtol=1e-2, atol=1e-2)


@pytest.mark.cluster
@pytest.mark.parametrize("name", ["dropout", "muon", "pruned"])
def test_a_resumed_training_ends_with_the_same_bits(found: Found, name: str) -> None:
    straight, paused, resumed = (found[0][key] for key in (name, f"{name} paused", f"{name} resumed"))
    assert paused["request"] == "pause" and paused["batches"] == SCENARIOS[f"{name} paused"]["batches"] + 2
    assert resumed["losses"] == straight["losses"][paused["batches"] :]
    for key in ("net", "lines", "records", "pruning"):
        assert same(resumed[key], straight[key]), key
    assert same(resumed["probs"], straight["probs"][-len(resumed["probs"]) :])


@pytest.mark.cluster
def test_two_trainings_have_the_same_bits(found: Found) -> None:
    once, again = found[0]["muon"], found[0]["muon again"]
    assert all(same(once[key], again[key]) for key in ("losses", "net", "lines", "records", "probs"))


@pytest.mark.cluster
@pytest.mark.parametrize("name", SCENARIOS)
def test_all_ranks_have_the_same_state(found: Found, name: str) -> None:
    """Weights, optimiser, and what each knows of all pictures; rank 0 alone measures within epochs."""
    first, *others = (rank[name] for rank in found)
    for other in others:
        assert [other[key] for key in ("request", "batches", "losses", "lines")] == [
            first[key] for key in ("request", "batches", "losses", "lines")
        ]
        statistics = ("running_mean", "running_var", "num_batches_tracked")  # of each rank's own pictures
        learned = [key for key in first["net"] if not key.endswith(statistics)]
        for key in (*learned, *(first["net"] if first["request"] == "None" else ())):
            assert same(other["net"][key], first["net"][key]), key
        for key in ("optimizer", "loss_sum", "right", "pruning", "records"):
            assert same(other["state"][key], first["state"][key]), key
        assert same(other["probs"], first["probs"]) and other["points"] == 0
    assert (first["points"] > 0) == (name == "averaged")


@pytest.mark.cluster
def test_networks_that_normalise_learn_alike(found: Found) -> None:
    """Each rank normalises its own part, so the losses are near those of one process, not equal to them."""
    torch.set_num_threads(1)
    for name in ("muon", "averaged", "pruned"):
        one, several = train(**SCENARIOS[name]), found[0][name]
        assert several["lines"][0][1] == pytest.approx(one["lines"][0][1], abs=0.1)  # the first epoch's loss
        assert len(several["losses"]) == pytest.approx(len(one["losses"]), abs=2)  # pruning leaves out about as many


@pytest.mark.cluster
def test_a_pause_within_a_measurement_reaches_all_ranks(found: Found) -> None:
    for rank in found:
        assert rank["measuring"]["request"] == "pause" and rank["measuring"]["batches"] == 9


@pytest.mark.cluster
@pytest.mark.skipif(os.name != "posix", reason="Windows cannot freeze a process")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_killed_or_frozen_rank_is_noticed_by_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setenv("STEP_SECONDS", "4")
    (tmp_path / "scenarios.json").write_text(json.dumps({"long": {"settings": {**SIMPLE, "epochs": 400}}}))
    program = ("-m", "tests.train.train_in_ranks", str(tmp_path / "scenarios.json"))
    with started_ranks(2, *program) as (first, second):
        assert first.stderr is not None and second.stderr is not None
        while b"trains" not in first.stderr.readline():
            assert first.poll() is None
        second.send_signal(number)
        _, errors = first.communicate(timeout=20)
    assert first.returncode == LOST_RANKS, errors
    assert errors.decode().strip().splitlines()[-1].startswith("Another process of this training is gone ("), errors
