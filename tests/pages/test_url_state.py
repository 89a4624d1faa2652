"""Who counts, a widget or the URL: a person's press, a link, a step back, and a URL that the browser sent too early."""

import random
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pages.ui import url_state
from pages.ui.url_state import (
    UrlParameter,
    give_first,
    note_page,
    number_range,
    one_of,
    url_to_widgets,
    widgets_to_url,
)

EPOCHS = {"epoch": one_of(range(1, 100), 9), "sort": one_of(["loss", "margin"], "loss")}


class Query(dict[str, list[str]]):
    """`st.query_params` as far as it is used."""

    def get_all(self, name: str) -> list[str]:
        return self.get(name, [])

    def from_dict(self, content: dict[str, list[str]]) -> None:
        self.clear()
        self.update(content)


class Session:
    """A session of Streamlit whose reruns a test makes."""

    def __init__(self, streamlit: Any) -> None:
        self._streamlit = streamlit
        self.state: dict[str, Any] = streamlit.session_state
        self.is_step_back = False

    def rerun(
        self,
        sent: dict[str, str] | None = None,
        parameters: dict[str, UrlParameter] | None = None,
        *,
        subject: str = "run",
        **pressed: Any,
    ) -> dict[str, str]:
        """Rerun with what the browser sends as its URL and what was pressed; return the URL after it."""
        query, chosen = self._streamlit.query_params, parameters or EPOCHS
        query.from_dict({name: [text] for name, text in (sent or {}).items()})
        self.state.update({f"page_{name}": value for name, value in pressed.items()})
        url_to_widgets("page", chosen, subject)
        widgets_to_url("page", chosen)
        return {name: texts[0] for name, texts in query.items()}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    streamlit = SimpleNamespace(session_state={}, query_params=Query())
    made = Session(streamlit)
    monkeypatch.setattr(url_state, "st", streamlit)
    monkeypatch.setattr(url_state, "is_step_back", lambda: made.is_step_back)
    yield made


def test_quick_presses_all_count_however_late_the_browser_learns_its_url(session: Session) -> None:
    for seed in range(200):
        rng, known = random.Random(seed), 0  # the newest URL that the browser has
        session.state.clear()
        urls = [session.rerun({})]
        for epoch in range(1, 9):
            known = rng.randrange(known, len(urls))
            urls.append(session.rerun(urls[known], epoch=epoch))
            assert urls[-1] == {"epoch": str(epoch)}
        known = rng.randrange(known, len(urls))
        assert session.rerun(urls[known], sort="margin") == {"epoch": "8", "sort": "margin"}


def test_a_link_is_followed_and_an_url_that_makes_no_sense_is_not(session: Session) -> None:
    session.rerun({"epoch": "3"})
    assert session.state["page_epoch"] == 3
    assert session.rerun({"epoch": "4", "sort": "margin"}) == {"epoch": "4", "sort": "margin"}
    assert session.rerun({"epoch": "five", "sort": "margin"}) == {"sort": "margin"}
    assert session.state["page_epoch"] == 9


def test_a_step_back_goes_to_an_url_that_was_replaced_a_moment_ago(session: Session) -> None:
    session.rerun({})
    session.rerun({}, epoch=3)
    session.rerun({"epoch": "3"}, epoch=4)
    session.is_step_back = True
    assert session.rerun({"epoch": "3"}) == {"epoch": "3"}
    assert session.rerun({}) == {}
    assert session.state["page_epoch"] == 9


def test_a_link_to_an_older_url_is_followed_once_the_browser_has_the_new_one(session: Session) -> None:
    session.rerun({})
    session.rerun({}, epoch=3)
    assert session.rerun({}) == {"epoch": "3"}, "an echo"
    session.rerun({"epoch": "3"})
    assert session.rerun({}) == {}, "a link"


def test_what_is_not_drawn_keeps_its_value_and_another_subject_reads_the_url(session: Session) -> None:
    session.rerun({})
    session.rerun({}, epoch=3)
    del session.state["page_epoch"]  # as Streamlit does in a folded panel
    assert session.rerun({}, sort="margin") == {"epoch": "3", "sort": "margin"}
    few = {"epoch": one_of([1, 2], 2), "sort": EPOCHS["sort"]}
    assert session.rerun({"epoch": "3", "sort": "margin"}, few, subject="other") == {"sort": "margin"}
    assert session.state["page_epoch"] == 2


def test_a_range_follows_its_limits(session: Session) -> None:
    """What kept everything goes on keeping everything; an end that cut stays, as far as it can."""
    wide, narrow, far = ({"loss": number_range(low, high)} for low, high in ((0.0, 7.8), (0.5, 3.0), (4.0, 9.0)))
    session.rerun({}, wide)
    for limits in (narrow, far, wide):
        assert session.rerun({}, limits) == {}
        assert session.state["page_loss"] == limits["loss"].default
    sent = session.rerun({}, wide, loss=(2.0, 7.8))
    assert sent == {"loss": "2~"}
    assert session.rerun(sent, far) == {}
    assert session.rerun(sent, narrow, loss=(0.5, 1.0)) == {"loss": "~1"}
    assert session.rerun({"loss": "2~28"}, wide, subject="other") == {"loss": "2~"}, "a link from an older version"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5~2", (0.5, 2.0)),
        ("2~0.5", (0.5, 2.0)),
        ("~2", (0.0, 2.0)),
        ("2~", (2.0, 7.8)),
        ("2~28", (2.0, 7.8)),
        ("-5~99", (0.0, 7.8)),
        ("9~10", (7.8, 7.8)),
        ("~", (0.0, 7.8)),
    ],
)
def test_ranges_in_an_url(text: str, value: tuple[float, float]) -> None:
    parameter = number_range(0.0, 7.8)
    assert parameter.read([text]) == value
    assert parameter.read(parameter.write(value)) == value


@pytest.mark.parametrize("text", ["", "2", "1~2~3", "a~b", "nan~1", "1~inf"])
def test_texts_that_are_no_range(text: str) -> None:
    with pytest.raises(ValueError):
        number_range(0.0, 7.8).read([text])


def test_a_required_choice_that_comes_empty_stays_as_it_was(session: Session) -> None:
    address = session.rerun(session.rerun(), sort="margin")
    assert session.rerun(address, sort=None) == {"sort": "margin"}
    assert session.state["page_sort"] == "margin"


def test_what_the_browser_has_not_sent_is_given_again(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A click before a widget is drawn ends the run that told the browser its value."""
    sets: list[tuple[str, Any]] = []

    class Noting(dict[str, Any]):
        def __setitem__(self, key: str, value: Any) -> None:
            sets.append((key, value))
            super().__setitem__(key, value)

    monkeypatch.setattr(session._streamlit, "session_state", state := Noting())
    sent: set[str] = set()
    monkeypatch.setattr(url_state, "not_sent", lambda keys: {*keys} - sent)
    note_page("page")
    give_first("preset", "quick")
    give_first("preset", "default")
    state["typed"] = 1
    sets.clear()
    note_page("page")
    assert ("preset", "quick") in sets and ("typed", 1) not in sets
    state["preset"] = "accurate"  # it was drawn, and chosen
    sent.add("preset")
    for page in ("page", "page", "another"):
        sets.clear()
        note_page(page)
        assert "preset" not in [key for key, _ in sets]
