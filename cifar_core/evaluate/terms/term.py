"""A word of the glossary."""

from dataclasses import dataclass

from cifar_core.config import spec_of


@dataclass(frozen=True)
class Term:
    """A word of the field: in a student's words, and as the field says it."""

    title: str  # as the screens have it
    plain: str  # what a student would call it
    help: str  # what it means, as whole sentences
    formula: str = ""  # "" where it is no number


def of_setting(name: str, plain: str) -> Term:
    """The word for a setting, whose help the table of hyperparameters has."""
    spec = spec_of(name)
    return Term(spec.label, plain, spec.help)
