"""Runs that go on from another run: what they begin with, what they refuse, and that nothing is lost on the way."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from click.testing import CliRunner

from cifar_core.commands.train import _beginning, _maker
from cifar_core.commands.train import train as train_command
from cifar_core.config import make_config
from cifar_core.data import Split, open_dataset, save_dataset
from cifar_core.errors import ConfigError, RunError
from cifar_core.lifecycle.place import LOCAL
from cifar_core.lifecycle.states import Status
from cifar_core.runs import (
    LAST_WEIGHTS,
    Run,
    accuracy_caveats,
    continue_run,
    create_run,
    export_run,
    fine_tune_run,
    import_run,
    read_earlier_epochs,
    read_metrics,
    read_predictions,
    read_run,
    remove_last_weights,
    retry_run,
    space_of,
    verify_run,
)
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.train import training_parts
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import ROOT, save_tiny
from tests.runs.conftest import ended_run, snapshot
from tests.runs.in_process import TINY, one_thread, train

CONSTANT = {**TINY, "schedule": "constant", "epochs": 2}


@pytest.fixture(scope="module")
def parents(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    """A workspace with a run at a constant rate that has finished; tests copy it."""
    one_thread()
    workspace = open_workspace(tmp_path_factory.mktemp("parents") / "workspace")
    save_tiny(workspace, train=120, test=40)
    run = train(workspace, create_run(workspace, make_config(CONSTANT)))
    assert run.status is Status.FINISHED, run.error
    return workspace, run.id


@pytest.fixture
def parent(parents: tuple[Workspace, str], tmp_path: Path) -> tuple[Workspace, Run]:
    """A copy of that workspace for one test, and the run."""
    workspace, run_id = parents
    shutil.copytree(workspace.root, tmp_path / "copy")
    copy = open_workspace(tmp_path / "copy")
    return copy, read_run(copy, run_id)


def last_weights(workspace: Workspace, run: Run) -> dict[str, torch.Tensor]:
    """The weights of a run after its last epoch."""
    assert run.last is not None and run.best is not None
    folder, last = run_folder(workspace, run.id), run.last.epoch
    path = folder.weights(last) if run.best.epoch == last else folder.last_weights(last)
    return safetensors.torch.load_file(path)


def config_json(workspace: Workspace, run_id: str) -> dict[str, object]:
    content: dict[str, object] = json.loads(run_folder(workspace, run_id).config.read_text())
    return content


@pytest.mark.parametrize("optimizer", ["adam", "averaged_sgd"])
def test_a_constant_rate_goes_on_as_if_there_had_been_no_end(tmp_path: Path, optimizer: str) -> None:
    """Two epochs and one more give the weights of three, bit by bit: the oracle is the uninterrupted training."""
    one_thread()
    workspace = open_workspace(tmp_path / "workspace")
    save_tiny(workspace, train=120, test=40)
    network = {"model": "fast_cnn", "widths": "8,8,8"} if optimizer == "averaged_sgd" else {}
    settings = {**CONSTANT, **network, "optimizer": optimizer, "learning_rate": 0.002, "shift": 2, "dropout": 0.0}
    whole = train(workspace, create_run(workspace, make_config({**settings, "epochs": 3})))
    part = train(workspace, create_run(workspace, make_config(settings)))
    more = train(workspace, continue_run(workspace, part.id, {"epochs": 1}))
    assert [run.status for run in (whole, part, more)] == [Status.FINISHED] * 3, (whole.error, part.error, more.error)
    assert (more.origin, more.parent, more.parent_epoch, more.earlier_epochs) == ("continued", part.id, 2, 2)
    assert more.warnings == () and more.config.optimizer.learning_rate == 0.002
    if optimizer == "adam":  # averaged SGD depends on the part of the run that is done
        expected = last_weights(workspace, whole)
        assert all(torch.equal(found, expected[name]) for name, found in last_weights(workspace, more).items())
        line = read_metrics(workspace, whole.id).iloc[-1]
        assert read_metrics(workspace, more.id).iloc[-1]["train_loss"] == line["train_loss"]
    joined = read_earlier_epochs(workspace, more, {part.id: part})
    assert list(joined["place"]) == [-1, 0] and list(joined["epoch"]) == [1, 2] and set(joined["run"]) == {part.id}
    assert not run_folder(workspace, more.id).start_weights.parent.exists()
    assert verify_run(workspace, more.id) == []


def test_a_run_without_the_state_of_its_optimiser_says_so(parent: tuple[Workspace, Run]) -> None:
    workspace, run = parent
    assert run.best is not None
    assert space_of(workspace, run.id)[LAST_WEIGHTS] > 0
    remove_last_weights(workspace, run.id)
    with pytest.raises(RunError, match="no weights beside the best and no state"):
        remove_last_weights(workspace, run.id)
    more = train(workspace, continue_run(workspace, run.id, {"epochs": 1}))
    assert more.status is Status.FINISHED and more.parent_epoch == run.best.epoch
    assert f"after epoch {run.best.epoch} with a new optimiser" in more.warnings[0]


@pytest.mark.parametrize("damage", [b"", b"{}" * 500])
def test_a_damaged_state_of_the_optimiser_is_passed_over(parent: tuple[Workspace, Run], damage: bytes) -> None:
    workspace, run = parent
    assert run.best is not None and run.last is not None
    run_folder(workspace, run.id).last_optimizer(run.last.epoch).write_bytes(damage)
    assert "optimizer" in " ".join(verify_run(workspace, run.id))
    created = continue_run(workspace, run.id, {})
    assert config_json(workspace, created)["parent_epoch"] == run.best.epoch
    assert not run_folder(workspace, created).start_optimizer.exists()


def test_a_run_goes_on_where_its_parent_is_gone_and_is_tried_again(parent: tuple[Workspace, Run]) -> None:
    """It was stopped, its parent was deleted: it is resumed and repeated all the same."""
    workspace, run = parent
    paused = train(workspace, continue_run(workspace, run.id, {"epochs": 2}), batches=1)
    expected = last_weights(workspace, run)
    shutil.rmtree(run_folder(workspace, run.id).path)
    stopped = ended_run(workspace, Status.QUEUED)
    shutil.rmtree(run_folder(workspace, stopped).path)
    assert paused.status is Status.PAUSED and verify_run(workspace, paused.id) == []
    found = safetensors.torch.load_file(run_folder(workspace, paused.id).start_weights)
    assert all(torch.equal(value, expected[name]) for name, value in found.items())
    status = run_folder(workspace, paused.id).status
    status.write_text(json.dumps(json.loads(status.read_text()) | {"status": "stopped"}))
    again = retry_run(workspace, paused.id)
    before, now = config_json(workspace, paused.id), config_json(workspace, again)
    same = ("origin", "parent", "parent_epoch", "earlier_epochs", "split_rule", "dataset_fingerprint", "settings")
    assert [before[name] for name in same] == [now[name] for name in same]
    first, second = (run_folder(workspace, made) for made in (paused.id, again))
    assert first.start_optimizer.read_bytes() == second.start_optimizer.read_bytes()
    first.start_weights.write_bytes(b"x")  # as a damaged disk may
    assert any("start/weights.safetensors is damaged" in problem for problem in verify_run(workspace, paused.id))
    finished = train(workspace, paused.id)
    assert finished.status is Status.FINISHED, finished.error
    assert train(workspace, again).error.startswith("The weights that run")  # both are names of one file


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 5}, "keeps its seed (seed 0 -> 5)"),
        ({"validation_share": 0.2}, "learned from would validate it"),
        ({"train_share": 0.5}, "keeps its train_share"),
        ({"dataset": "other"}, "on another dataset (`train --from`)"),
        ({"hidden": "9,9"}, "-> [9, 9]), because its weights fit no other network."),
        ({"optimizer": "sgd"}, "because the state of its optimiser fits no other one."),
    ],
)
def test_what_a_continued_run_must_keep(parent: tuple[Workspace, Run], changes: dict[str, object], words: str) -> None:
    workspace, run = parent
    before = snapshot(workspace.runs)
    with pytest.raises(RunError) as caught:
        continue_run(workspace, run.id, changes)
    assert words in str(caught.value), "the reason is the true one of each"
    with pytest.raises(ConfigError, match="epochs is 0"):
        continue_run(workspace, run.id, {"epochs": 0})
    assert snapshot(workspace.runs) == before


def test_runs_that_cannot_be_continued(parent: tuple[Workspace, Run]) -> None:
    workspace, run = parent
    with pytest.raises(RunError, match="has not ended"):
        continue_run(workspace, ended_run(workspace, Status.QUEUED, make_config(CONSTANT)), {})
    with pytest.raises(RunError, match="resume it instead"):
        continue_run(workspace, ended_run(workspace, Status.STOPPED, make_config(CONSTANT)), {})
    with pytest.raises(RunError, match="was trained on these pictures"):
        fine_tune_run(workspace, run.id, {})
    with pytest.raises(RunError, match="because its weights fit no other network"):
        fine_tune_run(workspace, run.id, {"hidden": "9,9"})
    shutil.rmtree(workspace.data / "tiny")
    save_tiny(workspace, train=120, test=40, seed=9)
    with pytest.raises(RunError, match="its fingerprint differs"):
        continue_run(workspace, run.id, {"epochs": 1})


def test_a_schedule_runs_anew_from_a_tenth_of_the_peak(parent: tuple[Workspace, Run]) -> None:
    workspace, run = parent
    config = run_folder(workspace, run.id).config
    content = json.loads(config.read_text())
    content["settings"]["schedule"] = "cosine"
    config.write_text(json.dumps(content))
    facts = run_folder(workspace, run.id).facts
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"settings": None}))
    first = read_run(workspace, continue_run(workspace, run.id, {"epochs": 4}))
    assert first.config.optimizer.learning_rate == pytest.approx(3e-4) and first.config.optimizer.epochs == 4
    chosen = read_run(workspace, continue_run(workspace, run.id, {"learning_rate": 0.01}))
    assert chosen.config.optimizer.learning_rate == 0.01


def save_classes(workspace: Workspace, name: str, order: list[int], names: list[str]) -> None:
    """The tiny pictures with the labels in another order, under other names."""
    tiny = open_dataset(workspace, "tiny")
    place = np.argsort(order)
    splits = [
        Split(np.array(part.images), place[part.labels], np.array([f"{name}-{item}" for item in part.ids]))
        for part in (tiny.train, tiny.test)
    ]
    save_dataset(workspace, name, *splits, title=name, class_names=names, source="Made by the tests.")


def test_weights_on_another_dataset(parent: tuple[Workspace, Run]) -> None:
    """With the same classes in another order the outputs change places; with other classes the last layer is new."""
    workspace, run = parent
    assert run.best is not None and run.dataset is not None
    names = list(run.dataset.class_names)
    order = [3, 1, 2, 0, *range(4, 10)]
    save_classes(workspace, "moved", order, [names[at] for at in order])
    save_classes(workspace, "others", order, [f"class {at}" for at in range(10)])
    weights = safetensors.torch.load_file(run_folder(workspace, run.id).weights(run.best.epoch))
    begun = {}
    for dataset in ("moved", "others"):
        made = fine_tune_run(workspace, run.id, {"dataset": dataset, "epochs": 1, "learning_rate": 1e-6})
        begun[dataset] = train(workspace, made)
        assert begun[dataset].status is Status.FINISHED, begun[dataset].error
        assert (begun[dataset].origin, begun[dataset].earlier_epochs) == ("fine-tuned", 0)
        found = last_weights(workspace, begun[dataset])
        head = list(weights)[-1].rpartition(".")[0]
        assert all(torch.allclose(found[name], weights[name], atol=1e-3) for name in weights if head not in name)
        kept = torch.allclose(found[f"{head}.weight"], weights[f"{head}.weight"][order], atol=1e-3)
        assert kept == (dataset == "moved")
    assert begun["moved"].warnings == () and "last layer was made anew" in begun["others"].warnings[0]


def test_weights_of_schema_1_keep_their_last_layer_where_the_classes_are_the_same(workspace: Workspace) -> None:
    """Their file names no classes: the run that they are of does, as long as it is there."""
    one_thread()
    old = shutil.copytree(
        ROOT / "tests" / "fixtures" / "schema-1" / "cosy-fox-grlou", workspace.runs / "cosy-fox-grlou"
    )
    save_tiny(workspace, seed=9)
    known, unknown = (fine_tune_run(workspace, old.name, {"epochs": 1}) for _ in range(2))
    assert not any("last layer" in sentence for sentence in train(workspace, known).warnings)
    shutil.rmtree(old)
    words = " ".join(train(workspace, unknown).warnings)
    assert "nothing says any more for which classes" in words and "It cannot be told" in words


def test_it_travels_with_its_run(parent: tuple[Workspace, Run], tmp_path: Path) -> None:
    """An imported run is continued as it would have been where it was trained."""
    workspace, run = parent
    assert run.last is not None
    made = import_run(open_workspace(tmp_path / "other"), export_run(workspace, run.id)).run
    other = open_workspace(tmp_path / "other")
    save_tiny(other, train=120, test=40)
    optimizer = run_folder(workspace, run.id).last_optimizer(run.last.epoch)
    assert RunFolder(other.runs / made).last_optimizer(run.last.epoch).read_bytes() == optimizer.read_bytes()
    more = read_run(other, continue_run(other, made, {"epochs": 1}))
    assert (more.parent_epoch, more.earlier_epochs) == (2, 2)
    assert run_folder(other, more.id).start_optimizer.exists()


def test_a_run_of_an_older_version_is_continued_with_its_own_split(workspace: Workspace) -> None:
    """Its rare classes validate with nothing, so that nothing it has learned from validates now."""
    shutil.copytree(
        ROOT / "tests" / "fixtures" / "schema-3" / "rustic-gecko-44nud", workspace.runs / "rustic-gecko-44nud"
    )
    run = read_run(workspace, "rustic-gecko-44nud")
    assert run.dataset is not None and run.best is not None
    with pytest.raises(Exception, match="dataset"):
        continue_run(workspace, run.id, {})
    dataset = save_tiny(workspace, run.config.data.dataset)
    facts = run_folder(workspace, run.id).facts
    content = json.loads(facts.read_text())
    content["dataset"]["fingerprint"] = dataset.fingerprint
    facts.write_text(json.dumps(content))
    made = config_json(workspace, continue_run(workspace, run.id, {"epochs": 1}))
    assert (made["split_rule"], made["parent_epoch"], made["earlier_epochs"]) == (
        "share",
        run.best.epoch,
        run.best.epoch,
    )


def test_the_command_line_says_what_it_goes_on_from(parent: tuple[Workspace, Run]) -> None:
    workspace, run = parent
    place = ["--workspace", str(workspace.root)]
    found = CliRunner().invoke(train_command, ["--continue", run.id, "--from", run.id, *place])
    assert found.exit_code == 2 and "--continue and --from exclude each other" in found.stderr
    with pytest.raises(RunError, match="keeps its seed"):
        _maker(workspace, {"seed": "5"}, "", preset=None, continues=run.id, weights_of=None, place=LOCAL)()
    with pytest.raises(RunError, match="was trained on these pictures"):
        _maker(workspace, {}, "", preset=None, continues=None, weights_of="latest", place=LOCAL)()
    more = read_run(workspace, continue_run(workspace, run.id, {"epochs": 1}))
    assert f"from the weights of run {run.id} after epoch 2, learning rate 0.003 (constant)" in _beginning(more)


def test_pictures_that_the_weights_learned_from_count_as_seen(parent: tuple[Workspace, Run]) -> None:
    """The crafted dataset tests with 12 pictures that the first run trained on, 3 it chose its epoch by, 5 new ones."""
    workspace, run = parent
    tiny = open_dataset(workspace, "tiny")
    learned, chosen = training_parts(tiny, run.config.data, run.config.machine.seed)
    test = _joined([tiny.train.take(learned[:12]), tiny.train.take(chosen[:3]), tiny.test.take(np.arange(5))])
    train_part = _joined([tiny.test.take(np.arange(5, 40)), tiny.train.take(learned[20:25])])
    words = {"title": "leaking", "class_names": tiny.class_names, "source": "Made by the tests."}
    save_dataset(workspace, "leaking", train_part, test, **words)  # type: ignore[arg-type]
    changes = {"dataset": "leaking", "epochs": 2, "own_validation": False, "validation_share": 0.5}
    tuned = train(workspace, fine_tune_run(workspace, run.id, changes), batches=1)
    assert tuned.dataset is not None and tuned.dataset.test_seen == 15, tuned.error
    shutil.move(workspace.data / "tiny", workspace.root / "away")
    tuned = train(workspace, tuned.id)  # what it has noted stays, though nobody can find it out any more
    assert tuned.dataset is not None and tuned.dataset.test_seen == 15 and tuned.warnings == ()
    assert "by the runs whose weights it goes on from" in accuracy_caveats(tuned)[0]
    assert read_predictions(workspace, tuned.id).seen.tolist() == [True] * 15 + [False] * 5  # type: ignore[union-attr]
    more = train(workspace, continue_run(workspace, tuned.id, {"epochs": 1}))
    assert more.dataset is not None and more.dataset.test_seen == 15 and more.warnings == (), "over all runs before"
    unknown = train(workspace, fine_tune_run(workspace, run.id, {**changes, "epochs": 1}))
    assert unknown.dataset is not None and unknown.dataset.test_seen is None and verify_run(workspace, unknown.id) == []
    assert "It cannot be told" in unknown.warnings[0] and "no dataset named tiny" in unknown.warnings[0]


def _joined(parts: list[Split]) -> Split:
    """Several splits as one, with ids of their own."""
    ids = np.array([f"{place}-{item}" for place, part in enumerate(parts) for item in part.ids])
    return Split(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]), ids)
