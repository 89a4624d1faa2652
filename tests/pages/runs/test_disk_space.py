"""The sizes of a run's parts, and the button that removes the weights of its last epoch."""

from cifar_core.runs import LAST_WEIGHTS, space_of
from cifar_core.workspace import Workspace
from tests.pages.support import OpenPage, said
from tests.runs.exported_runs import RUN, store


def test_sizes_are_shown_and_the_last_weights_can_be_removed(open_page: OpenPage, workspace: Workspace) -> None:
    store(workspace)
    app = open_page(workspace, "runs", runs=RUN)
    assert f"{LAST_WEIGHTS}: **15 kB**" in said(app)
    app.button(key=f"runs_remove_last_{RUN}").click().run()
    assert not app.exception and not app.error
    assert LAST_WEIGHTS not in space_of(workspace, RUN) and LAST_WEIGHTS not in said(app)
