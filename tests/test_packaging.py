"""`pip install` of this project: what it needs, what it holds, and the command that it brings."""

import importlib.metadata
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import cifar_core
from cifar_core.processes import child_environment
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def wanted() -> dict[str, str]:
    """The versions that requirements.txt asks for, by package; what stands behind ` #` is a comment, as for pip."""
    lines = (line.partition(" #")[0].strip() for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines())
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {item.name: str(item.specifier) for item in found}


def test_requirements_are_written_once() -> None:
    assert PROJECT["project"]["dynamic"] == ["dependencies"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.txt"]}
    assert {"torch", "streamlit", "numpy", "safetensors"} <= set(wanted())


def test_the_version_is_that_of_the_package() -> None:
    assert PROJECT["project"]["version"] == cifar_core.__version__


def test_the_command_leads_to_a_function() -> None:
    module, _, name = PROJECT["project"]["scripts"]["cifar-core"].partition(":")
    assert callable(getattr(import_module(module), name))


def test_every_file_of_the_library_is_packed() -> None:
    """Each folder with code is a package of its own, and each other file fits a pattern of the package data."""
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    files = [path for path in (ROOT / "cifar_core").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert all((path.parent / "__init__.py").exists() for path in files)
    assert [
        path.name for path in files if path.suffix != ".py" and not any(fnmatch(path.name, p) for p in patterns)
    ] == []


@pytest.mark.parametrize(
    "arguments", [["data", "list"], ["--help"], [], ["runs", "show", "no-such-run"], ["train", "--epochs", "none"]]
)
def test_the_installed_command_answers_as_the_module_does(arguments: list[str], tmp_path: Path) -> None:
    ways = (
        ["-m", "cifar_core"],
        ["-c", "import sys; from cifar_core.commands.script import run; sys.exit(run())"],
    )
    environment = {**child_environment(), "CIFAR_WORKSPACE": str(tmp_path)}
    module, installed = (
        subprocess.run(
            [sys.executable, *way, *arguments], cwd=tmp_path, env=environment, capture_output=True, timeout=60
        )
        for way in ways
    )
    assert (installed.returncode, installed.stdout, installed.stderr) == (
        module.returncode,
        module.stdout,
        module.stderr,
    )


@pytest.mark.slow
def test_the_built_metadata_say_so(tmp_path: Path) -> None:
    """Built by setuptools itself, as `pip install` does, from a copy: it leaves files beside the code."""
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "cifar_core").symlink_to(ROOT / "cifar_core")
    (tmp_path / "out").mkdir()
    code = "import setuptools.build_meta as build; print(build.prepare_metadata_for_build_wheel('out'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = importlib.metadata.PathDistribution(tmp_path / "out" / done.stdout.splitlines()[-1])
    built = [Requirement(line) for line in found.requires or []]
    assert {item.name: str(item.specifier) for item in built} == wanted()
    assert found.version == cifar_core.__version__
    assert [(item.name, item.value) for item in found.entry_points] == [
        ("cifar-core", PROJECT["project"]["scripts"]["cifar-core"])
    ]
