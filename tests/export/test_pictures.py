"""Exported pictures: the same pixels, safe names, whole or not at all."""

import errno
import io
import os
import re
import shutil
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cifar_core.data import delete_dataset, open_dataset
from cifar_core.data.dataset import Split
from cifar_core.errors import ConfigError, DataError, StorageError
from cifar_core.evaluate import CheckedPredictions
from cifar_core.export import file_name, require_exportable, safe_name, save_samples, zip_bytes, zip_samples
from cifar_core.export.contact_sheet import contact_sheet
from cifar_core.limits import LIMITS_FILE
from cifar_core.samples import SampleFilter, sample_table, select_samples
from cifar_core.storage.atomic import TEMP_MARK
from cifar_core.text import can_be_shown, is_device_name
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import ROOT, save_tiny

NAMES = ("cat", "dog/wolf", "=deer", "size")


class Case:
    """A split of random pictures with predictions."""

    def __init__(self, count: int = 40) -> None:
        rng = np.random.default_rng(0)
        labels = rng.integers(0, 4, count)
        self.probs = rng.dirichlet(np.full(4, 0.4), count).astype(np.float32)
        ids = np.array([f"test/{labels[index]}/{index:05d}.jpg" for index in range(count)])
        self.split = Split(rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8), labels, ids)
        self.table = sample_table(CheckedPredictions(labels, self.probs, NAMES), ids)
        self.selection = select_samples(self.table, SampleFilter(outcome="all"), "confidence")
        self.arguments = (self.split, self.selection, self.probs, NAMES, 3)


@pytest.fixture
def case() -> Case:
    return Case()


def pixels_of(content: bytes) -> np.ndarray:
    """uint8 [3, H, W] of a PNG."""
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return np.asarray(image).transpose(2, 0, 1)


def test_pixels_equal_the_datasets(workspace: Workspace, case: Case) -> None:
    export = save_samples(workspace, *case.arguments, label="quiet-otter-mistakes")
    assert re.fullmatch(r"\d{8}-\d{6}-quiet-otter-mistakes", export.folder.name)
    assert export.folder.parent == workspace.exports
    assert len(export.pictures) == len(case.selection)
    for path, index in zip(export.pictures, case.selection["index"], strict=True):
        assert (pixels_of(path.read_bytes()) == case.split.images[index]).all()
    others = {"pictures.csv", "contact-sheet.png"}
    assert {path.name for path in export.folder.iterdir()} == others | {path.name for path in export.pictures}


@pytest.mark.parametrize("enlarge", [2, 5, 16])
def test_enlarged_pixels_become_squares(workspace: Workspace, case: Case, enlarge: int) -> None:
    export = save_samples(
        workspace, case.split, case.selection.head(2), case.probs, NAMES, 3, label="x", enlarge=enlarge
    )
    for path, index in zip(export.pictures, case.selection["index"], strict=False):
        expected = case.split.images[index].repeat(enlarge, axis=1).repeat(enlarge, axis=2)
        assert (pixels_of(path.read_bytes()) == expected).all()


@pytest.mark.fault(47)
def test_table_reads_back_equal(workspace: Workspace, case: Case) -> None:
    export = save_samples(workspace, *case.arguments, label="x")
    table = pd.read_csv(export.table, keep_default_na=False)
    probabilities = [f"p_{name}" for name in NAMES]
    assert table.columns.tolist() == [
        *("rank", "id", "index", "epoch", "true", "predicted"),
        *probabilities,
        *("loss", "confidence", "margin", "entropy", "file"),
    ]
    assert table["rank"].tolist() == list(range(1, len(case.selection) + 1))
    assert set(table["epoch"]) == {3}
    assert table["file"].tolist() == [path.name for path in export.pictures]
    assert table["true"].str.removeprefix("'").tolist() == case.selection["true"].tolist()
    for column in ("id", "index", "loss", "confidence", "margin", "entropy"):
        assert table[column].tolist() == case.selection[column].tolist(), column
    probs = table[probabilities].to_numpy(dtype=np.float32)
    assert (probs == case.probs[case.selection["index"]]).all()


def test_names_say_rank_classes_confidence_and_id(workspace: Workspace, case: Case) -> None:
    export = save_samples(workspace, *case.arguments, label="x")
    names = [path.name for path in export.pictures]
    assert names == sorted(names)
    row = case.selection.iloc[0]
    number = f"{row['index']:05d}"
    true, predicted = safe_name(row["true"], 40), safe_name(row["predicted"], 40)
    assert names[0] == (
        f"001_true-{true}_pred-{predicted}_conf-{row['confidence']:.2f}_test-{row['true_index']}-{number}.png"
    )


# Scripts whose letters combine or join, what cannot be seen, and what file systems reserve.
PIECES = (
    *"aé語ह्िعא🔬❤ﬁ½²٣.-_/\\:",
    *("e\u0301", "\u0301", "\u200d", "\ufe0f", "\u202e", "\u3164", "CON", "NUL.", ".png", ".JPG"),
)
some_text = st.text(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=80).map("".join)


def is_kept(char: str) -> bool:
    return char == "-" or unicodedata.category(char)[0] in "LNM"


@pytest.mark.fault(65, 85)
@given(some_text, some_text, some_text, st.integers(1, 10_000), st.floats(0, 1))
def test_file_names_are_safe_whatever_the_text(name: str, true: str, predicted: str, rank: int, sure: float) -> None:
    made = file_name(rank, {"id": name, "true": true, "predicted": predicted, "confidence": sure}, digits=5)
    parts = re.fullmatch(r"(\d{5})_true-([^_.]+)_pred-([^_.]+)_conf-[01]\.\d\d_([^_.]+)\.png", made)
    assert parts, made
    assert int(parts[1]) == rank
    assert len(made.encode()) <= 200
    assert unicodedata.is_normalized("NFC", made)
    assert can_be_shown(made)
    for part in parts.groups()[1:]:
        assert all(map(is_kept, part)) and "--" not in part and part == part.strip("-")
        assert unicodedata.category(part[0])[0] != "M" and not is_device_name(part)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("cat", "cat"),
        ("../../etc/passwd", "etc-passwd"),
        ("größe", "größe"),
        ("cafe\u0301 à", "café-à"),
        ("猫", "猫"),
        ("語" * 64, "語" * 6),
        ("العربية", "العربية"),
        ("हिन्दी", "हिन्दी"),
        ("👩‍🔬", "x"),
        ("❤️ 1", "1"),
        ("\u0301", "x"),
        ("\u3164", "x"),
        ("a\u202eb", "a-b"),
        ("١٢٣", "١٢٣"),
        ("CON", "x-CON"),
        ("com¹", "x-com¹"),
        ("", "x"),
        ("...", "x"),
        ("a" * 50, "a" * 20),
        ("test/cat/v1.2", "test-cat-v1-2"),
        ("?!…", "x"),
        ("C:\\con", "C-con"),
    ],
)
def test_safe_name(text: str, safe: str) -> None:
    assert safe_name(text, 20) == safe


def test_a_long_name_keeps_its_end() -> None:
    """There the picture's own name is, which tells it from the others of its folder."""
    folder = "test/" + "very-long-class-name-" * 10
    assert safe_name(f"{folder}/00012", 16) == "class-name-00012"
    row = {"true": "cat", "predicted": "dog", "confidence": 0.5}
    made = [file_name(1, row | {"id": f"{folder}/{name}.png"}) for name in ("00012", "00013")]
    assert [name[-10:] for name in made] == ["-00012.png", "-00013.png"]


@pytest.mark.parametrize("ending", [".png", ".JPG", ".jpeg", ".jfif", ".webp", ".bmp", ".ppm", ".tif", ".png.png"])
def test_no_doubled_endings(ending: str) -> None:
    row = {"true": "cat", "predicted": "dog", "confidence": 0.5}
    assert (
        file_name(1, row | {"id": f"test/cat.v1/a.b{ending}"}) == "001_true-cat_pred-dog_conf-0.50_test-cat-v1-a-b.png"
    )
    assert file_name(1, row | {"id": ending}).endswith("_conf-0.50_x.png")


@pytest.mark.fault(66)
def test_zip_holds_the_same_files(workspace: Workspace, case: Case, tmp_path: Path) -> None:
    export = save_samples(workspace, *case.arguments, label="x", enlarge=2)
    content = zip_bytes(*case.arguments, enlarge=2)
    path = tmp_path / "pictures.zip"
    zip_samples(*case.arguments, path, enlarge=2)
    assert path.read_bytes() == content == zip_bytes(*case.arguments, enlarge=2)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            item.name: item.read_bytes() for item in export.folder.iterdir()
        }


def test_contact_sheet_shows_the_pictures_in_rank_order(workspace: Workspace, case: Case) -> None:
    export = save_samples(workspace, *case.arguments, label="x")
    sheet = pixels_of(export.contact_sheet.read_bytes())
    assert (sheet[:, 12:108:3, 12:108:3] == case.split.images[case.selection["index"][0]]).all()
    assert max(sheet.shape) < 1300
    assert (sheet[:, 108:150, 12:120] < 100).any(), "no caption below the first picture"


@pytest.mark.fault(65)
def test_a_name_that_is_taken_gets_a_number(workspace: Workspace, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [save_samples(workspace, *case.arguments, label="x").folder for _ in range(3)]
    assert len(set(folders)) == 3
    before = {path: path.stat().st_mtime_ns for path in folders}
    # Only the rename finds the clash, as if the folder had been created after the check.
    real = Path.exists
    monkeypatch.setattr(Path, "exists", lambda self, **_: False if self in folders else real(self))
    another = save_samples(workspace, *case.arguments, label="x").folder
    assert another not in folders
    assert before == {path: path.stat().st_mtime_ns for path in folders}
    assert not list(workspace.exports.glob(".tmp-*"))


@pytest.mark.fault(65)
def test_out_is_never_overwritten(workspace: Workspace, case: Case, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    assert save_samples(workspace, *case.arguments, label="x", out=out).folder == out
    before = sorted(out.iterdir())
    file = tmp_path / "file"
    file.write_text("mine")
    for taken in (out, file):
        with pytest.raises(ConfigError, match="in use already: give a folder that is new or empty"):
            save_samples(workspace, *case.arguments, label="x", out=taken)
    assert sorted(out.iterdir()) == before
    assert file.read_text() == "mine"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert len(save_samples(workspace, *case.arguments, label="x", out=empty).pictures) == 40


@pytest.mark.fault(14, 65)
@pytest.mark.parametrize(("fails_at", "name"), [(2, "001_"), (21, "020_"), (42, "contact-sheet"), (43, "pictures.csv")])
def test_a_full_disk_leaves_nothing(
    workspace: Workspace, case: Case, arm: Callable[[str], None], fails_at: int, name: str
) -> None:
    arm(f"write:{fails_at}:enospc")
    with pytest.raises(StorageError, match=f"disk is full while writing {name}.* free"):
        save_samples(workspace, *case.arguments, label="x")
    assert list(workspace.exports.iterdir()) == []


@pytest.mark.fault(85)
def test_classes_in_other_scripts_are_kept(
    workspace: Workspace, case: Case, tmp_path: Path, fonts_only_in: Callable[..., None]
) -> None:
    """File names keep their letters; the sheet says where the names of its numbers are."""
    names = ("café", "猫", "dog", "語" * 64)
    table = case.selection.assign(
        **{part: [names[index] for index in case.selection[f"{part}_index"]] for part in ("true", "predicted")}
    )
    fonts_only_in()
    export = save_samples(workspace, case.split, table, case.probs, names, 3, label="x")
    listed = pd.read_csv(export.folder / "classes.csv", keep_default_na=False)
    assert listed.to_numpy().tolist() == [[number, name] for number, name in enumerate(names)]
    with Image.open(export.contact_sheet) as noted:
        assert noted.height > contact_sheet([case.split.images[0]] * 40, [""] * 40).height
    assert sum("_true-猫_" in path.name for path in export.pictures) == (table["true"] == "猫").sum() > 0
    with zipfile.ZipFile(io.BytesIO(zip_bytes(case.split, table, case.probs, names, 3))) as archive:
        archive.extractall(tmp_path / "unzipped")
        assert all(info.flag_bits & 0x800 for info in archive.infolist() if not info.filename.isascii())
    assert {path.name for path in (tmp_path / "unzipped").iterdir()} == {path.name for path in export.folder.iterdir()}


@pytest.mark.fault(14, 66)
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_broken_zip_leaves_nothing(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    calls = 0
    real = zipfile.ZipFile.writestr

    def broken(self: zipfile.ZipFile, *arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 10:
            raise error
        real(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(zipfile.ZipFile, "writestr", broken)
    with pytest.raises(StorageError if isinstance(error, OSError) else KeyboardInterrupt):
        zip_samples(*case.arguments, tmp_path / "x.zip")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_zip_stays(case: Case, tmp_path: Path) -> None:
    target = tmp_path / "x.zip"
    target.write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        zip_samples(*case.arguments, target)
    assert target.read_text() == "mine"


@pytest.mark.fault(65)
def test_wrong_selections_are_refused(case: Case) -> None:
    split, selection, probs, names, epoch = case.arguments
    with pytest.raises(ConfigError, match="0 pictures are selected"):
        zip_bytes(split, selection.head(0), probs, names, epoch)
    many = pd.concat([selection] * 251)
    with pytest.raises(ConfigError, match="10,040 pictures are selected, but one export takes 1 to 10,000"):
        zip_bytes(split, many, probs, names, epoch)
    for enlarge in (0, 17, True, 1.5):
        with pytest.raises(ConfigError, match="whole number from 1 to 16"):
            zip_bytes(split, selection, probs, names, epoch, enlarge=enlarge)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="3 class names for 4"):
        zip_bytes(split, selection, probs, names[:3], epoch)
    with pytest.raises(DataError, match="but the dataset has 40 pictures"):
        zip_bytes(split, selection, probs[:30], names, epoch)
    for broken in (selection.assign(index=selection["index"] + 1), selection.assign(id="other")):
        with pytest.raises(DataError, match="another version of the dataset"):
            zip_bytes(split, broken, probs, names, epoch)


KILLED_HALF_WAY = """
import os, sys
from cifar_core.export import pictures, save_samples
from cifar_core.workspace import open_workspace
from tests.export.test_pictures import Case
made, real = [], pictures.to_png
pictures.to_png = lambda *arguments: os._exit(9) if len(made) == 30 else (made.append(1), real(*arguments))[1]
save_samples(open_workspace(sys.argv[1]), *Case().arguments, label="x")
"""


@pytest.mark.fault(65)
def test_a_killed_export_leaves_nothing_visible(workspace: Workspace) -> None:
    """It leaves a temporary folder, which a later opening of the workspace removes once it is old."""
    command = [sys.executable, "-c", KILLED_HALF_WAY, str(workspace.root)]
    assert subprocess.run(command, cwd=ROOT, timeout=60).returncode == 9
    (temporary,) = workspace.exports.iterdir()
    assert temporary.name.startswith(TEMP_MARK) and len(list(temporary.iterdir())) > 5
    os.utime(temporary, (0, 0))
    open_workspace(workspace.root)
    assert list(workspace.exports.iterdir()) == []


@pytest.mark.slow
@pytest.mark.fault(65)
def test_ten_thousand_pictures(workspace: Workspace) -> None:
    case = Case(10_000)
    export = save_samples(workspace, *case.arguments, label="all")
    assert len(set(export.pictures)) == 10_000 == len(list(export.folder.glob("*.png"))) - 1


@pytest.mark.fault(67)
@pytest.mark.parametrize("enlarge", [1, 4, 16])
def test_the_size_is_estimated_beforehand(workspace: Workspace, enlarge: int) -> None:
    """The estimate is within a quarter, without the contact sheet, whose size is limited."""
    case = Case(200)
    estimate = require_exportable(workspace, case.split, case.selection, NAMES, enlarge=enlarge)
    with zipfile.ZipFile(io.BytesIO(zip_bytes(*case.arguments, enlarge=enlarge))) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    actual = sum(sizes.values()) - sizes["contact-sheet.png"]
    assert 0.75 * actual < estimate < 1.25 * actual


@pytest.mark.fault(67)
def test_more_than_the_server_allows_is_refused(workspace: Workspace) -> None:
    case = Case(1000)
    (workspace.root / LIMITS_FILE).write_text('{"export_mb": 1}')
    with pytest.raises(ConfigError, match=r"1,000 pictures of this size are about 3\.\d MB, more than the 1\.0 MB"):
        save_samples(workspace, *case.arguments, label="x")
    assert list(workspace.exports.iterdir()) == []
    save_samples(workspace, case.split, case.selection.head(10), case.probs, NAMES, 3, label="x")


@pytest.mark.fault(65)
def test_an_export_without_room_is_refused(workspace: Workspace, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = type(shutil.disk_usage("/"))(10**9, 0, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: disk)
    with pytest.raises(StorageError, match=r"The export needs \d+ kB, but the disk has 1 kB free"):
        save_samples(workspace, *case.arguments, label="x")
    assert list(workspace.exports.iterdir()) == []


@pytest.mark.fault(66)
def test_a_dataset_that_is_deleted_meanwhile(workspace: Workspace) -> None:
    """The pictures of an opened dataset stay readable, so the ZIP is whole."""
    dataset = save_tiny(workspace)
    split = open_dataset(workspace, "tiny").test
    probs = np.full((len(split.labels), 10), 0.1, np.float32)
    table = sample_table(CheckedPredictions(split.labels, probs, dataset.class_names), split.ids)
    selection = select_samples(table, SampleFilter(outcome="all"), "confidence")
    delete_dataset(workspace, "tiny")
    with zipfile.ZipFile(io.BytesIO(zip_bytes(split, selection, probs, dataset.class_names, 3))) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 102
