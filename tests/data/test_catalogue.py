"""The list of datasets: the built-in ones, stored or not, then the imported ones."""

import pytest

from cifar_core.data import catalogue, dataset_state, drawing, list_datasets
from cifar_core.workspace import Workspace
from tests.data.test_store import save


def test_the_list_has_the_built_in_ones_first(workspace: Workspace) -> None:
    """They are listed while absent too; the imported ones follow by name, with sizes and counts."""
    save(workspace, "zebra")
    save(workspace, "apple")
    (workspace.data / "Not a dataset").mkdir()
    (workspace.data / "stray.txt").write_text("")
    states = list_datasets(workspace)
    assert [(state.name, state.state) for state in states] == [
        ("drawn10", "absent"),
        ("cifar10", "absent"),
        ("apple", "ready"),
        ("zebra", "ready"),
    ]
    apple = states[2]
    assert (apple.train, apple.test, apple.classes, apple.how) == (20, 7, 3, "Here.")
    assert apple.bytes == sum(file.stat().st_size for file in (workspace.data / "apple").iterdir())
    assert "python -m" not in states[1].how, "commands are for the command line"


def test_absent_built_in_datasets_have_the_sizes_they_will_have(workspace: Workspace) -> None:
    """Titles and sizes are those of the modules that prepare them; the descriptions name the same numbers."""
    drawn, official = list_datasets(workspace)
    assert (drawn.title, drawn.train, drawn.test, drawn.classes) == ("Drawn pictures", 10_000, 2_000, 10)
    assert (official.title, official.train, official.test, official.classes) == ("CIFAR-10", 50_000, 10_000, 10)
    assert "10,000 pictures to learn from and 2,000 to test" in drawn.description
    assert "50,000 to learn from and 10,000 to test" in official.description
    assert "Download it (162.6 MB), or import the file cifar-10-python.tar.gz" in official.how
    assert [state.classes for state in (drawn, official)] == [len(drawing.CLASS_NAMES)] * 2


def test_a_dataset_saved_during_the_query_is_not_called_absent(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job saves it and releases its lock between the two checks of `dataset_state`."""

    def finish_now(*_: object) -> bool:
        save(workspace)
        return True

    monkeypatch.setattr(catalogue, "is_alive", finish_now)
    assert dataset_state(workspace, "mine").state == "ready"
