"""The one guard of everything here that replaces parts of Streamlit.

A `Patch` declares what it expects of Streamlit: the class, the parameters of the methods it replaces or calls, the
attributes it reads. It is applied only where all of them fit. Elsewhere Streamlit stays as it is, and the server's
log says once what differs and what is lost. `tests/pages/server/test_patches.py` reads the same declarations.
"""

import functools
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from pages.ui.server.internals import Absent

LOGGER = logging.getLogger(__name__)
Types = tuple[type, ...]


@dataclass(frozen=True)
class Patch:
    """What a change to Streamlit expects of it."""

    name: str  # what is changed, with its module
    lost: str  # what is lost where the patch does not fit, as the rest of a sentence
    of: type | ModuleType  # the class of the object that is changed, or the class or module itself that is changed
    sample: Callable[[], object]  # makes such an object, for the test; `of` where that itself is changed
    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> names of its parameters
    attributes: Mapping[str, Types] = field(default_factory=dict)  # name -> types of its value


def patch_differences(patch: Patch, target: object) -> list[str]:
    """Return a sentence for each part of `target` that is not as `patch` expects; none where it fits."""
    if patch.of is Absent:
        return [f"{patch.name} is not there any more."]
    if target is not patch.of and type(target) is not patch.of:
        return [f"An object of {patch.name} was expected, and it is one of {type(target).__qualname__}."]
    return [
        *_slot_differences(patch, target),
        *(
            line
            for name, expected in patch.methods.items()
            for line in _method_differences(patch, target, name, expected)
        ),
        *(
            line
            for name, types in patch.attributes.items()
            for line in _attribute_differences(patch, target, name, types)
        ),
    ]


def patch_fits(patch: Patch, target: object) -> bool:
    """Return whether `patch` may be applied to `target`; where not, say why in the server's log."""
    found = patch_differences(patch, target)
    if found:
        _log_once(f"This version of Streamlit is left as it is in one point, so {patch.lost}: {' '.join(found)}")
    return not found


def replace_classes(*replacements: tuple[Patch, object, type]) -> bool:
    """Give each object another class: all of them or, where one does not fit, none.

    The objects stay the same, because routes of the server hold them.

    Args:
        replacements: (patch, object, its new class, a subclass of the class it has).
    """
    # All are asked, so that the log names each one that does not fit.
    fitting = [patch_fits(patch, target) for patch, target, _ in replacements]
    if not all(fitting):
        return False
    for _, target, new_class in replacements:
        target.__class__ = new_class
    return True


def _slot_differences(patch: Patch, target: object) -> Iterator[str]:
    """An object with slots cannot be given another class."""
    if type(target) is patch.of and any(vars(each).get("__slots__") for each in type(target).__mro__):
        yield f"{patch.name} has __slots__ now."


def _method_differences(patch: Patch, target: object, name: str, expected: tuple[str, ...]) -> Iterator[str]:
    method: Any = getattr(patch.of, name, None)
    if not callable(method):
        yield f"{patch.name} has no method {name} any more."
        return
    found = tuple(inspect.signature(method).parameters)
    if found != expected:
        yield f"{patch.name}.{name} takes ({', '.join(found)}), not ({', '.join(expected)})."


def _attribute_differences(patch: Patch, target: object, name: str, types: Types) -> Iterator[str]:
    if not hasattr(target, name):
        declared = any(name in inspect.get_annotations(each) for each in type(target).__mro__)
        if not declared:  # a dataclass that the sample leaves empty
            yield f"{patch.name} has no attribute {name} any more."
    elif not isinstance(getattr(target, name), types):
        found = type(getattr(target, name)).__name__
        yield f"{patch.name}.{name} is of type {found}, not {' or '.join(each.__name__ for each in types)}."


@functools.cache
def _log_once(sentence: str) -> None:
    LOGGER.warning(sentence)
