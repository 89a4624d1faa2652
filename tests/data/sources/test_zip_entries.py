"""The compact directory of a zip gives back what `zipfile` has read."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from cifar_core.data.sources.zip_entries import ZipEntries

SHOWN = (
    "orig_filename",
    "filename",
    "header_offset",
    "compress_size",
    "file_size",
    "CRC",
    "compress_type",
    "flag_bits",
)
NAMES = some.lists(some.text(some.characters(codec="utf-8", exclude_characters="\0"), min_size=1), unique=True)


@given(NAMES, some.binary(max_size=50), some.booleans())
def test_each_entry_is_as_it_was_and_can_be_read(names: list[str], content: bytes, deflated: bool) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED) as archive:
        for number, name in enumerate(names):
            archive.writestr(name, content * number)
    with zipfile.ZipFile(packed) as archive:
        infos = archive.infolist()
        entries = ZipEntries(infos)
        assert len(entries) == len(names) and entries.total_bytes == len(content) * sum(range(len(names)))
        for info, entry in zip(infos, entries, strict=True):
            assert [getattr(entry, field) for field in SHOWN] == [getattr(info, field) for field in SHOWN]
        assert [archive.read(entry) for entry in entries] == [content * number for number in range(len(names))]


@pytest.fixture
def infos() -> list[zipfile.ZipInfo]:
    """Those of three files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in "abc":
            archive.writestr(name, b"")
        return archive.infolist()


def test_it_is_a_sequence(infos: list[zipfile.ZipInfo]) -> None:
    entries = ZipEntries(infos)
    assert [entry.filename for entry in entries[1:]] == ["b", "c"] and entries[-1].filename == "c"
    with pytest.raises(IndexError):
        entries[3]
    entries.keep(np.array([True, False, True]))
    assert [entry.filename for entry in entries] == ["a", "c"]
    entries.keep(np.array([False, False]))
    assert not entries and not ZipEntries([])


def test_sizes_that_a_zip_makes_up_are_kept_as_they_are(infos: list[zipfile.ZipInfo]) -> None:
    for info in infos:
        info.file_size = 2**64 - 1
    entries = ZipEntries(infos)
    assert entries.total_bytes == 3 * (2**64 - 1) and entries[0].file_size == 2**64 - 1


def test_an_entry_takes_few_bytes_beside_its_name(infos: list[zipfile.ZipInfo]) -> None:
    tracemalloc.start()
    try:
        kept = ZipEntries(infos * 10_000)
        bytes_each = tracemalloc.get_traced_memory()[0] / len(kept)
    finally:
        tracemalloc.stop()
    assert bytes_each < 70
