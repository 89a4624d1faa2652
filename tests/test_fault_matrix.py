"""docs/FAULTS.md names a row for every mark `fault(number)`, and for every row its tests or the issue it waits for."""

import re
from pathlib import Path

import pytest

from tests.fault_matrix import MATRIX, NOT_YET, ROOT, UNTESTED, marked_files, refreshed, rows

# Faults of features that are still to come; all other rows are promises, and each of them has a test.
TO_COME = range(74, 91)


@pytest.fixture(scope="module")
def matrix() -> str:
    return MATRIX.read_text("utf-8")


@pytest.fixture(scope="module")
def files() -> dict[int, list[str]]:
    return marked_files(ROOT / "tests")


def test_the_rows_are_numbered_without_a_gap(matrix: str) -> None:
    assert list(rows(matrix)) == list(range(1, len(rows(matrix)) + 1))
    assert len(rows(matrix)) == len(re.findall(r"^\| \d", matrix, re.MULTILINE)), "a row that cannot be read"


def test_every_marked_number_is_a_row(matrix: str, files: dict[int, list[str]]) -> None:
    assert sorted(files.keys() - rows(matrix).keys()) == []


def test_the_column_of_tests_is_what_the_marks_say(matrix: str, files: dict[int, list[str]]) -> None:
    stale = [number for number, cell in rows(refreshed(matrix, files)).items() if rows(matrix)[number] != cell]
    assert stale == [], "run `python -m tests.fault_matrix`, which writes the column anew"


def test_every_row_has_a_test_or_waits_for_an_issue(matrix: str) -> None:
    for number, cell in rows(matrix).items():
        assert cell != UNTESTED, f"row {number} names neither a test nor the issue that will bring it"
        if cell.startswith(NOT_YET):
            assert number in TO_COME, f"row {number} is promised and has lost its test"
            assert re.fullmatch(rf"{NOT_YET}: (issue \d+|a later issue)", cell), (
                f"row {number} does not say which issue it waits for"
            )


def write(folder: Path, name: str, source: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, "utf-8")


def test_marks_are_found_wherever_they_stand(tmp_path: Path) -> None:
    write(tmp_path, "room/test_b.py", "@pytest.mark.fault(3, 1)\ndef test_it(): ...\n")
    write(tmp_path, "test_a.py", "pytestmark = [pytest.mark.slow, pytest.mark.fault(3)]\n")
    write(tmp_path, "test_c.py", "CASES = [pytest.param(1, marks=pytest.mark.fault(7))]\nfault(8)\nother.fault(9)\n")
    assert marked_files(tmp_path) == {1: ["room/test_b.py"], 3: ["room/test_b.py", "test_a.py"], 7: ["test_c.py"]}


def test_a_mark_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    write(tmp_path, "test_a.py", "\n@pytest.mark.fault(*ROWS)\ndef test_it(): ...\n")
    with pytest.raises(ValueError, match=r"tests/test_a\.py:2: fault\(\.\.\.\) takes plain numbers"):
        marked_files(tmp_path)


def test_the_column_is_written_anew_and_nothing_else() -> None:
    old = (
        "| # | what | must | in |\n|---|---|---|---|\n"
        "| 1 | a | b `c` | `test_gone.py` |\n| 2 | a | b | Not yet: issue 5 |\n| 3 | a | b | `test_gone.py` |\n"
        "| 4 | a | b | Not yet: issue 5 |\n\nText.\n"
    )
    new = refreshed(old, {1: ["test_a.py", "test_b.py"], 4: ["test_a.py"]})
    assert rows(new) == {1: "`test_a.py`, `test_b.py`", 2: "Not yet: issue 5", 3: UNTESTED, 4: "`test_a.py`"}
    assert new.replace("`test_a.py`, `test_b.py`", "`test_gone.py`").splitlines()[:3] == old.splitlines()[:3]
    assert new.endswith("\n\nText.\n")


def test_a_number_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        rows("| 1 | a | b | c |\n| 1 | a | b | c |\n")
