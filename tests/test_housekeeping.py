"""The project around the code: Makefile, requirements, licence, and what must never stand in a tracked file."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

TARGETS = ("help", "install", "run", "train", "analysis", "test", "lint", "bench", "soak", "remove")
MAX_FILE_BYTES = 2_000_000

# Built from pieces, so that this file does not hold what it looks for.
_HOSTS = ("pypi org", "pythonhosted org", "download pytorch org", "npmjs org", "anaconda org")
REGISTRIES = tuple(host.replace(" ", ".") for host in _HOSTS)
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(?:" + "|".join(("work", "root")) + r")/[\w.-]+")  # where sessions work


def tracked_files() -> Iterator[Path]:
    """Everything that is or would be committed. Outside a git checkout these tests are skipped."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    yield from (path for name in listing.split("\0") if name and (path := ROOT / name).is_file())


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Where `pattern` stands in a tracked text file, as path:line: text."""
    found = []
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    return found


def requirements(name: str) -> list[str]:
    """The lines of a requirements file that name a package, without their comments."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("-")]


def make(*arguments: str, folder: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make with these arguments, away from the make that may be running these tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment | variables, capture_output=True, text=True, timeout=60
    )


# Makefile


def test_help_lists_every_target() -> None:
    answer = make("help")
    assert answer.returncode == 0
    assert [line.split()[:2] for line in answer.stdout.splitlines()] == [["make", target] for target in TARGETS]
    assert make().stdout == answer.stdout, "help is the default"


@pytest.mark.parametrize(
    ("target", "commands"),
    [
        ("run", ["-m streamlit run streamlit_app.py --here 1"]),
        ("train", ["-m cifar_core data get cifar10", "-m cifar_core train --dataset $dataset --here 1"]),
        ("analysis", ["-m cifar_core analyze latest --top 10 --here 1"]),
        ("test", ['-m pytest -m "not slow and not cluster" -n 2 --dist loadfile --here 1']),
        ("bench", ["-m cifar_core bench --here 1"]),
        ("soak", ["-m tests.soak --here 1"]),
        ("lint", ["-m ruff check .", "-m ruff format --check .", "-m mypy"]),
    ],
)
def test_a_target_runs_its_command(target: str, commands: list[str]) -> None:
    """Asked with `make -n`, which prints the recipe; the arguments of a person are handed on."""
    recipe = " ".join(make("-n", target, "ARGS=--here 1").stdout.replace("\\\n", " ").split())
    words = recipe.replace("--server.headless $headless ", "")
    for command in commands:
        assert command in words


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A bare copy of what `make` reads, with requirements that need no network."""
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "requirements.txt").write_text("# nothing\n", encoding="utf-8")
    return tmp_path


@pytest.mark.slow
def test_installing_happens_once_and_again_when_requirements_change(copy: Path) -> None:
    first = make("install", folder=copy, PYTHON=sys.executable)
    assert first.returncode == 0, first.stderr
    assert "Making .venv" in first.stdout
    assert "pip install" not in make("install", folder=copy).stdout
    changed = time.time() + 5
    os.utime(copy / "requirements.txt", (changed, changed))
    again = make("install", folder=copy)
    assert "pip install" in again.stdout
    assert "Making .venv" not in again.stdout


@pytest.mark.slow
def test_a_broken_environment_is_made_anew(copy: Path) -> None:
    """As after an upgrade of the system's Python, which the links in .venv point to."""
    (copy / ".venv" / "bin").mkdir(parents=True)
    (copy / ".venv" / "bin" / "python").symlink_to(copy / "gone")
    (copy / ".venv" / ".installed").touch()
    answer = make("install", folder=copy, PYTHON=sys.executable)
    assert answer.returncode == 0, answer.stderr
    assert (copy / ".venv" / "bin" / "python").exists()


def test_without_a_fitting_python_one_sentence_says_what_is_needed(copy: Path) -> None:
    old = copy / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    answer = make("run", folder=copy, PYTHON=str(old))
    assert answer.returncode != 0
    assert f"Python 3.11 or newer with its venv module is needed (looked for: {old})" in answer.stderr
    assert not (copy / ".venv").exists()


@pytest.mark.slow
def test_an_interpreter_that_does_not_fit_is_passed_over(copy: Path) -> None:
    """A pyenv shim of a version that is not chosen exists, but fails."""
    answer = make("install", folder=copy, PYTHON=f"no-such-python {sys.executable}")
    assert answer.returncode == 0, answer.stderr


def test_extras_are_installed_on_top(copy: Path) -> None:
    """Asked with `make -n`; a second extra has its own stamp, and a word that names none is refused in one sentence."""
    (copy / "requirements-cluster.txt").touch()
    assert "-r requirements-cluster.txt" in make("-n", "install", "EXTRAS=cluster", folder=copy).stdout
    assert "requirements-cluster" not in make("-n", "install", folder=copy).stdout
    answer = make("-n", "install", "EXTRAS=cluster clustre", folder=copy)
    assert answer.returncode != 0
    assert 'There are no extras "clustre": choose from' in answer.stderr


def test_remove_deletes_what_was_made_and_keeps_the_workspace(copy: Path) -> None:
    for folder in (
        ".venv/bin",
        ".pytest_cache",
        "cifar_core/__pycache__",
        "workspace/runs/__pycache__",
        "test-artifacts",
    ):
        (copy / folder).mkdir(parents=True)
    answer = make("remove", folder=copy)
    assert answer.returncode == 0, answer.stderr
    assert "workspace/ with your data, runs and exports is untouched" in answer.stdout
    assert (copy / "workspace" / "runs" / "__pycache__").is_dir()
    for gone in (".venv", ".pytest_cache", "cifar_core/__pycache__", "test-artifacts"):
        assert not (copy / gone).exists()


@pytest.mark.slow
def test_make_run_serves_the_app(tmp_path: Path) -> None:
    """The very command of a person, with its own workspace and port, until the server says that it is well."""
    port = "18763"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment |= {"CIFAR_WORKSPACE": str(tmp_path / "workspace"), "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    command = ["make", "run", f"ARGS=--server.port {port}"]
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        assert wait_until_well(f"http://127.0.0.1:{port}/_stcore/health", server), (tmp_path / "log").read_text()
    finally:
        os.killpg(server.pid, 15)
        server.wait(timeout=20)


def wait_until_well(address: str, server: subprocess.Popen[bytes], seconds: float = 60) -> bool:
    """Whether the server answers "ok" in time; a server that ended is not waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                return bool(answer.read() == b"ok")
        except OSError:
            time.sleep(0.2)
    return False


# Requirements

REQUIREMENTS = ["requirements.txt", "requirements-dev.txt", "requirements-server.txt", "requirements-cluster.txt"]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_requirements_are_floors(name: str) -> None:
    """An exact pin would hold back the next security fix; a missing floor would let an unsafe version in."""
    assert requirements(name)
    for line in requirements(name):
        assert re.fullmatch(r"[a-z0-9-]+(\[[a-z]+\])?>=\d+(\.\d+)*", line), line


def version(text: str) -> tuple[int, ...]:
    """A version as numbers to compare; 1.3 and 1.3.0 are the same."""
    numbers = [int(part) for part in text.split(".")]
    return tuple(numbers[: max((place for place, number in enumerate(numbers, 1) if number), default=0)])


def test_floors_close_every_hole_of_the_written_list() -> None:
    """Where the advisories' own data cannot be reached, docs/ADVISORIES.md stands for it: no floor may be below it."""
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| ([0-9.]+) \| (.+?) \|", (ROOT / "docs" / "ADVISORIES.md").read_text("utf-8"), re.M
    )
    floors = dict(line.split(">=") for name in REQUIREMENTS for line in requirements(name))
    assert {"torch", "streamlit", "pillow", "starlette", "python-multipart", "authlib", "ray"} <= {
        package for package, _, _ in rows
    }
    for package, least, advisories in rows:
        assert re.search(r"CVE-|GHSA-|PYSEC-", advisories), package
        assert version(floors[package]) >= version(least), f"{package} {floors[package]} is below {least}: {advisories}"


def test_versions_are_compared_as_numbers() -> None:
    assert version("1.10") > version("1.9.9")
    assert version("1.3.0") == version("1.3") < version("1.3.1")


# May need requirements-dev.txt.
FOR_DEVELOPERS = (
    "tests",
    "cifar_core/bench/browser.py",
    "cifar_core/bench/first_minute.py",
    "cifar_core/bench/sweeps/short_runs.py",
)
FOR_SWEEPS = ("cifar_core/sweeps/owner", "cifar_core/cluster")  # may need requirements-cluster.txt


def is_in(path: Path, places: tuple[str, ...]) -> bool:
    """Whether a file lies in one of these folders of the project, or is one of these files."""
    return any(path.is_relative_to(ROOT / place) for place in places)


def test_every_import_has_its_requirement() -> None:
    """What the code imports is named in the requirements, not only there because something else brings it."""
    names = {"PIL": "pillow", "sklearn": "scikit-learn"}
    ours = {"cifar_core", "pages", "tests", "streamlit_app"}
    runtime, for_sweeps, *more = (
        {line.split(">=")[0].split("[")[0] for line in requirements(f"requirements{name}.txt")}
        for name in ("", "-cluster", "-dev", "-server")
    )
    everything = runtime.union(for_sweeps, *more)  # requirements-dev.txt installs all of them
    pattern = re.compile(r"^\s*(?:from|import) ([A-Za-z_]\w*)", re.MULTILINE)
    for path in tracked_files():
        if path.suffix != ".py":
            continue
        known = runtime | (for_sweeps if is_in(path, FOR_SWEEPS) else set())
        known = everything if is_in(path, FOR_DEVELOPERS) else known
        code = re.sub(r'"""(?s:.)*?"""', "", path.read_text(encoding="utf-8"))
        for module in set(pattern.findall(code)) - ours - set(sys.stdlib_module_names):
            assert names.get(module, module).replace("_", "-") in known, f"{path.relative_to(ROOT)} imports {module}"


# Files


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's own setting."""
    assert lines_with(re.compile("|".join(map(re.escape, REGISTRIES)))) == []


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert lines_with(MACHINE_PATH) == []


@pytest.mark.parametrize("text", ["cd /work" + "/main", "'/root" + "/x'", "path=/root" + "/.venv"])
def test_a_path_of_one_machine_would_be_seen(text: str) -> None:
    assert MACHINE_PATH.search(text)


@pytest.mark.parametrize(
    "text", ["./work" + "/main", "https://a.b/work" + "/x", "workspace/root" + "/x", "~/work" + "/x"]
)
def test_other_paths_are_not_mistaken_for_one(text: str) -> None:
    assert not MACHINE_PATH.search(text)


def test_no_file_is_large() -> None:
    assert [path.name for path in tracked_files() if path.stat().st_size > MAX_FILE_BYTES] == []


def test_nothing_that_is_made_is_tracked() -> None:
    made = {
        ".venv",
        "workspace",
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        "test-artifacts",
    }
    assert [path for path in tracked_files() if made & set(path.relative_to(ROOT).parts)] == []


def test_the_licence_is_the_standard_text() -> None:
    digest = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()
    assert digest == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def test_ci_is_a_script_that_bash_accepts() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")


def test_the_oldest_python_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["requires-python"] == ">=3.11"
    assert project["tool"]["ruff"]["target-version"] == "py311"
    assert project["tool"]["mypy"]["python_version"] == "3.11"
    assert "(3, 11)" in (ROOT / "Makefile").read_text(encoding="utf-8")
