"""Importing a zip of unknown origin: a valid run is imported, anything else is an error and changes nothing."""

import json
import os
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_core.config import spec_of
from cifar_core.errors import CifarCoreError, DataError, RunError
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import ImportedRun, import_run, list_runs, verify_run
from cifar_core.runs.hashed_tensors import with_hash
from cifar_core.runs.transfer import importing, manifest
from cifar_core.workspace import Workspace, open_workspace
from tests.runs.conftest import BAD_IDS, snapshot
from tests.runs.exported_runs import RUN, STORED, Change, edit, members, npy, npz, packed_run, rewrite

HISTORY = "predictions/test-0001.npy"
PROBS = np.load(STORED / HISTORY)
EVERY = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of a valid run."""
    return packed_run(open_workspace(tmp_path_factory.mktemp("origin") / "workspace"))


def refused(workspace: Workspace, path: Path, message: str = "") -> str:
    """Check that the import fails with this message in one line and changes nothing; returns the whole message."""
    before = snapshot(workspace.root)
    with pytest.raises((RunError, DataError)) as caught:
        import_run(workspace, path)
    assert re.search(message, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    assert snapshot(workspace.root) == before
    return str(caught.value)


def test_a_zip_that_was_unpacked_and_packed_again(workspace: Workspace, packed: Path, tmp_path: Path) -> None:
    """In another order, without the folder or in another one, and with files that operating systems add."""
    files = dict(sorted(members(packed).items()))
    for number, parent in enumerate(("", "my run/")):
        target = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(f"{parent}history/", b"")
            archive.writestr("__MACOSX/._config.json", b"junk")
            archive.writestr(f"{parent}.DS_Store", b"junk")
            for name, content in files.items():
                archive.writestr(parent + name, content)
        here = open_workspace(tmp_path / str(number))
        assert import_run(here, target).new
        assert verify_run(here, list_runs(here)[0].id) == []


RECORDS: list[tuple[str, Change, str]] = [
    ("config.json", b"", "config.json breaks a rule: config.json is not JSON"),
    ("config.json", b"[]", "it is not a JSON object"),
    ("config.json", b"[" * 100_000, "nested too deep"),
    ("config.json", b'{"schema_version": NaN}', "NaN is not a number"),
    ("config.json", None, "config.json cannot be read"),
    ("config.json", edit(schema_version=99), "made by a newer version of this program \\(schema 99\\)"),
    ("config.json", edit(schema_version=True), "schema_version must be a whole number"),
    ("config.json", edit(schema_version=0), "schema_version must be a whole number from 1"),
    ("config.json", edit(id="../x"), "id must be a name of 1 to 64 small letters"),
    ("config.json", edit(id="CON"), "id must be a name of 1 to 64 small letters"),
    ("config.json", edit(id="other-otter-7f3a"), "config.json is of another run than manifest.json"),
    ("config.json", edit(identity="0" * 64), "config.json is of another run than manifest.json"),
    ("config.json", edit(identity=7), "identity must be a SHA-256"),
    (
        "config.json",
        edit(origin="stolen"),
        "origin must be trained or continued or fine-tuned or imported or fold or trial",
    ),
    ("config.json", edit(origin="trial"), "a trial must name its sweep and its number there, from 1"),
    ("config.json", edit(sweep="calm-owl-1", trial=3), "and no other run may"),
    ("config.json", edit(origin="trial", sweep="calm-owl-1"), "a trial must name its sweep and its number"),
    ("config.json", edit(origin="trial", sweep="../x", trial=3), "sweep must be a name of"),
    ("config.json", edit(epoch_rule="mine"), "epoch_rule must be lowest-loss or earliest"),
    ("config.json", edit(split_rule="mine"), "split_rule must be one-of-three or share"),
    ("config.json", edit(first_schema=...), "first_schema is missing"),
    ("config.json", edit(created="yesterday"), "created must be a time"),
    ("config.json", edit(created="2026-11-22T14:46:13"), "created must be a time with a time zone"),
    ("config.json", edit(created="0001-01-01T00:00:00+14:00"), "created must be .* in the years 1970 to 2999"),
    ("config.json", edit(created="9999-12-31T23:59:59-12:00"), "created must be .* in the years 1970 to 2999"),
    ("config.json", edit(versions={f"p{n}": "1" for n in range(101)}), "at most 100"),
    ("config.json", edit(settings__dataset="../../etc"), "dataset is .* but must be a name of 1 to 64 small letters"),
    ("config.json", edit(settings=[]), "settings must be a JSON object"),
    ("config.json", edit(settings__learning_rate=1e9), "learning_rate is 1000000000.0, but must be"),
    ("config.json", edit(settings__epochs=10**30), "epochs is 1000"),
    ("config.json", edit(settings__seed=None), "seed is None"),
    ("config.json", edit(settings__evil="x"), "There is no setting 'evil'"),
    ("config.json", edit(settings__channels=[5, 4]), "does not fit the network of its settings"),
    ("config.json", edit(versions={"<script>": "1"}), "versions must be packages and their versions, at most 100"),
    (
        "config.json",
        edit(versions={"torch": "![x](http://host/p.png)"}),
        "versions must be packages and their versions, at most 100",
    ),
    ("config.json", edit(code="rm -rf"), "code must be a commit"),
    ("config.json", edit(lesson="a\nb"), "lesson holds characters that cannot be shown"),
    ("config.json", edit(lesson="x" * 81), "lesson must be a text of at most 80"),
    ("config.json", edit(expected_seconds=-1), "expected_seconds must be a number from 0"),
    ("config.json", edit(expected_seconds=10**400), "expected_seconds must be a number from 0"),
    ("status.json", edit(status="happy"), "status.json breaks a rule"),
    ("status.json", edit(error="a\nb"), "error holds characters that cannot be shown"),
    ("status.json", edit(error="x" * 2001), "error must be a text of at most 2,000"),
    ("status.json", edit(progress__epoch="many"), "epoch must be a whole number"),
    ("status.json", edit(progress__elapsed=-3), "elapsed must be a number from 0"),
    ("status.json", edit(progress__evil=1), "status.json breaks a rule"),
    ("status.json", edit(beat=10**400), "status.json breaks a rule"),
    ("about.json", edit(name="x" * 81), "name must be a text of at most 80"),
    ("about.json", edit(name="a\u202eb"), "name holds characters that cannot be shown"),
    ("about.json", edit(note=["x"]), "note must be a text"),
    ("facts.json", None, "facts.json names no test pictures"),
    ("facts.json", edit(dataset=...), "dataset is missing"),
    ("facts.json", edit(dataset__name="../x"), "facts.json breaks a rule"),
    ("facts.json", edit(dataset__class_names=["a"]), "class_names must be 2 to 1,000 different names"),
    ("facts.json", edit(dataset__class_names=["a"] * 10), "class_names must be 2 to 1,000 different names"),
    ("facts.json", edit(dataset__class_names=[str(n) for n in range(11)]), r"holds <f4 \[100, 10\] where"),
    ("facts.json", edit(dataset__class_names=["\x1b[2J", "b"]), "1 to 64 visible characters"),
    ("facts.json", edit(dataset__unvalidated=["\x1b[2J"]), "unvalidated must be at most 1,000 different names"),
    ("facts.json", edit(dataset__unvalidated="cat"), "unvalidated must be"),
    ("facts.json", edit(dataset__mean=[0.1, 0.2]), "mean must be a list of 3"),
    ("facts.json", edit(dataset__std=["a", "b", "c"]), "std must be a number"),
    ("facts.json", edit(dataset__fingerprint="x"), "fingerprint must be a SHA-256"),
    ("facts.json", edit(dataset__test_hash="0" * 64), "other labels or ids than facts.json says"),
    ("facts.json", edit(dataset__validation_seen=-1), "validation_seen must be"),
    ("facts.json", edit(dataset__test=10**9), "test must be a whole number from 0 to 10,000,000"),
    ("facts.json", edit(dataset__test=0), "names no test pictures"),
    ("facts.json", edit(dataset__test=99), r"holds <i8 \[100\] where <i8 \[99\] is expected"),
    ("facts.json", edit(warnings=[1]), "warnings must be a text"),
    ("facts.json", edit(exact="yes"), "exact must be true or false"),
]


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    ("name", "change", "message"), RECORDS, ids=[f"{name}-{message[:40]}" for name, _, message in RECORDS]
)
def test_records_that_break_a_rule(
    workspace: Workspace, packed: Path, tmp_path: Path, name: str, change: Change, message: str
) -> None:
    error = refused(workspace, rewrite(packed, tmp_path / "a.zip", {name: change}), message)
    assert error.startswith("a.zip was refused: ")


def metrics(**fields: Any) -> Callable[[bytes], bytes]:
    """metrics.jsonl with fields of its first line set."""

    def change(text: bytes) -> bytes:
        first, rest = text.split(b"\n", 1)
        return json.dumps(json.loads(first) | fields).encode() + b"\n" + rest

    return change


def point(**fields: Any) -> bytes:
    """within-epochs.jsonl with one point."""
    good = {"epoch": 1, "batch": 2, "batches": 8, "accuracy": 0.5, "pictures": 50, "part": "test"}
    return json.dumps(good | fields).encode() + b"\n"


def weights(**arrays: np.ndarray) -> Callable[[bytes], bytes]:
    return lambda content: safetensors.numpy.save({**safetensors.numpy.load(content), **arrays})


def changed(array: np.ndarray, place: Any, value: float) -> np.ndarray:
    copy = array.copy()
    copy[place] = value
    return copy


SEEN = np.zeros(100, np.uint8)
SEEN[3] = 1
CONTENTS: list[tuple[dict[str, Change], str]] = [
    ({"metrics.jsonl": b"{}\n"}, "Line 1 of metrics.jsonl cannot be read"),
    ({"metrics.jsonl": b"garbage\n"}, "Line 1 of metrics.jsonl cannot be read"),
    ({"metrics.jsonl": metrics(epoch=2)}, "does not number its epochs"),
    ({"metrics.jsonl": metrics(test_loss=float("nan"))}, "Line 1 of metrics.jsonl cannot be read"),
    ({"metrics.jsonl": metrics(train_accuracy=1.5)}, "train_accuracy must be a number from 0 to 1 or null, not .1.5"),
    ({"metrics.jsonl": metrics(seconds=-1)}, "seconds must be a number from 0 or null, not .-1"),
    ({"metrics.jsonl": b"\n" * 5_000_000}, "metrics.jsonl cannot be used: it is larger than the 4.0 MB"),
    ({"config.json": edit(settings__epochs=2)}, "metrics.jsonl has 3 epochs, the settings only 2"),
    ({"metrics.jsonl": None}, "does not belong to this run"),
    ({HISTORY: None}, "predictions/test-0001.npy is missing"),
    ({HISTORY: npy(PROBS[:-1])}, r"test-0001.npy cannot be used: it holds <f4 \[99, 10\] where <f4 \[100, 10\]"),
    ({HISTORY: npy(PROBS.astype(np.float64))}, r"holds <f8 \[100, 10\] where <f4 \[100, 10\]"),
    ({HISTORY: npy(changed(PROBS, (3, 3), np.nan))}, "a probability that is not a number"),
    ({HISTORY: npy(changed(PROBS, (3, 3), 1.5))}, "a probability outside 0 to 1"),
    ({HISTORY: npy(PROBS * 0.5)}, "probabilities that add up to 0.5, expected 1"),
    ({"predictions/test-0004.npy": npy(PROBS)}, "predictions/test-0004.npy does not belong to this run"),
    ({"predictions/test-0002.npy": npy(PROBS)}, "test-0002.npy cannot be used: it gives .* test accuracy, metrics.jsonl"),
    ({"within-epochs.jsonl": b"{}\n"}, "Line 1 of within-epochs.jsonl cannot be read"),
    ({"within-epochs.jsonl": point(accuracy=1.5)}, "accuracy must be a number from 0 to 1"),
    ({"within-epochs.jsonl": point(batch=9)}, "batch must not be above batches"),
    ({"within-epochs.jsonl": point(epoch=5)}, "has a point of epoch 5, the run came only to epoch 3"),
    ({"within-epochs.jsonl": point(pictures=101)}, "counts more pictures than facts.json names"),
    ({"within-epochs.jsonl": 2 * point()}, "has a point twice"),
    ({"within-epochs.jsonl": b"\n" * 5_000_000}, "within-epochs.jsonl cannot be used: it is larger than the 4.0 MB"),
    ({"predictions/test.npz": None}, "predictions/test.npz is missing"),
    ({"predictions/test.npz": b"PK"}, "predictions/test.npz"),
    ({"predictions/test.npz": npz(labels=lambda old: old[:-1])}, r"holds <i8 \[99\] where <i8 \[100\]"),
    ({"predictions/test.npz": npz(labels=lambda old: old + 1)}, "a label that is not the number of a class"),
    ({"predictions/test.npz": npz(labels=np.array([object()]))}, "does not hold plain numbers or texts"),
    ({"predictions/test.npz": npz(ids=lambda old: np.array(["x"] * len(old)))}, "two pictures the same id"),
    ({"predictions/test.npz": npz(ids=lambda old: old[::-1])}, "other labels or ids than facts.json says"),
    ({"predictions/validation.npz": None}, "predictions/validation.npz is missing"),
    ({"predictions/validation-0002.npy": None}, "predictions/validation-0002.npy is missing"),
    ({"predictions/validation-0002.npy": npy(PROBS[:30])}, "gives .* validation accuracy"),
    ({"predictions/test.npz": npz(extra=np.zeros(3))}, "and nothing else"),
    ({"predictions/test.npz": npz(ids=None)}, "and nothing else"),
    ({"predictions/test.npz": npz(seen=SEEN)}, "does not hold ids.npy, labels.npy and nothing else"),
    ({"facts.json": edit(dataset__test_seen=0)}, "does not hold ids.npy, labels.npy, seen.npy and nothing else"),
    ({"facts.json": edit(dataset__test_seen=3), "predictions/test.npz": npz(seen=SEEN)}, "counts other pictures as seen"),
    ({"facts.json": edit(dataset__test_seen=2), "predictions/test.npz": npz(seen=2 * SEEN)}, "counts other pictures"),
    ({"best/0002.safetensors": None}, "safetensors is missing"),
    ({"best/0002.safetensors": b"\x80\x04K\x01."}, "best/0002.safetensors cannot be used"),
    ({"best/0002.safetensors": weights(evil=np.zeros(3, np.float32))}, "'evil' does not belong there"),
    ({"best/0002.safetensors": weights(**{"fc3.bias": np.zeros(7, np.float32)})}, "fc3.bias is not F32"),
    ({"best/0002.safetensors": weights(**{"fc3.bias": np.full(10, np.inf, np.float32)})}, "values that are not numbers"),
    ({"best/0001.safetensors": b"x"}, "best/0001.safetensors does not belong to this run"),
    ({"last/0003.safetensors": b"x"}, "last/0003.safetensors cannot be used"),
    ({"last/0002.safetensors": b"x"}, "last/0002.safetensors does not belong to this run"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), CONTENTS, ids=[message[:50] for _, message in CONTENTS])
def test_results_that_break_a_rule(
    workspace: Workspace, packed: Path, tmp_path: Path, changes: dict[str, Change], message: str
) -> None:
    refused(workspace, rewrite(packed, tmp_path / "a.zip", changes), message)


def test_weights_that_do_not_match_their_own_hash(workspace: Workspace, packed: Path, tmp_path: Path) -> None:
    """They are refused even where the manifest matches them."""
    hashed = b"".join(with_hash(members(packed)["best/0002.safetensors"]))
    here = open_workspace(tmp_path / "here")
    assert import_run(here, rewrite(packed, tmp_path / "a.zip", {"best/0002.safetensors": hashed})).new
    swapped = hashed[:-8] + hashed[-4:] + hashed[-8:-4]
    refused(
        workspace, rewrite(packed, tmp_path / "b.zip", {"best/0002.safetensors": swapped}), "its SHA-256 does not match"
    )


@pytest.mark.fault(9)
def test_no_pickle_is_opened(workspace: Workspace, packed: Path, tmp_path: Path) -> None:
    """Neither in an array nor in a checkpoint."""

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {tmp_path / 'pwned'}",)

    array = np.array([Evil()], dtype=object)
    target = tmp_path / "evil.npy"
    np.save(target, array, allow_pickle=True)
    evil = target.read_bytes()
    for changes, message in (
        ({HISTORY: evil}, "does not hold plain numbers"),
        ({"predictions/test.npz": npz(labels=array)}, "does not hold plain numbers"),
        ({"best/0002.safetensors": evil}, "best/0002.safetensors cannot be used"),
        ({"checkpoint.pt": evil}, "checkpoint.pt', which is not a file of a run"),
        ({"checkpoints/0001-0000000.safetensors": evil}, "which is not a file of a run"),
    ):
        refused(workspace, rewrite(packed, tmp_path / "a.zip", changes), message)
    assert not (tmp_path / "pwned").exists()


MANIFESTS: list[tuple[Change, str]] = [
    (None, "it is not an exported run: it has no manifest.json"),
    (b"", "manifest.json cannot be read"),
    (b"[" * 100_000, "manifest.json cannot be read"),
    (b"[]", "manifest.json is not the manifest of a run"),
    (b" " * 2_000_000, "manifest.json is larger than"),
    (edit(format="x"), "is not the manifest of a run"),
    (edit(version=manifest.VERSION + 1), "was written by a newer version"),
    (edit(origin="x"), "origin must be a SHA-256"),
    (edit(files=[]), "files must be a JSON object"),
    (edit(files={}), "about.json is not listed in manifest.json"),
    (edit(files={"../x": {"bytes": 1, "sha256": "0" * 64}}), "lists '../x', which is not a file of a run"),
    (edit(files={"about.json": {"bytes": -1, "sha256": "0" * 64}}), "'about.json': bytes must be a whole number"),
    (edit(files={"about.json": {"bytes": True, "sha256": "0" * 64}}), "'about.json': bytes must be a whole number"),
    (edit(files={"about.json": {"bytes": 61, "sha256": "x"}}), "'about.json': sha256 must be a SHA-256"),
]


@pytest.mark.parametrize(("change", "message"), MANIFESTS, ids=[message for _, message in MANIFESTS])
def test_invalid_manifests(workspace: Workspace, packed: Path, tmp_path: Path, change: Change, message: str) -> None:
    refused(workspace, rewrite(packed, tmp_path / "a.zip", {"manifest.json": change}), message)


@pytest.mark.fault(44)
@pytest.mark.parametrize(
    "run_id",
    [*BAD_IDS, 7],
)
def test_ids_that_no_run_has(workspace: Workspace, packed: Path, tmp_path: Path, run_id: object) -> None:
    """An id in the manifest or in the records that no run can have is refused."""
    changes: dict[str, Change] = {"manifest.json": edit(run=run_id)}
    refused(workspace, rewrite(packed, tmp_path / "a.zip", changes), "run must be a name of 1 to 64 small letters")
    refused(
        workspace,
        rewrite(packed, tmp_path / "b.zip", {"config.json": edit(id=run_id)}),
        "id must be a name of 1 to 64 small letters",
    )


def test_a_file_that_does_not_match_the_manifest(workspace: Workspace, packed: Path, tmp_path: Path) -> None:
    swapped = rewrite(packed, tmp_path / "a.zip", {HISTORY: npy(PROBS[::-1].copy())}, matching_manifest=False)
    refused(
        workspace, swapped, "predictions/test-0001.npy in the zip does not match the size and hash in manifest.json"
    )


# The zip itself


def added(packed: Path, target: Path, name: str, content: bytes = b"x", attributes: int = 0) -> Path:
    """The zip with one more entry."""
    target.write_bytes(packed.read_bytes())
    with zipfile.ZipFile(target, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns about a name that is there twice
        info = zipfile.ZipInfo(name)
        info.external_attr = attributes
        archive.writestr(info, content)
    return target


@pytest.mark.fault(56)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../evil", "leads out of it"),
        (f"{RUN}/../../evil", "leads out of it"),
        ("/etc/evil", "a drive, a backslash or a leading slash"),
        ("C:\\evil", "a drive, a backslash or a leading slash"),
        ("C:evil", "a drive, a backslash or a leading slash"),
        (f"{RUN}/history\\test-0009.npy", "a drive, a backslash or a leading slash"),
        (f"{RUN}/con\u202efig.json", "cannot be shown"),
        (f"{RUN}/config.json", "overlaps|holds config.json twice"),
        ("other/config.json", "which is not a file of a run"),
        (f"{RUN}/worker.log", "which is not a file of a run"),
        (f"{RUN}/control-stop", "which is not a file of a run"),
        (f"{RUN}/checkpoint.pt", "which is not a file of a run"),
        (f"{RUN}/predictions/test-00001.npy", "which is not a file of a run"),
        (f"{RUN}/predictions/test-\u0661\u0661\u0661\u0661.npy", "which is not a file of a run"),
        (f"{RUN}/deep/config.json", "which is not a file of a run"),
    ],
)
def test_names_that_no_run_has(workspace: Workspace, packed: Path, tmp_path: Path, name: str, message: str) -> None:
    """The whole zip is refused and no file is written."""
    target = added(packed, tmp_path / "a.zip", name)
    before = snapshot(tmp_path)
    error = refused(workspace, target, message)
    assert any(part in error for part in (name, ascii(name)[1:-1], ascii(name[:80])[1:-1], "twice"))
    assert snapshot(tmp_path) == before


@pytest.mark.fault(56)
@pytest.mark.parametrize("kind", [0o120777, 0o020666, 0o010666], ids=["link", "device", "pipe"])
def test_links_and_devices(workspace: Workspace, packed: Path, tmp_path: Path, kind: int) -> None:
    target = added(packed, tmp_path / "a.zip", f"{RUN}/predictions/test-0009.npy", b"/etc/passwd", kind << 16)
    refused(workspace, target, "test-0009.npy, which is a link or a device")


def patched(packed: Path, target: Path, change: Callable[[bytearray, int, int], None]) -> Path:
    """The zip with the first local header and the first central header changed."""
    content = bytearray(packed.read_bytes())
    with zipfile.ZipFile(packed) as archive:
        change(content, 0, archive.start_dir)
    target.write_bytes(content)
    return target


@pytest.mark.fault(56, 57)
def test_encrypted_overlapping_and_lying_entries(workspace: Workspace, packed: Path, tmp_path: Path) -> None:
    def encrypt(content: bytearray, local: int, central: int) -> None:
        content[local + 6] |= 1
        content[central + 8] |= 1

    def overlap(content: bytearray, local: int, central: int) -> None:
        struct.pack_into("<I", content, central + 20, 20_000)

    def lie(content: bytearray, local: int, central: int) -> None:
        struct.pack_into("<I", content, local + 22, 10)
        struct.pack_into("<I", content, central + 24, 10)

    target = tmp_path / "a.zip"
    refused(workspace, patched(packed, target, encrypt), "is encrypted")
    refused(workspace, patched(packed, target, overlap), "overlaps another file")
    refused(workspace, patched(packed, target, lie), "damaged or incomplete")


def test_the_longest_run_fits_with_a_hidden_file_beside_each_of_its_own() -> None:
    """As macOS adds them to the zips that it makes."""
    assert 2 * (2 * spec_of("epochs").high + 12) < importing._MAX_FILES


@pytest.mark.fault(57)
def test_bombs(workspace: Workspace, packed: Path, tmp_path: Path) -> None:
    """Too many files, too many bytes, or a too high compression ratio, in the zip or in the zip inside it."""
    target = tmp_path / "a.zip"
    (workspace.root / LIMITS_FILE).write_text('{"export_mb": 1}')
    refused(workspace, rewrite(packed, target, {HISTORY: bytes(2_000_000)}), "more than the 1 MB")
    (workspace.root / LIMITS_FILE).write_text('{"export_mb": 1000}')
    refused(workspace, rewrite(packed, target, {HISTORY: bytes(80_000_000)}), "more than 200 times its size")
    target.write_bytes(packed.read_bytes())
    with zipfile.ZipFile(target, "a") as archive:
        for number in range(4001):
            archive.writestr(f"{RUN}/.{number}", b"")
    refused(workspace, target, "more than the 4,000 files")
    inner = tmp_path / "inner.npz"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ids.npy", b"x")
        archive.writestr("labels.npy", npy(np.zeros(9_000_000, np.int64)))
    changes: dict[str, Change] = {
        "predictions/test.npz": inner.read_bytes(),
        "facts.json": edit(dataset__test=9_000_000),
    }
    refused(workspace, rewrite(packed, target, changes), "holds 'ids.npy' compressed, which this program never does")


@pytest.mark.fault(58)
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95, 0.999])
def test_a_zip_that_is_cut_off(workspace: Workspace, packed: Path, tmp_path: Path, keep: float) -> None:
    content = packed.read_bytes()
    (tmp_path / "a.zip").write_bytes(content[: int(len(content) * keep)])
    refused(workspace, tmp_path / "a.zip", "a.zip is damaged or incomplete")


@pytest.mark.fault(58)
@pytest.mark.parametrize("names", [[], [f"{RUN}/", f"{RUN}/history/"], ["__MACOSX/x", "Thumbs.db"]])
def test_zips_with_nothing_in_them(workspace: Workspace, tmp_path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    refused(workspace, tmp_path / "a.zip", "it is not an exported run")


def test_a_name_that_is_taken_by_another_run(workspace: Workspace, packed: Path, tmp_path: Path) -> None:
    """An attacker may make a zip whose run would get the id of an existing run: the existing run is kept."""
    there = import_run(open_workspace(tmp_path / "there"), packed).run
    (workspace.runs / there).mkdir()
    (workspace.runs / there / "config.json").write_text("another run")
    refused(workspace, packed, f"this workspace has another run named {there}")


# Arbitrary zips


@pytest.mark.fault(56, 57, 58)
@EVERY
@given(st.data())
def test_a_zip_with_any_bytes_changed(workspace: Workspace, packed: Path, data: st.DataObject) -> None:
    content = bytearray(packed.read_bytes())
    headers = [at for at in range(len(content)) if content[at : at + 2] == b"PK"]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.sampled_from([0, *headers])) + data.draw(st.integers(0, 60))
        content[min(len(content) - 1, at)] = data.draw(st.integers(0, 255))
    target = workspace.root.parent / "fuzz.zip"
    target.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) - 1, len(content) // 2]))])
    check_imported_or_refused(workspace, target)


NAMES = [
    "config.json",
    "status.json",
    "about.json",
    "facts.json",
    "metrics.jsonl",
    "predictions/test.npz",
    "best/0002.safetensors",
    HISTORY,
    "manifest.json",
    "../x",
    "x",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.fault(41)
@EVERY
@given(st.data())
def test_records_with_any_value_changed(workspace: Workspace, packed: Path, data: st.DataObject) -> None:
    """With a matching manifest, as an attacker would make it."""
    name = data.draw(st.sampled_from(["config.json", "status.json", "about.json", "facts.json", "manifest.json"]))
    content = json.loads(members(packed)[name])
    inner, keys = content, []
    while isinstance(inner, dict) and inner and (not keys or data.draw(st.booleans())):
        keys.append(data.draw(st.sampled_from(sorted(inner))))
        inner = inner[keys[-1]]
    change = edit(**{"__".join(keys): data.draw(VALUES | st.just(...))})
    check_imported_or_refused(workspace, rewrite(packed, workspace.root.parent / "fuzz.zip", {name: change}))


@EVERY
@given(st.dictionaries(st.sampled_from(NAMES), st.binary(max_size=50), max_size=4), st.booleans())
def test_any_files_in_the_zip(
    workspace: Workspace, packed: Path, files: dict[str, bytes], matching_manifest: bool
) -> None:
    check_imported_or_refused(
        workspace, rewrite(packed, workspace.root.parent / "fuzz.zip", files, matching_manifest=matching_manifest)
    )


def check_imported_or_refused(workspace: Workspace, target: Path) -> None:
    """Check that a valid run is imported, or that a CifarCoreError is raised and nothing changes."""
    before = snapshot(workspace.root)
    try:
        imported = import_run(workspace, target)
    except CifarCoreError as error:
        assert "\n" not in str(error)
        assert snapshot(workspace.root) == before
        return
    assert isinstance(imported, ImportedRun)
    assert verify_run(workspace, imported.run) == []
    if imported.new:
        (workspace.runs / imported.run).rename(
            workspace.root.parent / f"in-{len(list(workspace.root.parent.iterdir()))}"
        )
