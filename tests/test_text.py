"""Text that people typed: what of it can be shown, and on one line."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cifar_core.text import (
    can_be_shown,
    clock,
    counted,
    did_you_mean,
    is_device_name,
    natural_key,
    one_line,
    range_words,
    some_lines,
    times_in_100,
    whole_percent,
)


@pytest.mark.parametrize("text", ["quiet otter", "Ünïcödé 猫 עברית", "👩‍🔬🔬", "<b>&\"'", ""])
def test_what_can_be_seen_can_be_shown(text: str) -> None:
    assert can_be_shown(text)
    assert one_line(text) == text


@pytest.mark.parametrize(
    "char", ["\n", "\t", "\0", "\x1b", "\x7f", "\u202e", "\u200f", "\u2066", "\ufeff", "\ud800", "\u2028"]
)
def test_what_cannot_be_seen_becomes_a_space(char: str) -> None:
    assert not can_be_shown(f"a{char}b")
    assert one_line(f"{char}a{char}{char}b{char}") == "a b"


@given(some.text(), some.integers(1, 50))
def test_one_line_is_short_and_all_of_it_can_be_shown(text: str, longest: int) -> None:
    line = one_line(text, longest)
    assert len(line) <= longest
    assert can_be_shown(line)
    line.encode("utf-8")


def test_what_is_cut_says_so() -> None:
    assert one_line("x" * 10_000_000, 10) == "x" * 9 + "…"
    assert one_line(" " * 10_000 + "x", 10).endswith("…"), "the end was not read"
    assert one_line("x" * 10, 10) == "x" * 10


def test_lines_stay_lines() -> None:
    assert some_lines("a\u202e b\r\nc\0", 20) == "a b\nc"
    assert some_lines("x\n" * 10_000_000, 7) == "x\nx\nx\n…"


@pytest.mark.parametrize("text", ["con", "NUL", "Aux.txt", "lpt0", "com9.tar.gz", "prn "])
def test_names_that_windows_reserves(text: str) -> None:
    assert is_device_name(text)


@pytest.mark.parametrize("text", ["", "cons", "com", "com10", "my-nul", "a.con", "lpt"])
def test_names_like_them_are_free(text: str) -> None:
    assert not is_device_name(text)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "…"), (-1, "0:00"), (31.4, "0:31"), (59.6, "1:00"), (725, "12:05"), (9000, "2:30:00")]
)
def test_a_clock(seconds: float | None, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("typed", "suggestion"),
    [("qick", " (did you mean 'Quick'?)"), ("QUICK", " (did you mean 'Quick'?)"), ("zzz", ""), ("", "")],
)
def test_the_nearest_name_is_offered_whatever_its_case(typed: str, suggestion: str) -> None:
    assert did_you_mean(typed, ["Quick", "standard"]) == suggestion


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.001, "<1 %"), (0.006, "1 %"), (0.5, "50 %"), (0.98, "98 %"), (0.996, ">99 %"), (1, "100 %")],
)
def test_only_a_true_0_or_1_reads_0_or_100_percent(share: float, text: str) -> None:
    assert whole_percent(share) == text


@pytest.mark.parametrize(
    "ordered",
    [
        ["img2", "IMG3", "img10"],
        [str(number) for number in range(13)],
        ["a", "A1", "a1b", "a2", "b"],
        ["07", "7", "8"],
        ["x²", "x³"],
        ["٢", "10", "١١", "１２"],
        ["", "0", "9" * 10_000, "1" + "0" * 10_000],
        ["Straße 2", "STRASSE 10", "strasze"],
        ["cafe\u0301 1", "café 2", "cafe\u0301 10"],
        ["猫", "\ud800"],
    ],
)
def test_names_in_natural_order(ordered: list[str]) -> None:
    for given_order in (ordered[::-1], sorted(ordered)):
        assert sorted(given_order, key=natural_key) == ordered


# Mostly letters whose case, digits or composition matter.
_names = some.text(some.sampled_from("aAßſé\u0301İ019٣²४ ") | some.characters(), max_size=8)


@given(some.lists(_names, max_size=8))
def test_the_natural_order_is_total_and_ignores_the_order_given(names: list[str]) -> None:
    ordered = sorted(names, key=natural_key)
    other_way = names[::-1]
    assert ordered == sorted(other_way, key=natural_key)
    assert len({natural_key(name) for name in names}) == len(set(names))


@given(some.text("aßπжé", max_size=5), some.integers(0, 10**30), some.integers(0, 10**30))
def test_numbers_after_the_same_letters_are_in_their_own_order(letters: str, first: int, second: int) -> None:
    start = letters + "x"
    assert (natural_key(f"{start}{first}") < natural_key(f"{start.upper()}{second}")) or first >= second


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (40, 60, "40 to 60 s"),
        (41.2, 58.9, "40 to 60 s"),
        (60, 60, "about 60 s"),
        (59, 61, "55 to 60 s"),
        (0.2, 0.9, "under 5 s"),
        (3, 5, "under 5 s"),
        (3.4, 6.2, "3 to 7 s"),
        (0.4, 6.2, "under 7 s"),
        (12, 17, "10 to 20 s"),
        (61, 119, "1 to 2 min"),
        (2, 170, "under 3 min"),
        (18, 121, "15 s to 2 min"),
        (700, 6000, "11 min to 2 h"),
        (80, 95, "1 to 2 min"),
        (125, 145, "2 to 2.5 min"),
        (1800, 2100, "30 to 35 min"),
        (5401, 9000, "1.5 to 2.5 h"),
        (3.6e6, 7.2e6, "1,000 to 2,000 h"),
    ],
)
def test_a_range_of_time_reads_as_people_say_it(low: float, high: float, words: str) -> None:
    assert range_words(low, high) == words


@given(low=some.floats(0, 1e6), more=some.floats(0, 1e6))
def test_the_words_of_a_range_hold_what_the_numbers_hold(low: float, more: float) -> None:
    high = low + more
    words = range_words(low, high)
    numbers = [float(item.replace(",", "")) for item in re.findall(r"[\d.,]*\d", words)]
    units = [{"s": 1, "min": 60, "h": 3600}[item] for item in re.findall(r"[a-z]+", words) if item in ("s", "min", "h")]
    least = numbers[0] * units[0] if "under" not in words else 0.0
    most = numbers[-1] * units[-1]
    assert least <= 1.05 * low + 0.1 and high <= 1.05 * most + 0.1
    assert least < most or "about" in words
    assert most <= max(5.0, 2 * high) and least >= (0.0 if "under" in words else low / 2), "nothing is exaggerated"


def test_a_noun_takes_the_ending_of_its_sound() -> None:
    assert [counted(2, noun) for noun in ("run", "class", "batch", "epoch")] == [
        "2 runs",
        "2 classes",
        "2 batches",
        "2 epochs",
    ]


@pytest.mark.parametrize(
    ("count", "n", "words"),
    [
        (76, 100, "76 times in 100"),
        (1, 100, "1 time in 100"),
        (5, 5, "100 times in 100"),
        (0, 5, "0 times in 100"),
        (299, 300, "more than 99 times in 100"),
        (1, 300, "less than once in 100"),
    ],
)
def test_only_all_and_none_are_called_so_in_a_hundred(count: int, n: int, words: str) -> None:
    assert times_in_100(count, n) == words
