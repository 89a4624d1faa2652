"""README.md, CONTRIBUTING.md and docs/: their links, commands, options and test files exist, and they stay short."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cifar_core.commands.cli import cli
from tests.conftest import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MOST_LINES = {"README.md": 140, "CONTRIBUTING.md": 100}
MOST_CHARACTERS = 140  # of a line outside tables and examples

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def make_targets() -> set[str]:
    """What `make help` lists."""
    return set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def code(text: str) -> Iterator[str]:
    """Everything that is set as code: the lines of examples, and what stands between backticks in the text."""
    for place, part in enumerate(re.split(r"^```.*\n", text, flags=re.MULTILINE)):
        yield from part.splitlines() if place % 2 else re.findall(r"`([^`\n]+)`", part)


def faults_of_command(line: str) -> list[str]:
    """What does not exist of `python -m cifar_core ...  # also NAME, NAME`: a command, an option, another name."""
    typed, _, remark = line.partition("#")
    words = shlex.split(typed)[3:]
    command: click.Command = cli
    group: click.Group = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        group, name = command, words.pop(0)
        found = command.get_command(click.Context(command), name)
        if found is None:
            return [name]
        command = found
    known = {option for item in command.params for option in (*item.opts, *item.secondary_opts)} | {"--help"}
    others = remark.strip().removeprefix("also ").split(", ") if remark.strip().startswith("also ") else []
    options = [word for word in words if word.startswith("--")]
    return [name for name in options if name not in known] + [name for name in others if name not in group.commands]


@each_document
def test_no_merge_is_left_half_done(document: Path) -> None:
    assert re.findall(r"^(?:<<<<<<<|=======|>>>>>>>).*", document.read_text("utf-8"), re.MULTILINE) == []


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8")):
        assert (document.parent / link).exists(), link


@each_document
def test_targets_of_make_exist(document: Path) -> None:
    named = {match[1] for text in code(document.read_text("utf-8")) if (match := re.match(r"make ([a-z]+)", text))}
    assert sorted(named - make_targets()) == []


@each_document
def test_commands_and_their_options_exist(document: Path) -> None:
    for line in code(document.read_text("utf-8")):
        if line.startswith("python -m cifar_core "):
            assert faults_of_command(line) == [], line


@each_document
def test_tests_that_are_named_exist(document: Path) -> None:
    there = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert sorted(set(re.findall(r"\btest_\w+\.py", document.read_text("utf-8"))) - there) == []


@each_document
def test_lines_are_short_outside_tables_and_examples(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert [line for line in text.splitlines() if len(line) > MOST_CHARACTERS and not line.startswith("|")] == []


@pytest.mark.parametrize("name", MOST_LINES)
def test_a_document_for_whoever_comes_by_is_short(name: str) -> None:
    assert len((ROOT / name).read_text("utf-8").splitlines()) <= MOST_LINES[name]


def test_the_readme_leads_to_every_document_and_picture() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    wanted = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "screenshots").iterdir(), ROOT / "CONTRIBUTING.md"]
    assert [path.name for path in wanted if f"]({path.relative_to(ROOT).as_posix()})" not in readme] == []
    assert {"run", "test"} <= set(re.findall(r"^make ([a-z]+)", readme, re.MULTILINE))


def test_every_promise_names_its_tests() -> None:
    promises = (ROOT / "docs" / "RELIABILITY.md").read_text("utf-8")
    sections = re.split(r"^## ", promises, flags=re.MULTILINE)[1:]
    numbered = [section for section in sections if re.match(r"\d\. ", section)]
    assert len(numbered) == 5
    for section in numbered:
        assert re.search(r"^Tests: (`test_\w+\.py`(, |\.$))+", section, re.MULTILINE), section.splitlines()[0]


def test_every_table_of_figures_names_its_command() -> None:
    figures = (ROOT / "docs" / "BENCHMARKS.md").read_text("utf-8")
    for section in re.split(r"^## ", figures, flags=re.MULTILINE)[1:]:
        assert re.search(r"`(make (bench|soak)|train |data |python -m )", section), section.splitlines()[0]


@pytest.mark.parametrize(
    ("line", "faults"),
    [
        ("python -m cifar_core train --epochs 3 --learning-rate 0.1", []),
        ("python -m cifar_core train --epoch 3", ["--epoch"]),
        ("python -m cifar_core runs halt RUN", ["halt"]),
        ("python -m cifar_core runs list   # also show, halt", ["halt"]),
        ("python -m cifar_core run list", ["run"]),
    ],
)
def test_a_command_that_does_not_exist_is_seen(line: str, faults: list[str]) -> None:
    assert faults_of_command(line) == faults
