"""Escaping, so that a person's text appears on the screen exactly as it was written.

Labels, captions, toasts, tooltips and every other text of Streamlit are Markdown, so names go through `escaped` and
errors, which quote names and have commands in backticks, through `escaped_sentence`. Options of select boxes are plain
text: they go through `single_line`. Text in charts is escaped by `cifar_core.figures`.
"""

import re

from cifar_core.text import one_line

MAX_TEXT_SHOWN = 200  # characters of a person's own text
MAX_SENTENCE_SHOWN = 2000  # characters of a message that may quote such text
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&\"'=^@])")
# Streamlit looks for these after Markdown has removed the backslashes; an invisible joiner inside hides them.
_ADDRESSES_AND_ICONS = re.compile(
    r"(?=://)|(?<=www)(?=\.)|(?<=\S)(?=@)|(?<=:)(?=material|streamlit|[\w-]*[a-z][\w-]*:|[+-]1:|100:|1234:)",
    re.IGNORECASE,
)
_ARROWS = re.compile(r"(?<!\S)([<>~-])(->|[=>-])(?!\S)")
_JOINER = "\u2060"
# Text between two single backticks, which Markdown shows as it is: nothing inside is read. What reaches into code is
# escaped instead: a bracket ends the label of a directive (`:small[...]`) there too, a bar ends the cell of a table,
# and in the names of icons Streamlit puts `_` for `/` before Markdown is read.
_CODE = re.compile(r"(?<!`)`(?=\S)((?:(?!:material/)[^`\[\]|])+)(?<=\S)`(?!`)")


def single_line(text: object, longest: int = MAX_TEXT_SHOWN) -> str:
    """Return a person's text on one line without control and direction marks, for places that do not read Markdown."""
    return one_line(text, longest)


def escaped(text: object, longest: int = MAX_TEXT_SHOWN) -> str:
    """Return a person's text so that Markdown shows it as it is, without links, pictures, icons, formulas or styles."""
    return _escaped(single_line(text, longest))


def escaped_sentence(text: object) -> str:
    """Return a message that may quote a person's text, such as an error, whole: what is in backticks as code.

    Everything else is escaped. Backticks of a person's text may make code of it too, and nothing more.
    """
    parts = _CODE.split(single_line(text, MAX_SENTENCE_SHOWN))  # outside, code, outside, ...
    return "".join(f"`{part}`" if number % 2 else _escaped(part) for number, part in enumerate(parts))


def _escaped(line: str) -> str:
    line = _ADDRESSES_AND_ICONS.sub(_JOINER, line)
    return _MARKDOWN.sub(r"\\\1", _ARROWS.sub(rf"\1{_JOINER}\2", line))
