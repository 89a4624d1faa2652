"""Every page opens on runs whose names and notes a person could not have typed, and shows their visible characters."""

import json
import shutil

import pytest

from cifar_core.runs import Run
from cifar_core.runs.run import MAX_RUN_NAME
from cifar_core.runs.run_folder import RunFolder
from cifar_core.text import one_line
from cifar_core.workspace import Workspace, open_workspace
from tests.nasty import LITERAL, UNSEEN
from tests.pages.support import OpenPage, said
from tests.pages.test_all_pages import PAGES
from tests.pages.test_markdown import unescaped

pytestmark = pytest.mark.fault(46)


@pytest.fixture(scope="module")
def crowd(finished: Run, shared: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a copy of the finished run for each nasty text, which is its name and its note."""
    workspace = open_workspace(tmp_path_factory.mktemp("crowd") / "workspace")
    shutil.copytree(shared.data, workspace.data, dirs_exist_ok=True)
    for number, name in enumerate((*LITERAL, *UNSEEN)):
        folder = workspace.runs / f"copy-{number:02}"
        shutil.copytree(shared.runs / finished.id, folder)
        RunFolder(folder).about.write_text(json.dumps({"name": name, "note": name}), "utf-8")
    return workspace


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_on_a_run_of_any_name(page: str, open_page: OpenPage, crowd: Workspace) -> None:
    for number in range(len(LITERAL), len(LITERAL) + len(UNSEEN)):
        app = open_page(crowd, page, run=f"copy-{number:02}", view="Watch")
        assert not app.error
        if page not in ("class_room", "data", "runs", "sweep"):
            name = one_line((*LITERAL, *UNSEEN)[number], MAX_RUN_NAME)
            picker = [option for box in app.selectbox if box.key == "frame_run" for option in box.options]
            assert name in unescaped("\n".join([said(app), *picker])), name


def test_the_table_of_runs_names_all_of_them(open_page: OpenPage, crowd: Workspace) -> None:
    app = open_page(crowd, "runs")
    assert set(app.dataframe[0].value["name"]) == {one_line(name, MAX_RUN_NAME) for name in (*LITERAL, *UNSEEN)}
