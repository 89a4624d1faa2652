"""Tagging pictures: a button with a key for each of the latest words, a field for another one, Undo.

The icon of a button is not read out, so its label says as well which of the pictures have the word. Each press is one
note in the log of the dataset. What this session noted can be undone, the newest first.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from cifar_core.notes import LATEST, change_tags, clear_tag, set_tag, undo_note
from cifar_core.runs import Run
from cifar_core.text import natural_key
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors_as_toast, show_warnings
from pages.ui.markdown import escaped
from pages.ui.server.access import current_person
from pages.ui.tags.known_tags import KnownTags, load_tags
from pages.ui.url_state import current_visit

_ALL, _SOME, _NONE = ":material/check_box:", ":material/indeterminate_check_box:", ":material/check_box_outline_blank:"

_MOST_OTHERS = 9  # words that have no key
_FEW, _TWO_ROWS = 4, 108  # words that take one row on most screens; screen pixels
_SHORT_WORD = 24  # characters, where all words with a key stand in two lines
_KEY_PRESSED = "tag_key_pressed"  # session: the visit to a page during which a key tagged the picture with the focus


@dataclass(frozen=True)
class Tagged:
    """The pictures that a press tags."""

    workspace: Workspace
    fingerprint: str  # of their dataset
    ids: frozenset[str]

    @property
    def known(self) -> KnownTags:
        """The tags of all pictures of the dataset."""
        return load_tags(self.workspace, self.fingerprint)

    @property
    def undo_key(self) -> str:
        """Session key of the notes of this session, the newest last."""
        return f"tag_notes_{self.fingerprint}"


def pictures_to_tag(workspace: Workspace, run: Run, ids: Collection[str]) -> Tagged:
    """Return some test pictures of a run, which has opened its dataset."""
    assert run.dataset is not None
    return Tagged(workspace, run.dataset.fingerprint, frozenset(ids))


def show_tag_buttons(pictures: Tagged, prefix: str, *, with_keys: bool = True, low: bool = False) -> None:
    """Show the row of buttons.

    Args:
        pictures: what they tag.
        prefix: of the widget keys.
        with_keys: whether the keys 1 to 9 press them; at one place of a page at a time.
        low: whether more than two rows of them scroll.
    """
    known = pictures.known
    given = Counter(word for name in pictures.ids for word in known.words.get(name, ()))
    words = [*known.latest, *sorted(given.keys() - set(known.latest), key=natural_key)[:_MOST_OTHERS]]
    height: int | Literal["content"] = _TWO_ROWS if low and len(words) > _FEW else "content"
    with st.container(height=height, border=False, horizontal=True, vertical_alignment="center", gap="small"):
        st.text_input(
            "Tag",
            key=f"{prefix}_new_tag",
            placeholder="Tag: a word, Enter",
            icon=":material/label:",
            width=190,
            label_visibility="collapsed",
            on_change=_give_typed,
            args=(pictures, f"{prefix}_new_tag"),
        )
        for number, word in enumerate(words, start=1):
            st.button(
                f"{escaped(word)}{_given_words(given[word], len(pictures.ids))}",
                icon=_ALL if given[word] == len(pictures.ids) else _SOME if given[word] else _NONE,
                type="tertiary",
                shortcut=str(number) if with_keys and number <= len(known.latest) else None,
                key=f"{prefix}_tag_{number}",
                on_click=_change_tag,
                args=(pictures, word, given[word] < len(pictures.ids)),
                help="Take this tag away" if given[word] == len(pictures.ids) else "Give this tag",
            )
        _show_undo(pictures, prefix)
    show_warnings(known.problems, small=True)


def key_pressed() -> bool:
    """Whether a key has tagged the picture with the focus since the person came to this page."""
    return bool(st.session_state.get(_KEY_PRESSED) == current_visit())


def show_tag_keys(pictures: Tagged, prefix: str) -> None:
    """Show which key gives which word, and Undo, where the buttons are not there."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _show_undo(pictures, prefix)
        latest = enumerate(pictures.known.latest, start=1)
        keys = ", ".join(f"**{number}** {escaped(word, _SHORT_WORD)}" for number, word in latest)
        st.markdown(f":small[Keys: {keys}]", width="stretch")


def _change_tag(pictures: Tagged, word: str, give: bool) -> None:
    """Give a word to the pictures, or take it away; for a callback.

    Which of both was decided by what the page showed: another browser may have given the same word meanwhile, and
    giving it again must not take it away.
    """
    with show_errors_as_toast():
        words, person = pictures.known.words, current_person()
        changed = [name for name in pictures.ids if (word in words.get(name, ())) != give]
        if changed:
            change, made = set_tag if give else clear_tag, st.session_state.setdefault(pictures.undo_key, [])
            # No access to the session from here on, where a quick next press could end this callback.
            made.append(change(pictures.workspace, pictures.fingerprint, changed, word, person).key)


def press_tag_key(pictures: Tagged, number: int, shown: Collection[str]) -> None:
    """Do what the key of a word does, for a callback.

    Args:
        pictures: the one with the focus.
        number: of the key, 1 to 9.
        shown: the words that the page showed of it.
    """
    latest = pictures.known.latest
    if number <= len(latest):
        st.session_state[_KEY_PRESSED] = current_visit()
        _change_tag(pictures, latest[number - 1], latest[number - 1] not in shown)
    else:
        st.toast(
            f"No tag has the key {number} yet. Open the picture, or select some, and type a word: "
            f"the {LATEST} latest have the keys 1 to {LATEST}.",
            icon=":material/label:",
        )


def _give_typed(pictures: Tagged, key: str) -> None:
    """Give the word in the field to all of the pictures; where it breaks a rule, it stays in the field."""
    typed = st.session_state[key].strip()
    if not typed:
        return
    with show_errors_as_toast():
        note = change_tags(pictures.workspace, pictures.fingerprint, current_person(), add={typed: pictures.ids})
        st.session_state.setdefault(pictures.undo_key, []).append(note.key)
        st.session_state[key] = ""


def _show_undo(pictures: Tagged, prefix: str) -> None:
    if st.session_state.get(pictures.undo_key):
        st.button(
            "Undo tag",
            icon=":material/undo:",
            type="tertiary",
            key=f"{prefix}_undo_tag",
            on_click=_undo,
            args=(pictures,),
        )


def _undo(pictures: Tagged) -> None:
    with show_errors_as_toast():
        made = st.session_state[pictures.undo_key]
        undo_note(pictures.workspace, pictures.fingerprint, current_person(), made[-1])
        made.pop()


def _given_words(given: int, whole: int) -> str:
    """Return how many of the pictures have a word, as it stands behind the word; empty for none."""
    if not given:
        return ""
    if whole == 1:
        return " :small[(given)]"
    return f" :small[(all {whole:,})]" if given == whole else f" :small[({given:,} of {whole:,})]"
