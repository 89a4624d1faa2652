"""The clicks whose time on the server is measured, and their times."""

import itertools

import pytest

from cifar_core.bench.server import cell_clicks, list_clicks, open_page, tile_clicks, time_clicks, timed
from cifar_core.runs import Run, read_predictions
from cifar_core.workspace import WORKSPACE_VARIABLE, Workspace
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]


@pytest.fixture(autouse=True)
def shown(shared: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app shows the workspace that the tests share."""
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(shared.root))


def test_the_clicks_that_are_timed_do_what_they_are_called(shared: Workspace, finished: Run) -> None:
    """The query parameters show what each click has changed."""
    queries: dict[str, list[dict[str, str]]] = {
        "filter": [],
        "sort": [],
        "page": [],
        "cell": [],
        "list": [],
        "view": [],
    }
    pages = (("misclassified", tile_clicks(), 8), ("confusion", cell_clicks(), 3), ("compare", list_clicks(), 4))
    for path, clicks, count in pages:
        app = open_page(path, finished.id)
        assert app.query_params["run"] == finished.id
        for kind, click in itertools.islice(clicks, count):
            assert timed(app, click) > 0
            queries[kind].append(dict(app.query_params))
    names = read_predictions(shared, finished.id).class_names
    assert [query.get("outcome", "mistakes") for query in queries["filter"]] == ["all", "correct", "mistakes"]
    assert len({query.get("sort") for query in queries["sort"]}) == 3
    assert [query["page"] for query in queries["page"]] == ["2", "3"]
    assert [(query["true"], query["predicted"]) for query in queries["cell"]] == [
        (names[0], names[i]) for i in (1, 2, 3)
    ]
    assert [query["verdict"] for query in queries["list"]] == ["broken", "both right"]
    assert [query["view"] for query in queries["view"]] == ["matrices", "classes"]


def test_each_kind_of_click_is_timed(finished: Run) -> None:
    times = time_clicks(finished.id, 12)
    counts = {"filter": 1, "page": 2, "sort": 1, "cell": 4, "list": 2, "view": 2}
    assert {kind: len(some) for kind, some in times.items()} == counts
