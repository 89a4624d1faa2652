"""Text of people in Markdown: the characters come out as they went in. What the browser makes of it: tests/e2e."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cifar_core.text import one_line
from pages.ui.markdown import MAX_TEXT_SHOWN, escaped, escaped_sentence, single_line

JOINER = "\u2060"


def unescaped(text: str) -> str:
    """What Markdown leaves of escaped text, without the invisible joiners."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text).replace(JOINER, "")


@given(some.text(max_size=300))
def test_nothing_is_lost(text: str) -> None:
    assert unescaped(escaped(text)) == one_line(text.replace(JOINER, " "), MAX_TEXT_SHOWN)


@given(some.text(alphabet="a1 .:/@<>-=~_*[]()!`$#\\&|", max_size=60))
def test_nothing_is_left_that_markdown_reads(text: str) -> None:
    shown = escaped(text)
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_`\[\]<>$:!~#&|]", re.sub(r"\\[^\w\s]", "", shown))


@pytest.mark.parametrize(
    "text",
    [
        "a -> b",
        "->",
        "<-",
        "a <-> b",
        "x -- y",
        "a >= b",
        "a <= b",
        "a ~= b",
        "http://a.b",
        "www.a.b",
        "WWW.a.b",
        "a@b.c",
        ":material/home:",
        ":material_home:",
        ":streamlit:",
        ":smile: :+1: :100:",
        ":man_in_tuxedo:",
        ":e-mail: :t-rex: :non-potable_water:",
    ],
)
def test_what_streamlit_would_find_later_is_split(text: str) -> None:
    later = [
        r"(?:^|\s)(?:<->|->|<-|--|>=|<=|~=)(?:\s|$)",
        r"https?://|www\.",
        r"[-.\w+]@[-\w]+\.",
        r":material[_/]\w+:",
        ":streamlit:",
        r":([\w-]*[a-z][\w-]*|[+-]1|100):",  # names of emoji
    ]
    shown = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped(text))
    assert not any(re.search(pattern, shown, re.IGNORECASE) for pattern in later)
    assert shown.replace(JOINER, "") == text


PIECES = [
    "`",
    "`",
    "``",
    "a",
    " ",
    "\\",
    "[",
    "]",
    "|",
    "*",
    "$x$",
    "<b>",
    "&amp;",
    ":red[",
    ":material/home:",
    "www.a.b",
]


@given(some.lists(some.sampled_from(PIECES), max_size=12).map("".join) | some.text(max_size=100))
def test_of_a_sentence_at_most_code_is_left_and_all_of_its_text(text: str) -> None:
    shown = escaped_sentence(text)
    parts = re.findall(r"`[^`]*`|(?:\\.|[^`\\])+", shown)  # as Markdown reads it: code, or text with its escapes
    assert "".join(parts) == shown, "no backtick stands alone"
    codes = [part for part in parts if part.startswith("`")]
    assert not any(first[0] == second[0] == "`" for first, second in itertools.pairwise(parts)), "each has its own ends"
    assert not any(re.search(r"[\[\]|]|^` | `$|^``$|:material/", code) for code in codes), "these reach into code"
    others = [part for part in parts if part not in codes]
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_`\[\]<>$:!~#&|]", re.sub(r"\\[^\w\s]", "", "\0".join(others)))
    whole = "".join(part if part in codes else unescaped(part) for part in parts)
    assert whole.replace(JOINER, " ").split() == one_line(text.replace(JOINER, " "), 2000).split()


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (
            "It is absent: `make install EXTRAS=cluster` gets it.",
            "It is absent\\: `make install EXTRAS=cluster` gets it\\.",
        ),
        ("`:streamlit:` `$x$` `<b>` `www.a.b`", "`:streamlit:` `$x$` `<b>` `www.a.b`"),
        ("`:material/home:`", f"\\`\\:{JOINER}material/home\\:\\`"),
        ("`a\\` *b*", "`a\\` \\*b\\*"),
        ("'it`s' here: `runs list` shows", r"\'it\`s\' here\: `runs list` shows"),
        ("``` `` ` `a``b`", r"\`\`\` \`\` \` \`a\`\`b\`"),
        ("`a]` `b[0]` `c|d`", r"\`a\]\` \`b\[0\]\` \`c\|d\`"),
        ("`two\nlines`", "`two lines`"),
    ],
)
def test_what_a_message_has_in_backticks_is_code(told: str, shown: str) -> None:
    assert escaped_sentence(told) == shown


def test_a_name_is_no_code() -> None:
    assert escaped("`a`") == r"\`a\`"


def test_ordinary_text_stays_as_it_is() -> None:
    assert escaped("run quiet otter, second try") == "run quiet otter, second try"
    assert single_line("a < b") == "a < b"


def test_a_sentence_is_not_cut_where_a_name_is() -> None:
    told = "The pictures cannot be read: " + "very " * 60 + "long"
    assert escaped_sentence(told) == escaped(told, 2000)
    assert "long" in escaped_sentence(told)
    assert escaped(told).endswith("…")
