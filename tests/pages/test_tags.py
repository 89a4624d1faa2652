"""Tags on the pages: given to the selected pictures and to the open one, filtered, counted, exported, undone."""

import io
import shutil
from pathlib import Path
from urllib.parse import parse_qs

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.notes import clear_tag, notes_path, read_tags, set_tag
from cifar_core.runs import Run
from cifar_core.workspace import Workspace, open_workspace
from pages.ui.understand.prediction_download import _make_file
from tests.pages.support import OpenPage, said, shown_grid

NASTY = "<b>odd</b> *one*"


def current_visit_of(app: AppTest) -> int:
    return int(app.session_state["url_visit"])


def give(app: AppTest, word: str, prefix: str = "misclassified") -> None:
    app.text_input(key=f"{prefix}_new_tag").set_value(word).run()
    assert not app.exception


def test_pictures_are_tagged_filtered_exported_and_given_back(
    open_page: OpenPage, finished: Run, shared: Workspace, tmp_path: Path
) -> None:
    workspace = open_workspace(tmp_path / "copy")
    for ours, theirs in ((workspace.data, shared.data), (workspace.runs, shared.runs)):
        shutil.copytree(theirs, ours, dirs_exist_ok=True)
    assert finished.dataset is not None
    fingerprint = finished.dataset.fingerprint
    app = open_page(workspace, "misclassified", run=finished.id, per_pair="1")
    count = len(shown_grid(app)["keys"])
    app.button(key="misclassified_this page").click().run()
    give(app, NASTY)
    assert set(read_tags(workspace, fingerprint)) == set(shown_grid(app)["keys"])
    assert all(caption.endswith(f"tagged {NASTY}") for caption in shown_grid(app)["captions"])
    assert app.text_input(key="misclassified_new_tag").value == ""
    assert app.button(key="misclassified_tag_1").label.endswith(f"(all {count})]"), "the icon alone is not read out"
    give(app, "a;b")
    assert "no semicolon" in app.toast[0].value and app.text_input(key="misclassified_new_tag").value == "a;b"
    give(app, "")

    app.button(key="misclassified_clear").click().run()
    first, second = shown_grid(app)["keys"][:2]
    app.query_params["image"] = first  # as a click on its tile does
    app.run()
    give(app, "second", "misclassified_played_epoch")
    assert app.button(key="misclassified_played_epoch_tag_1").label.endswith("(given)]")
    set_tag(workspace, fingerprint, [first], "third", "")
    clear_tag(workspace, fingerprint, [first], NASTY, "")  # another browser, which this page does not show yet
    notes = notes_path(workspace, fingerprint).read_bytes()
    app.button(key="misclassified_played_epoch_tag_1").click().run()
    assert notes_path(workspace, fingerprint).read_bytes() == notes, "taken away twice is taken away, not given"
    clear_tag(workspace, fingerprint, [first], "third", "")
    assert read_tags(workspace, fingerprint)[first] == ("second",) and len(read_tags(workspace, fingerprint)) == count
    app.query_params["image"] = ""
    assert "Keys:" not in said(app)
    app.session_state["tag_key_pressed"] = current_visit_of(app)  # as when a key tags the picture with the focus
    assert "Keys: **1** " in said(app.run()) and "misclassified_undo_tag" in [button.key for button in app.button]

    app.button(key="misclassified_fold").click().run()
    pills = app.button_group(key="misclassified_tags")
    assert [option.content.replace("\\", "") for option in pills.proto.options] == [
        f"{NASTY} ({count - 1})",
        "second (1)",
    ]
    pills.set_value([NASTY]).run()
    assert app.query_params["tags"] == NASTY and second in shown_grid(app)["keys"] != []
    assert len(shown_grid(app)["keys"]) == count - 1 and f"**{count - 1}** of" in said(app)
    table = pd.read_csv(io.BytesIO(_make_file(workspace, finished, 2, "CSV")), keep_default_na=False)
    assert table.set_index("id")["tags"][[first, second]].tolist() == ["second", NASTY]
    app.button(key="misclassified_lift_tags").click().run()
    assert "tags" not in app.query_params

    app.button(key="misclassified_this page").click().run()
    assert app.button(key="misclassified_tag_2").label.startswith("second :small[(1 of ")
    for _ in range(2):
        app.button(key="misclassified_undo_tag").click().run()
    assert read_tags(workspace, fingerprint) == {}
    assert "misclassified_undo_tag" not in [button.key for button in app.button]
    notes_path(workspace, fingerprint).write_bytes(b"x" * 10)
    assert "was skipped" in said(app.run()), "and the page goes on"


def test_the_data_page_imports_and_counts_tags_and_leads_to_their_pictures(
    open_page: OpenPage, finished: Run, shared: Workspace, request: pytest.FixtureRequest
) -> None:
    assert finished.dataset is not None
    fingerprint = finished.dataset.fingerprint
    request.addfinalizer(lambda: notes_path(shared, fingerprint).unlink(missing_ok=True))
    app = open_page(shared, "data", dataset="tiny", view="Tags")
    assert "No picture has a tag yet" in said(app) and app.button_group(key="data_view").value == "Tags"
    content = f"id,tag\ntest/00001.png,a&b\ntest/00002.png,{NASTY}\n".encode()
    app.file_uploader[-1].upload("tags.csv", content).run()
    assert not app.exception and "2 new tags imported" in said(app)
    (link,) = (each.proto for each in app.get("page_link") if "tagged" in each.proto.label)
    assert parse_qs(link.query_string)["tags"] == [NASTY, "a&b"] and finished.id in link.query_string
    set_tag(shared, fingerprint, ["test/00001.png"], "of another browser", "")
    app.file_uploader[-1].upload("tags.csv", content).run()
    assert "Nothing is new" in said(app)
    app.button(key="data_tags_undo").click().run()
    assert read_tags(shared, fingerprint) == {"test/00001.png": ("of another browser",)}
