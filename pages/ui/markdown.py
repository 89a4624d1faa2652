"""Text that people chose, on the screen exactly as it is: the one owner of what Streamlit would read in it.

Labels, captions, toasts, tooltips and every other text of Streamlit are Markdown: what goes into them goes through `escaped`
(names) or `escaped_sentence` (errors, which quote names). Options of select boxes are plain text: `single_line`.
Charts have an owner of their own, `cifar_core.figures`.
"""

import re

from cifar_core.text import one_line

MAX_TEXT_SHOWN = 200  # characters of a person's own text
MAX_SENTENCE_SHOWN = 2000  # characters of a sentence of ours that may quote one
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&\"'=^@])")
# What Streamlit looks for only after Markdown has taken the backslashes away; an invisible joiner inside keeps it hidden.
_ADDRESSES_AND_ICONS = re.compile(r"(?=://)|(?<=www)(?=\.)|(?<=\S)(?=@)|(?<=:)(?=material|streamlit)", re.IGNORECASE)
_ARROWS = re.compile(r"(?<!\S)([<>~-])(->|[=>-])(?!\S)")
_JOINER = "\u2060"


def single_line(text: object, longest: int = MAX_TEXT_SHOWN) -> str:
    """A person's text on one line, without control and direction marks; for places that do not read Markdown."""
    return one_line(text, longest)


def escaped(text: object, longest: int = MAX_TEXT_SHOWN) -> str:
    """A person's text for Markdown to show as it is: nothing in it is a link, a picture, an icon, a formula or a style."""
    line = _ADDRESSES_AND_ICONS.sub(_JOINER, single_line(text, longest))
    return _MARKDOWN.sub(r"\\\1", _ARROWS.sub(rf"\1{_JOINER}\2", line))


def escaped_sentence(text: object) -> str:
    """A sentence of ours that may quote a person's text, such as an error, whole and as it is."""
    return escaped(text, MAX_SENTENCE_SHOWN)
