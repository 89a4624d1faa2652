"""Machines with other fonts than this one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cifar_core.export import fonts


@pytest.fixture
def fonts_only_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`fonts_only_in(*folders)`: the fonts of the machine are those in these folders."""

    def forget() -> None:
        fonts._font_files.cache_clear()
        fonts.fonts_for.cache_clear()

    def installed(*folders: Path | str) -> None:
        monkeypatch.setattr(fonts, "_FOLDERS", tuple(map(str, folders)))
        forget()

    forget()
    yield installed
    forget()
