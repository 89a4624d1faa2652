"""The glossary: it has every term and score once, in plain words first, and is found by any of its words."""

from cifar_core.config import spec_of
from cifar_core.evaluate import SCORES, TERMS, find_terms, glossary


def test_every_term_is_complete_and_stands_once() -> None:
    terms = glossary()
    assert len({term.title.casefold() for term in terms}) == len(terms) == len(TERMS) + len(SCORES)
    assert len({term.plain.casefold() for term in terms}) == len(terms)
    for term in terms:
        assert term.help.endswith(".") and not term.plain.endswith("."), term.title
        assert term.plain.casefold() != term.title.casefold(), "a student's words are not the term"
    assert TERMS["seed"].help == spec_of("seed").help, "one owner for what a setting is"


def test_it_is_found_by_its_words() -> None:
    assert find_terms("") == find_terms("  ")
    assert set(find_terms("")) == set(glossary())
    assert find_terms("RECALL")[0] == TERMS["recall"], "the term itself before those that speak of it"
    assert TERMS["f1"] in find_terms("recall")
    assert find_terms("how sure")[0].title == "Confidence", "plain words before what the sentences say"
    assert [term.title for term in find_terms("Wilson")] == ["Confidence interval, 95 %"]
    assert [term.title for term in find_terms("2.3 guess")] == ["Loss"]
    assert find_terms("no such word") == []
