"""The one table of the words on the screens that are no score of a picture, and the glossary of all words.

What stands behind the "?" of a number of a whole split comes from here too. Of a setting, the table of hyperparameters
says what it is. Each module has the words of one subject.
"""

from cifar_core.evaluate.scores import SCORES
from cifar_core.evaluate.terms import measured, pictures, servers, sweeps, training, trust
from cifar_core.evaluate.terms.term import Term

_SUBJECTS = (measured, trust, training, pictures, sweeps, servers)
TERMS: dict[str, Term] = {name: term for subject in _SUBJECTS for name, term in subject.TERMS.items()}


def glossary() -> list[Term]:
    """Every term and every score, in the order of their titles."""
    scores = [Term(score.title, score.plain, score.help, score.formula) for score in SCORES.values()]
    return sorted([*TERMS.values(), *scores], key=lambda term: term.title.casefold())


def find_terms(words: str) -> list[Term]:
    """The terms of the glossary with all of these words in them: first where the title has them, then plain words."""
    wanted = words.casefold().split()

    def has_all(text: str) -> bool:
        return all(word in text.casefold() for word in wanted)

    found = [term for term in glossary() if has_all(f"{term.title} {term.plain} {term.help} {term.formula}")]
    return sorted(found, key=lambda term: (not has_all(term.title), not has_all(term.plain)))
