"""The house rules of the code's shape, read from its syntax trees: who may import whom, and how large a piece may grow.

`RULES` are the whole of them; the layers stand in docs/ARCHITECTURE.md. Each rule is a function of the sources that
returns its complaints, and each is shown to fail on a small bad source below. What Python really loads is measured in
processes of their own at the end.
"""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

import pytest

from tests.conftest import ROOT


def block(name: str) -> str:
    """The block of docs/ARCHITECTURE.md that begins with ```name."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return text.partition(f"```{name}\n")[2].partition("```")[0]


def read_layers() -> tuple[str, ...]:
    """The layers from left to right, as docs/ARCHITECTURE.md lists them: the one list of them."""
    return tuple(name for name in re.split(r"[\s,]+|->", block("layers")) if name)


def captioned() -> set[str]:
    """The paths of all files that have a caption in the tree of docs/ARCHITECTURE.md."""
    folder, found = "", set()
    for line in filter(None, block("tree").splitlines()):
        name = line.split()[0]
        if line.startswith(" "):
            assert folder + name not in found, f"{folder}{name} has two captions"
            found.add(folder + name)
        else:
            folder = name
    return found


# A layer imports only what stands left of it.
LAYERS = read_layers()
ENTRIES = ("pages", "commands", "streamlit_app")  # they import any layer; nothing imports them

# Which files may name which package: (package, files it is banned from, the exceptions).
BANS = (
    ("streamlit", "cifar_core/*", ("cifar_core/bench/server.py",)),
    ("tests", "cifar_core/*", ()),
    ("torch", "pages/*", ()),
    ("torchvision", "pages/*", ()),

    ("torch", "cifar_core/*", ("cifar_core/models/network.py", "cifar_core/models/kernels/convolution.py",
                               "cifar_core/models/kernels/winograd.py", "cifar_core/models/kernels/bfloat16.py",
                               "cifar_core/train/*", "cifar_core/runs/estimate/measure_speed.py",
                               "cifar_core/runs/estimate/measure_ranks.py",
                               "cifar_core/runs/training/*",
                               "cifar_core/runs/predict/server.py", "cifar_core/runs/predict/run_network.py",
                               "cifar_core/runs/predict/recompute_process.py", "cifar_core/bench/plain.py",
                               "cifar_core/analyse/compute/*")),
    ("torchvision", "cifar_core/*", ("cifar_core/data/sources/official_reader.py", "cifar_core/bench/plain.py")),
    ("sklearn", "*", ("cifar_core/analyse/compute/*",)),
    ("scipy", "*", ("cifar_core/analyse/compute/*",)),
    ("statsmodels", "*", ("cifar_core/analyse/compute/*",)),
    ("cleanlab", "*", ("cifar_core/analyse/compute/*",)),
    ("optuna", "*", ("cifar_core/sweeps/owner/*",)),
    ("sqlalchemy", "*", ("cifar_core/sweeps/owner/*",)),
    ("psycopg", "*", ("cifar_core/sweeps/owner/*",)),
    ("ray", "*", ("cifar_core/cluster/ray/*",)),
    ("submitit", "*", ("cifar_core/cluster/slurm.py",)),
    ("torchmetrics", "*", ()),
    ("pytest", "*", ()),
)  # fmt: skip

MAX_LINES = 400  # of a file
MAX_FUNCTION = 40  # lines after the one with `def`, without the docstring
MAX_WIDTH = 120  # characters of a line
FMT_SKIP = "# fmt: " + "skip"
# A comment there was left behind by the formatter: it belongs above the statement.
BEHIND_A_BRACKET = re.compile(r"\s*[])}]+[:,]?  # (?!type:|noqa|fmt:)")
MAX_LOOSE_FILES = 14  # Python files right in one folder of cifar_core/ or pages/ui/
PROGRAMS = "cifar_core/processes.py"  # the one file that names modules of ours in strings
FINDER = "cifar_core/models/architectures/__init__.py"  # the one file that imports what it finds: a file is a model
PARQUET = "cifar_core/runs/imported/parquet_file.py"  # loads a part of pyarrow for such a file alone
MAX_IMPORT_SECONDS = 0.3  # of `import cifar_core`

# Importing these loads none of the heavy packages: pages and the command line start without them.
LIGHT = (
    "cifar_core", "cifar_core.data", "cifar_core.models", "cifar_core.runs", "cifar_core.evaluate", "cifar_core.samples",
    "cifar_core.analyse", "cifar_core.figures", "cifar_core.export", "cifar_core.__main__", "cifar_core.sweeps.control",
    "cifar_core.sweeps.sweep", "cifar_core.commands.cli",
)  # fmt: skip
HEAVY = (
    "torch", "torchvision", "sklearn", "scipy", "cleanlab", "statsmodels", "streamlit", "optuna", "sqlalchemy", "psycopg",
    "ray", "submitit",
)  # fmt: skip
COMPUTING = "cifar_core.analyse.compute"  # the functions of analyses, which may name heavy packages,
COMPUTED_BY = ("cifar_core/analyse/process.py", "cifar_core/analyse/compute/*", "cifar_core/commands/*")
OWNER = "cifar_core.sweeps.owner"  # proposes the trials of sweeps: the only place that loads Optuna
MAX_ANALYSE_MB = 10  # more memory of the app's server with the declarations of the analyses

Function = ast.FunctionDef | ast.AsyncFunctionDef
Complaints = Iterator[str]


@dataclass(frozen=True)
class Source:
    """One file: its path from the root of the project, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def module(self) -> str:
        """The dotted name it is imported by."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))


Sources = Mapping[str, Source]  # by module name


def read(files: Mapping[str, str]) -> Sources:
    """Sources by module name, from paths and texts."""
    sources = (Source(path, text) for path, text in files.items())
    return {source.module: source for source in sources}


def imported(source: Source, sources: Sources, within: ast.AST | None = None) -> Iterator[tuple[str, int]]:
    """Every import as (absolute dotted name, line); `from package import module` gives the module."""
    package = source.module if source.path.endswith("__init__.py") else source.module.rpartition(".")[0]
    for node in ast.walk(within or source.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield (inner if inner in sources else base), node.lineno


def layer_of(module: str) -> str:
    """The layer of a module of ours; empty for the package `cifar_core` itself and for what is not ours."""
    top, _, rest = module.partition(".")
    if top in ENTRIES:
        return top
    layer = rest.partition(".")[0] if top == "cifar_core" else ""
    return "commands" if layer == "__main__" else layer  # the command line: its entry and its commands


# The rules


def arrows_point_left(sources: Sources) -> Complaints:
    """A layer imports only what stands left of it in LAYERS. Nobody imports pages and the command line."""
    for source in sources.values():
        here = layer_of(source.module)
        if here and here not in (*LAYERS, *ENTRIES):
            yield f"{source.path}: layer {here!r} is not in LAYERS"
            continue
        for name, line in imported(source, sources):
            there = layer_of(name)
            if not there or there == here:
                continue
            if there in ENTRIES or (here in LAYERS and there in LAYERS and LAYERS.index(there) > LAYERS.index(here)):
                yield f"{source.path}:{line}: {here or source.module} imports {there}"


def no_cycles(sources: Sources) -> Complaints:
    """No module imports itself by way of others."""
    graph = {
        name: {goal for goal, _ in imported(source, sources) if goal in sources} for name, source in sources.items()
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> Complaints:
        if name in path:
            yield " -> ".join([*path[path.index(name) :], name])
        elif name not in done:
            for goal in sorted(graph[name]):
                yield from visit(goal, (*path, name))
            done.add(name)

    for name in sorted(graph):
        yield from visit(name, ())


def no_hidden_imports(sources: Sources) -> Complaints:
    """Imports stand at the top: none inside a function, none by a call."""
    for source in sources.values():
        for function in source.functions:
            for name, line in imported(source, sources, function):
                yield f"{source.path}:{line}: {function.name} imports {name}"
        for node in ast.walk(source.tree) if source.path not in (FINDER, PARQUET) else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
                yield f"{source.path}:{node.lineno}: imports by a call"


def no_banned_package(sources: Sources) -> Complaints:
    """The table BANS."""
    for source in sources.values():
        for name, line in imported(source, sources):
            for package, files, exceptions in BANS:
                free = any(fnmatch(source.path, pattern) for pattern in exceptions)
                if name.split(".")[0] == package and fnmatch(source.path, files) and not free:
                    yield f"{source.path}:{line}: names {package}"


def analyses_are_computed_in_one_process(sources: Sources) -> Complaints:
    """Only the process of an analysis and the command line import what computes it: the app's server never does."""
    for source in sources.values():
        for name, line in imported(source, sources):
            inside = f"{name}.".startswith(f"{COMPUTING}.")
            if inside and not any(fnmatch(source.path, pattern) for pattern in COMPUTED_BY):
                yield f"{source.path}:{line}: imports {name}"


def sweeps_are_owned_in_one_process(sources: Sources) -> Complaints:
    """Nothing imports the owner of a sweep but itself: it is a program, and the only one that loads Optuna."""
    for source in sources.values():
        for name, line in imported(source, sources):
            if f"{name}.".startswith(f"{OWNER}.") and not f"{source.module}.".startswith(f"{OWNER}."):
                yield f"{source.path}:{line}: imports {name}"


def pages_stand_alone(sources: Sources) -> Complaints:
    """Pages share code through pages/ui only: no page is imported."""
    for source in sources.values():
        for name, line in imported(source, sources):
            if layer_of(name) == "pages" and name != "pages" and not f"{name}.".startswith("pages.ui."):
                yield f"{source.path}:{line}: imports the page {name}"


def streamlit_is_patched_in_one_room(sources: Sources) -> Complaints:
    """Only pages/ui/server names the private parts of Streamlit, and only there is the class of an object replaced."""
    for source in sources.values():
        if not fnmatch(source.path, "pages/*") or fnmatch(source.path, "pages/ui/server/*"):
            continue
        for name, line in imported(source, sources):
            if f"{name}.".startswith(("streamlit.runtime.", "streamlit.net_util.", "streamlit.proto.")):
                yield f"{source.path}:{line}: imports {name}"
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ImportFrom) and node.module == "streamlit":
                names = {alias.name for alias in node.names} & {"runtime", "net_util", "proto"}
                yield from (f"{source.path}:{node.lineno}: imports streamlit.{name}" for name in sorted(names))
            if isinstance(node, ast.Attribute) and node.attr == "__class__" and isinstance(node.ctx, ast.Store):
                yield f"{source.path}:{node.lineno}: replaces the class of an object"


def only_pages_lie_loose(sources: Sources) -> Complaints:
    """Each file right in pages/ is in the page table, and the first thing it calls is `setup_page`."""
    table = sources["streamlit_app"].text if "streamlit_app" in sources else ""
    for source in sources.values():
        if not fnmatch(source.path, "pages/*.py") or source.path.count("/") > 1 or source.path == "pages/__init__.py":
            continue
        if f'"{source.path}"' not in table:
            yield f"{source.path}: not in the page table of streamlit_app.py"
        if first_call(source.tree) != "setup_page":
            yield f"{source.path}: the first call is {first_call(source.tree) or 'none'}, not setup_page"


def first_call(tree: ast.Module) -> str:
    """The function that running the module's own statements calls first, looking into the arguments before the call."""
    for statement in tree.body:
        if isinstance(statement, Function | ast.ClassDef):
            continue
        calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
        if calls:
            return ast.unparse(calls[-1].func)  # ast.walk goes outside in: the last call is the innermost
    return ""


def entry_defines_nothing(sources: Sources) -> Complaints:
    """streamlit_app.py holds the page table, no code of its own."""
    source = sources.get("streamlit_app")
    for node in ast.walk(source.tree) if source else ():
        if isinstance(node, Function | ast.ClassDef | ast.Lambda):
            yield f"streamlit_app.py:{node.lineno}: defines something"


def files_stay_small(sources: Sources) -> Complaints:
    """No file above MAX_LINES."""
    for source in sources.values():
        lines = source.text.count("\n")
        if lines > MAX_LINES:
            yield f"{source.path}: {lines} lines, more than {MAX_LINES}"


def functions_stay_small(sources: Sources) -> Complaints:
    """No function above MAX_FUNCTION."""
    for source in sources.values():
        for function in source.functions:
            first, last = function.body[0], function.end_lineno or 0
            docstring = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(function) is not None else 0
            lines = last - function.lineno - docstring
            if lines > MAX_FUNCTION:
                yield f"{source.path}:{function.lineno}: {function.name} has {lines} lines, more than {MAX_FUNCTION}"


def only_tables_are_wide(sources: Sources) -> Complaints:
    """A line over MAX_WIDTH characters, and `fmt: skip`, stand in tables only; no comment behind a lone bracket."""
    for source in sources.values():
        tables = [range(node.lineno, (node.end_lineno or 0) + 1) for node in ast.walk(source.tree) if is_table(node)]
        off = 0
        for number, line in enumerate(source.text.splitlines(), start=1):
            off += ("# fmt: off" in line) - ("# fmt: on" in line)
            wide, skipped = len(line) > MAX_WIDTH, line.endswith(FMT_SKIP) and line.strip() != f'"{FMT_SKIP}"'
            if (wide or skipped) and not off and not any(number in lines for lines in tables):
                yield f"{source.path}:{number}: {len(line)} characters{', fmt: skip' if skipped else ''}"
            if BEHIND_A_BRACKET.match(line):
                yield f"{source.path}:{number}: a comment behind a closing bracket"


def is_table(node: ast.AST) -> bool:
    """Whether a statement or a decorator lists rows of values: a mapping, list, tuple or set of several entries."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("parametrize"):
        return True
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.Return):
        return False
    value = node.value
    if isinstance(value, ast.Call) and len(value.args) == 1:  # frozenset({...}) and the like
        value = value.args[0]
    count = len(value.keys) if isinstance(value, ast.Dict) else len(getattr(value, "elts", ()))
    return isinstance(value, ast.Dict | ast.List | ast.Tuple | ast.Set) and count > 2


def modules_say_what_they_are(sources: Sources) -> Complaints:
    """Every file opens with a docstring."""
    for source in sources.values():
        if source.text.strip() and not ast.get_docstring(source.tree):
            yield f"{source.path}: no docstring"


def folders_hold_few_files(sources: Sources) -> Complaints:
    """No folder of cifar_core/ and pages/ui/ holds more than MAX_LOOSE_FILES Python files."""
    folders = Counter(source.path.rpartition("/")[0] for source in sources.values())
    for folder, count in folders.items():
        if count > MAX_LOOSE_FILES and f"{folder}/".startswith(("cifar_core/", "pages/ui/")):
            yield f"{folder}: {count} Python files, more than {MAX_LOOSE_FILES}"


def modules_are_named_in_one_table(sources: Sources) -> Complaints:
    """A string names a module of ours only in the table of programs."""
    for source in sources.values():
        for text, line in strings(source):
            names = re.findall(r"\b(?:cifar_core|pages)(?:\.\w+)+", text) if source.path != PROGRAMS else []
            yield from (f"{source.path}:{line}: names the module {name}" for name in names if name in sources)


def strings(source: Source) -> Iterator[tuple[str, int]]:
    """Every text in the code with its line, docstrings left out."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(source.tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value, node.lineno


# Each rule with small sources that break it, and how often.
RULES: dict[Callable[[Sources], Complaints], list[tuple[dict[str, str], int]]] = {
    arrows_point_left: [
        ({"cifar_core/data/store.py": "from cifar_core.runs import read_run"}, 1),
        ({"cifar_core/errors.py": "import cifar_core.config"}, 1),
        ({"cifar_core/figures.py": "from cifar_core import export", "cifar_core/export/__init__.py": ""}, 1),
        (
            {
                "cifar_core/data/store.py": "from ..train import trainer\nfrom .. import runs",
                "cifar_core/runs/__init__.py": "",
            },
            2,
        ),
        ({"cifar_core/export/zip.py": "import pages.ui.frame\nimport cifar_core.__main__"}, 2),
        ({"cifar_core/__main__.py": "from pages.ui import frame"}, 1),
        ({"cifar_core/runs/listing.py": "from cifar_core.commands import console"}, 1),
        ({"cifar_core/utils.py": ""}, 1),
        ({"cifar_core/data/store.py": "if TYPE_CHECKING:\n    from cifar_core.train import EpochLine"}, 1),
    ],
    no_cycles: [
        (
            {
                "cifar_core/data/a.py": "from cifar_core.data import b",
                "cifar_core/data/b.py": "from cifar_core.data.a import x",
            },
            1,
        ),
        (
            {
                "cifar_core/data/__init__.py": "from .a import x",
                "cifar_core/data/a.py": "from cifar_core.data import y",
            },
            1,
        ),
        (
            {
                "pages/ui/a.py": "import pages.ui.b",
                "pages/ui/b.py": "import pages.ui.c",
                "pages/ui/c.py": "from . import a",
            },
            1,
        ),
    ],
    no_hidden_imports: [
        ({"cifar_core/data/a.py": "def f():\n    import torch"}, 1),
        ({"cifar_core/data/a.py": "class A:\n    async def f(self):\n        from os import path"}, 1),
        ({"pages/train.py": "torch = importlib.import_module('torch')\njson = __import__('json')"}, 2),
        ({FINDER: "import_module('fast_cnn')"}, 0),
        ({PARQUET: "importlib.import_module('pyarrow.parquet')"}, 0),
    ],
    no_banned_package: [
        ({"cifar_core/runs/listing.py": "import streamlit as st"}, 1),
        ({"cifar_core/bench/screens.py": "from streamlit.proto import BackMsg_pb2\nfrom tests.soak import soak"}, 2),
        ({"pages/predict.py": "import torch.nn\nfrom torchvision import transforms"}, 2),
        ({"pages/ui/train/live_view.py": "from torch import Tensor"}, 1),
        ({"cifar_core/models/__init__.py": "import torch", "cifar_core/data/store.py": "import torchvision"}, 2),
        ({"cifar_core/evaluate/metrics.py": "from sklearn.metrics import f1_score"}, 1),
        ({"cifar_core/sweeps/plan.py": "import optuna", "pages/sweep.py": "from sqlalchemy import text"}, 2),
        ({"cifar_core/analyse/learning.py": "import scipy.stats\nfrom cleanlab import rank\nimport torch"}, 3),
        ({"pages/trust.py": "import statsmodels.api"}, 1),
        ({"cifar_core/analyse/compute/learning.py": "import scipy.stats\nimport torch, sklearn, statsmodels"}, 0),
    ],
    analyses_are_computed_in_one_process: [
        ({"pages/trust.py": "from cifar_core.analyse.compute.calibration import compute_calibration"}, 1),
        ({"pages/ui/trust/a.py": "import cifar_core.analyse.compute"}, 1),
        ({"cifar_core/analyse/job.py": "from . import compute", "cifar_core/analyse/compute/__init__.py": ""}, 1),
        ({"cifar_core/export/a.py": "from cifar_core.analyse.compute import COMPUTE"}, 1),
        ({"cifar_core/commands/results/calibration.py": "from cifar_core.analyse.compute import keeping"}, 0),
        ({"cifar_core/analyse/process.py": "from cifar_core.analyse.compute import COMPUTE"}, 0),
        ({"pages/trust.py": "from cifar_core.analyse import computer"}, 0),
    ],
    sweeps_are_owned_in_one_process: [
        ({"pages/sweep.py": "from cifar_core.sweeps.owner.study import Study"}, 1),
        ({"cifar_core/sweeps/control.py": "from .owner import process", "cifar_core/sweeps/owner/__init__.py": ""}, 1),
        ({"cifar_core/commands/sweeps/sweep.py": "import cifar_core.sweeps.owner.process"}, 1),
        ({"cifar_core/sweeps/owner/loop.py": "from cifar_core.sweeps.owner.study import Study\nimport optuna"}, 0),
    ],
    pages_stand_alone: [
        ({"pages/home.py": "from pages.train import start"}, 1),
        ({"pages/ui/train/live_view.py": "from pages import train", "pages/train.py": ""}, 1),
    ],
    streamlit_is_patched_in_one_room: [
        (
            {"pages/ui/frame.py": "from streamlit.runtime.pages_manager import PagesManager\nimport streamlit.runtime"},
            2,
        ),
        ({"pages/home.py": "from streamlit import net_util, runtime"}, 2),
        ({"pages/ui/train/live_view.py": "manager.__class__ = Other"}, 1),
        ({"pages/ui/server/patching.py": "import streamlit.runtime\nmanager.__class__ = Other"}, 0),
    ],
    only_pages_lie_loose: [
        ({"pages/helpers.py": "def f(): ..."}, 2),
        ({"pages/home.py": "st.title('Home')\nsetup_page('Home')", "streamlit_app.py": 'st.Page("pages/home.py")'}, 1),
        ({"pages/home.py": "show(settings(setup_page('Home')))"}, 1),
    ],
    entry_defines_nothing: [({"streamlit_app.py": "def main():\n    pass\nshow = lambda: 1"}, 2)],
    files_stay_small: [({"pages/home.py": "x = 1\n" * 401}, 1)],
    functions_stay_small: [
        ({"pages/home.py": "def f():\n" + "    x = 1\n" * 41}, 1),
        (
            {
                "pages/home.py": "class A:\n    def f(self):\n        '''Two\n        lines.'''\n"
                + "        x = 1\n" * 41
            },
            1,
        ),
        ({"pages/home.py": "def f():\n    '''Two\n    lines.'''\n" + "    x = 1\n" * 40}, 0),
    ],
    folders_hold_few_files: [
        ({f"cifar_core/data/{name}.py": "" for name in "abcdefghijklmno"}, 1),
        ({f"pages/ui/{name}.py": "" for name in "abcdefghijklmno"}, 1),
        ({f"pages/{name}.py": "" for name in "abcdefghijklmno"}, 0),
    ],
    modules_are_named_in_one_table: [
        ({"cifar_core/runs/a.py": "spawn('cifar_core.runs.a')\nrun(f'-m cifar_core.runs.a --x={y}')"}, 2),
        ({"cifar_core/runs/a.py": "def f():\n    'As cifar_core.runs.a.'", PROGRAMS: "A = 'cifar_core.runs.a'"}, 0),
    ],
    only_tables_are_wide: [
        ({"cifar_core/data/a.py": f"X = 1  # {'x' * 120}\nf(a,\n  b)  {FMT_SKIP}\nY = [1, 2]  {FMT_SKIP}"}, 3),
        ({"cifar_core/data/a.py": f"X = {{1: 2, 3: 4, 5: '{'x' * 120}'}}\nY = [1, 2,\n 3]  {FMT_SKIP}"}, 0),
        ({"cifar_core/data/a.py": f"# fmt: off\nclass A:\n  x: int = f('{'x' * 120}')\n# fmt: on\n"}, 0),
        ({"cifar_core/data/a.py": "f(\n  a\n)  # why\nf(\n  [\n    a,\n  ],  # why\n)"}, 2),
        ({"cifar_core/data/a.py": "# why\nf(a)  # why\nf(\n  a\n)  # type: ignore\ng(\n  a\n)  # noqa: X1\n"}, 0),
    ],
    modules_say_what_they_are: [({"cifar_core/storage/atomic.py": "import os"}, 1)],
}


@pytest.fixture(scope="module")
def project() -> Sources:
    """All files of the library, the pages and the entry."""
    paths = [ROOT / "streamlit_app.py", *(ROOT / "cifar_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    return read({path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(project: Sources, rule: Callable[[Sources], Complaints]) -> None:
    complaints = list(rule(project))
    assert not complaints, f"{rule.__doc__}\n" + "\n".join(complaints)


def test_the_tests_keep_to_the_width_too() -> None:
    """Tests may be long otherwise: some tell a whole story."""
    files = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")}
    assert not list(only_tables_are_wide(read(files)))


@pytest.mark.parametrize(
    ("rule", "files", "count"),
    [
        pytest.param(rule, *case, id=f"{rule.__name__}-{n}")
        for rule, cases in RULES.items()
        for n, case in enumerate(cases)
    ],
)
def test_the_rule_can_fail(rule: Callable[[Sources], Complaints], files: dict[str, str], count: int) -> None:
    assert len(list(rule(read(files)))) == count


def test_good_sources_break_no_rule() -> None:
    good = {
        "streamlit_app.py": '"""Table."""\nimport streamlit as st\nst.navigation([st.Page("pages/home.py")]).run()',
        "pages/home.py": '"""Home."""\nimport os\nfrom pages.ui.frame import setup_page\nX = 1\ndef f(): return g()\n'
        "workspace = setup_page('Home')\nf()",
        "pages/ui/frame.py": '"""Frame."""\nimport streamlit as st\nfrom cifar_core.runs import Run\nfrom . import caches',
        "pages/ui/caches.py": '"""Caches."""\nimport cifar_core.export',
        "cifar_core/__init__.py": "",
        "cifar_core/__main__.py": '"""Main."""\nimport click\nfrom cifar_core import runs, errors\nfrom cifar_core.commands import train',
        "cifar_core/commands/train.py": '"""Train."""\nfrom cifar_core.train import trainer',
        "cifar_core/errors.py": '"""Errors."""',
        "cifar_core/runs/__init__.py": '"""Runs."""\nfrom cifar_core.runs.listing import x\nfrom ..errors import CifarCoreError',
        "cifar_core/runs/listing.py": '"""Store."""\nimport cifar_core\nfrom cifar_core.data.store import Split',
        "cifar_core/runs/training/process.py": '"""Training."""\nimport torch\nfrom .store import x',
    }
    assert [complaint for rule in RULES for complaint in rule(read(good))] == []


# What Python really loads


def loaded_by(module: str) -> tuple[set[str], float]:
    """The heavy packages that importing `module` loads in a fresh process, and the seconds that it takes."""
    code = (
        "import importlib, sys, time; start = time.perf_counter(); importlib.import_module(sys.argv[1]); "
        "seconds = time.perf_counter() - start; print(seconds, *[name for name in sys.argv[2:] if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, module, *HEAVY]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stderr
    seconds, *names = answer.stdout.split()
    return set(names), float(seconds)


@pytest.mark.parametrize("module", LIGHT)
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(module)[0] == set()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_analyses_take_little_memory_of_the_server() -> None:
    """Beside `cifar_core.runs`, which each page loads; measured in a process of its own."""
    code = (
        "import re, cifar_core.runs, cifar_core.figures\n"
        "resident = lambda: int(re.search(r'VmRSS:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
        "before = resident(); import cifar_core.analyse, cifar_core.analyse.table; print(resident() - before)"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert int(answer.stdout) < MAX_ANALYSE_MB * 1024, answer.stderr


def test_heavy_packages_would_be_seen() -> None:
    assert loaded_by("streamlit")[0] == {"streamlit"}
    assert loaded_by("scipy.stats")[0] == {"scipy"}
    assert "optuna" in loaded_by(OWNER + ".study")[0]


def test_importing_the_package_is_quick() -> None:
    assert min(loaded_by("cifar_core")[1] for _ in range(3)) < MAX_IMPORT_SECONDS


def test_every_module_has_a_caption(project: Sources) -> None:
    """docs/ARCHITECTURE.md names each module; a folder's __init__.py and the painters of drawn10 need no caption."""
    known = {
        source.path
        for source in project.values()
        if "/" in source.path.removeprefix("pages/")
        and not source.path.startswith("cifar_core/data/drawing/")
        and (not source.path.endswith("__init__.py") or source.path == "cifar_core/__init__.py")
    }
    assert known - captioned() == set(), "these have no caption"
    assert captioned() - known == set(), "these are not there"


def test_the_tree_is_where_it_should_be(project: Sources) -> None:
    """Guards the tests above against reading an empty folder."""
    assert {"streamlit_app", "cifar_core.config", "pages.home", "pages.ui.frame"} <= set(project)
    assert all(Path(ROOT / source.path).is_file() for source in project.values())
