"""Where a run is asked to train: what the words mean, what is refused, and how."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.cluster import choice
from cifar_core.cluster.choice import asked_place, offered_cluster, require_place
from cifar_core.cluster.nodes import record
from cifar_core.cluster.nodes.record import NodeRecord
from cifar_core.errors import ClusterError, ConfigError
from cifar_core.lifecycle.place import LOCAL, Place
from cifar_core.storage.json_files import write_json
from cifar_core.workspace import Workspace

HEAD = "10.0.0.5:6379"


def test_a_place_is_what_was_asked_and_takes_one_processor_by_default(workspace: Workspace) -> None:
    assert asked_place(workspace, "local") == LOCAL
    assert asked_place(workspace, "ray", HEAD) == Place("ray", HEAD, cpus=1)
    assert asked_place(workspace, "ray", HEAD, 4, 2) == Place("ray", HEAD, 4, 2)
    assert asked_place(workspace, "slurm", cpus=3) == Place("slurm", cpus=3)


def test_without_an_address_settings_json_names_the_cluster_else_it_is_the_one_started_here(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=r"Which cluster\? Give its address \(--address HOST:PORT\)"):
        asked_place(workspace, "ray")
    assert offered_cluster(workspace) == LOCAL
    monkeypatch.setattr(record, "live_node", lambda _: NodeRecord("127.0.0.1:6000", "/tmp/x", is_head=True))
    assert asked_place(workspace, "ray").address == "127.0.0.1:6000"
    assert offered_cluster(workspace) == LOCAL  # the pages offer what somebody has written down
    write_json(workspace.root / "settings.json", {"cluster": HEAD})
    assert asked_place(workspace, "ray").address == HEAD
    assert offered_cluster(workspace) == Place("ray", HEAD, cpus=1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("rai",), "backend is 'rai', but must be one of local, ray, slurm (did you mean 'ray'?)."),
        (("local", HEAD), f"address is {HEAD}, but only backend ray has one: leave it out, or take that."),
        (("slurm", HEAD), f"address is {HEAD}, but only backend ray has one: leave it out, or take that."),
        (("local", "", 2), "cpus and gpus are asked of a cluster (backend ray or slurm)"),
        (("ray", HEAD, -1), "cpus is -1, but must be from 0 to 1,024."),
        (("ray", HEAD, 0, 65), "gpus is 65, but must be from 0 to 64."),
        (("ray", "nowhere"), "'nowhere' is no address of a cluster: HOST:PORT of its head"),
    ],
)
def test_what_breaks_a_rule_is_refused_in_a_sentence(
    workspace: Workspace, words: tuple[str | int, ...], sentence: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        asked_place(workspace, *words)  # type: ignore[arg-type]
    assert sentence in str(refused.value)


@given(st.text(max_size=20), st.text(max_size=30), st.integers(), st.integers())
def test_any_words_give_a_sound_place_or_a_sentence(backend: str, address: str, cpus: int, gpus: int) -> None:
    workspace = Workspace(Path(os.devnull).parent / "no-workspace-here")
    try:
        place = asked_place(workspace, backend, address, cpus, gpus)
    except ConfigError as error:
        assert all(problem and "\n" not in problem for problem in error.problems)
    else:
        assert place.backend == backend


def test_slurm_is_refused_where_there_is_none(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "require_submitit", lambda: None)
    monkeypatch.setenv("PATH", str(workspace.root))
    with pytest.raises(ClusterError, match="There is no Slurm on this machine"):
        require_place(workspace, Place("slurm"))
    (workspace.root / "sbatch").touch(mode=0o755)
    require_place(workspace, Place("slurm"))
