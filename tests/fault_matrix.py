"""The column "Tested in" of docs/FAULTS.md, made from the marks `@pytest.mark.fault(number)` in the tests.

`python -m tests.fault_matrix` writes the column anew, for example after tests were moved or marked.
tests/test_fault_matrix.py compares the column with the marks, so a matrix that is out of date fails.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MATRIX = ROOT / "docs" / "FAULTS.md"
NOT_YET = "Not yet"  # how a row begins whose fault no test injects; the issue that it belongs to follows
UNTESTED = "**no test**"  # what the column says, and no row may say, where neither a test nor an issue is named

# A row of the matrix: everything before its last cell, its number, and its last cell.
_ROW = re.compile(r"^(\| (\d+) \| .+ \|) ([^|]*) \|$", re.MULTILINE)


def marked_files(tests: Path) -> dict[int, list[str]]:
    """Which test files inject the fault of a row: their paths inside `tests`, in order, by the row's number.

    Raises:
        ValueError: a mark holds something else than plain numbers, which only running the tests could read.
    """
    found: dict[int, set[str]] = {}
    for path in tests.rglob("test_*.py"):
        name = path.relative_to(tests).as_posix()
        for number in _marked_numbers(path.read_text("utf-8"), name):
            found.setdefault(number, set()).add(name)
    return {number: sorted(names) for number, names in sorted(found.items())}


def rows(matrix: str) -> dict[int, str]:
    """The last cell of each row of the matrix, by the row's number.

    Raises:
        ValueError: a number stands twice.
    """
    numbers = [int(number) for _, number, _ in _ROW.findall(matrix)]
    if len(numbers) != len(set(numbers)):
        raise ValueError(f"A number stands twice among {numbers}.")
    return {int(number): cell for _, number, cell in _ROW.findall(matrix)}


def refreshed(matrix: str, files: dict[int, list[str]]) -> str:
    """The matrix with the files named in each row; a row without any keeps its "not yet" and the issue named there."""

    def row(match: re.Match[str]) -> str:
        named = [f"`{name}`" for name in files.get(int(match[2]), [])]
        untested = match[3] if match[3].startswith(NOT_YET) else UNTESTED
        return f"{match[1]} {', '.join(named) or untested} |"

    return _ROW.sub(row, matrix)


def _marked_numbers(source: str, name: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault"):
            continue
        for argument in node.args:
            if not (isinstance(argument, ast.Constant) and isinstance(argument.value, int)):
                raise ValueError(f"tests/{name}:{node.lineno}: fault(...) takes plain numbers of rows.")
            yield argument.value


def main() -> None:
    """Write the column anew and say what changed."""
    old = MATRIX.read_text("utf-8")
    new = refreshed(old, marked_files(ROOT / "tests"))
    MATRIX.write_text(new, "utf-8")
    changed = [number for number, cell in rows(new).items() if rows(old)[number] != cell]
    print(f"Rows changed in docs/FAULTS.md: {', '.join(map(str, changed)) or 'none'}.")


if __name__ == "__main__":
    main()
