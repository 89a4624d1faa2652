"""The glossary on a page: one button in the sidebar, found as one types."""

from cifar_core.evaluate import SCORES, TERMS
from cifar_core.workspace import Workspace
from tests.pages.support import OpenPage, said


def test_the_glossary_opens_on_a_page_and_finds(open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, "home")
    assert TERMS["recall"].help not in said(app)
    app.sidebar.button(key="frame_glossary").click().run()
    (dialog,) = app.get("dialog")
    assert len(dialog.markdown) == len(TERMS) + len(SCORES)
    assert all(words.value.startswith("**") for words in dialog.markdown), "the word that is looked for first"
    for find, shown, below in (
        ("how clearly", ["**Margin** · How clearly the first place won"], "Margin ="),
        ("<b>nothing</b>", [], "Nothing here says"),
    ):
        app.session_state["glossary_find"] = find  # what a person types; AppTest would rerun the page and close it
        app.sidebar.button(key="frame_glossary").click().run()
        (dialog,) = app.get("dialog")
        assert [words.value.partition("  \n")[0] for words in dialog.markdown] == shown
        assert dialog.caption[0].value.startswith(below)
    assert not app.exception
