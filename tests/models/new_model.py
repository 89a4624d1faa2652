"""What a person does with a model that was just added; `test_new_model.py` runs this beside a copy of the program.

Its one argument is the folder of that copy.
"""

import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import cifar_core
from cifar_core.commands.cli import cli
from cifar_core.config import make_config
from cifar_core.data import list_datasets, to_image
from cifar_core.models import list_models
from cifar_core.runs import create_run, ensure_speed, estimate_run, open_run_dataset, read_speed
from cifar_core.runs.control.verify import verify_run
from cifar_core.runs.estimate.speed import SPEED_FILE, SPEED_LAYOUT, Costs, MachineSpeed, as_json, machine_name
from cifar_core.runs.predict.run_network import load_network
from cifar_core.runs.run import Status
from cifar_core.storage.json_files import write_json
from cifar_core.workspace import Workspace, open_workspace
from pages.ui.markdown import escaped
from tests.conftest import save_tiny
from tests.pages.support import page_opener, said
from tests.runs.in_process import train, weights_of

NAME = "residual_cnn"
SETTINGS = {"dataset": "tiny", "model": NAME, "blocks": 1, "epochs": 1, "batch_size": 64, "prune_share": 0.3}
COSTS = Costs(per_step=1e-3, per_picture=1e-5, per_flop=1e-11, per_value=1e-10, forward=0.3)


def the_command_line_offers_it() -> None:
    answer = CliRunner().invoke(cli, ["train", "--help"])
    assert NAME in answer.output and "--blocks" in answer.output
    assert make_config({"model": NAME}).model.blocks == 2


def it_trains_resumes_and_predicts(workspace: Workspace) -> None:
    """A resumed run ends as an uninterrupted one."""
    whole, parted = (create_run(workspace, make_config(SETTINGS)) for _ in range(2))
    done = train(workspace, whole)
    assert train(workspace, parted, batches=2).status is Status.PAUSED
    run = train(workspace, parted)
    assert done.status is run.status is Status.FINISHED
    assert weights_of(workspace, done) == weights_of(workspace, run)
    assert verify_run(workspace, whole) == verify_run(workspace, parted) == []
    path = workspace.root / "picture.png"
    to_image(open_run_dataset(workspace, run).test.images[0]).save(path)
    assert sum(load_network(workspace, parted).predict(path).values()) == pytest.approx(1.0)


def the_others_keep_their_estimates(workspace: Workspace) -> None:
    """This machine was measured before the model was added: only the new one has to be measured."""
    others = [name for name in list_models() if name != NAME]
    known = MachineSpeed(machine_name(), 1, 3.0, dict.fromkeys(others, COSTS), {}, layout=SPEED_LAYOUT)
    write_json(workspace.root / SPEED_FILE, as_json(known))
    speed, datasets = read_speed(workspace), list_datasets(workspace)
    estimates = {
        name: estimate_run(make_config({"model": name, "dataset": "tiny"}), speed, datasets) for name in list_models()
    }
    assert estimates[NAME] is None and all(estimates[name] for name in others)
    with pytest.MonkeyPatch.context() as patch:
        started: list[object] = []
        patch.setattr("cifar_core.jobs.start.spawn", lambda *given: started.append(given))
        patch.setattr("cifar_core.jobs.start._hand_over", lambda process, lock, starting: starting.close())
        assert ensure_speed(workspace) == "measuring" and len(started) == 1
    measured = MachineSpeed(**{**asdict(known), "costs": dict.fromkeys(list_models(), COSTS)})
    assert estimate_run(make_config(SETTINGS), replace(measured, known={}), datasets) is not None


def the_train_page_shows_it(workspace: Workspace) -> None:
    with pytest.MonkeyPatch.context() as patch:
        app = page_opener(patch)(workspace, "train")
        app.get_by_key("train_set_model").set_value(NAME)
        app.run()
        assert not app.exception
        app.number_input(key="train_set_blocks").set_value(3).run()
        assert not app.exception
        assert f"{escaped(NAME)} is not timed yet: " in said(app)
        assert " s" in app.radio(key="train_base_preset").proto.captions[2], "the presets keep their times"
        (table,) = app.dataframe
        assert {"block1.conv", "block3.norm", "block3"} <= set(table.value["layer"])


def main(copy: Path) -> None:
    """Do it all, in the copy."""
    assert Path(cifar_core.__file__).is_relative_to(copy) and NAME in list_models()
    workspace = open_workspace(copy / "workspace")
    save_tiny(workspace)
    the_command_line_offers_it()
    it_trains_resumes_and_predicts(workspace)
    the_others_keep_their_estimates(workspace)
    the_train_page_shows_it(workspace)


main(Path(sys.argv[1]))
