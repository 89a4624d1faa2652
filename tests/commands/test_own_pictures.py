"""Pictures as people bring them, imported from the command line: each input does what its person would expect."""

import itertools
import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from cifar_core.__main__ import main
from cifar_core.commands.cli import cli
from cifar_core.data import Dataset, open_dataset
from cifar_core.data.sources.archive import Member
from cifar_core.data.sources.own.reading import Reading
from cifar_core.errors import DataError
from cifar_core.interrupts import ctrl_c_noted
from cifar_core.jobs.progress import CancelledError
from cifar_core.workspace import Workspace
from tests.data.conftest import noise_bytes, raw_zip, snapshot, tree
from tests.jobs.support import do_imports_at_once

Import = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def data_import(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> Import:
    """Run `data import ... --json` with its job in this process: (exit code, what it printed, what it said)."""

    do_imports_at_once(monkeypatch)

    def called(*arguments: object) -> tuple[int, dict[str, Any], str]:
        command = ["cifar_core", "data", "import", *map(str, arguments), "--json", "--workspace", str(workspace.root)]
        monkeypatch.setattr(sys, "argv", command)
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # the command sets its own
        with ctrl_c_noted():  # the command sets this as well
            code = main()
        output = capsys.readouterr()
        return code, json.loads(output.out or "{}"), output.err

    return called


def ids(dataset: Dataset, part: str) -> list[str]:
    return list(getattr(dataset, part).ids.tolist())


@pytest.mark.fault(78)
def test_numbered_classes_come_in_natural_order(data_import: Import, workspace: Workspace, tmp_path: Path) -> None:
    """The ids keep the order of texts that they always had."""
    names = [str(number) for number in range(13)]
    code, printed, _ = data_import(tree(tmp_path / "Num Bers", ["train", "test"], names, count=1))
    assert code == 0
    assert printed["name"] == "num-bers"
    assert printed["class_names"] == names
    dataset = open_dataset(workspace, "num-bers")
    assert ids(dataset, "train") == sorted(f"train/{name}/00.png" for name in names)
    assert [names[label] for label in dataset.train.labels] == [name.split("/")[1] for name in ids(dataset, "train")]


@pytest.mark.fault(77)
@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (["Train", "Test"], "Train is the training part (8 files) and Test is the test part (8 files)"),
        (["training", "testing"], "training is the training part (8 files) and testing is the test part"),
        (["training_set/training_set", "test_set/test_set"], "test_set is the test part (8 files)"),
        (["seg_train/seg_train", "seg_test/seg_test"], "seg_train is the training part (8 files)"),
        (["train", "val"], "val is the test part (8 files), as there is no other"),
        (["train/{}/images", "test/{}/images"], "train is the training part (8 files)"),
        (["deep/er/train", "deep/er/test"], "deep/er/test is the test part (8 files)"),
    ],
)
def test_parts_under_other_names(data_import: Import, tmp_path: Path, folders: list[str], said: str) -> None:
    """What was taken for what is said before the pictures are read, and after."""
    code, printed, err = data_import(tree(tmp_path / "pets", folders), "--name", "mine")
    assert (code, printed["train"], printed["test"], printed["left_out"]) == (0, 8, 8, 0)
    assert said in printed["report"][0]
    assert "8 training pictures from" in printed["report"][-1]
    assert err.splitlines()[:-1] == printed["report"]
    assert err.splitlines()[-1] == "mine is ready: 8 training and 8 test pictures, 2 classes."


@pytest.mark.fault(77)
def test_three_parts(data_import: Import, workspace: Workspace, tmp_path: Path) -> None:
    """The validation part is kept within the training part, and the test part stays as it is."""
    source = tree(tmp_path / "pets", ["train", "valid", "test"], count=3)
    code, printed, err = data_import(source)
    assert (code, printed["train"], printed["validation"], printed["test"]) == (0, 12, 6, 6)
    assert "6 training, 6 validation and 6 test pictures" in err
    dataset = open_dataset(workspace, "pets")
    assert dataset.validation is not None
    assert all(name.startswith("valid/") for name in dataset.train.ids[dataset.validation])
    assert all(name.startswith("test/") for name in ids(dataset, "test"))


@pytest.mark.fault(77)
def test_class_folders_are_parted(data_import: Import, workspace: Workspace, tmp_path: Path) -> None:
    """Stratified; the same seed gives the same test part, whatever the container."""
    source = tree(tmp_path / "pets", [""], count=10)
    (source / "empty").mkdir()
    (source / "cat" / "99.png").write_bytes(noise_bytes(99))
    code, printed, _ = data_import(source)
    assert (code, printed["train"], printed["test"]) == (0, 17, 4)
    assert "The top folder holds 2 classes (21 files) in one part: a test part is drawn" in printed["report"][0]
    assert "Folders without a picture: empty." in printed["report"]
    first = open_dataset(workspace, "pets")
    assert np.bincount(first.test.labels).tolist() == [2, 2]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in sorted(source.rglob("*.png"), reverse=True):
            archive.write(file, file.relative_to(source))
    assert data_import(tmp_path / "a.zip")[0] == 0
    assert open_dataset(workspace, "a").fingerprint == first.fingerprint
    assert data_import(source, "--name", "other", "--seed", "1", "--test-share", "0.5")[1]["test"] == 10
    assert data_import(source, "--name", "third", "--seed", "1")[0] == 0
    assert ids(open_dataset(workspace, "third"), "test") != ids(first, "test")


@pytest.mark.fault(77)
def test_one_picture_of_each_class_stays_for_training(
    data_import: Import, workspace: Workspace, tmp_path: Path
) -> None:
    source = tree(tmp_path / "pets", [""], ["cat", "dog"], count=5)
    tree(source, [""], ["one"], count=1)
    code, printed, _ = data_import(source, "--test-share", "0.9")
    assert code == 0
    assert any(sentence.startswith("No test pictures: one.") for sentence in printed["report"])
    dataset = open_dataset(workspace, "pets")
    assert np.bincount(dataset.train.labels, minlength=3).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--test-share", "0"], "The share of the test part is 0: give 0.01 to 0.9."),
        (["--test-share", "nan"], "The share of the test part is nan: give 0.01 to 0.9."),
        (["--test-share", "0.01"], "There are too few pictures for a test part"),
        (["--seed", "-1"], "The seed is -1: give a whole number from 0"),
    ],
)
def test_impossible_test_parts(
    data_import: Import, workspace: Workspace, tmp_path: Path, options: list[str], said: str
) -> None:
    source = tree(tmp_path / "pets", [""])
    before = snapshot(workspace.root)
    code, _, err = data_import(source, *options)
    assert code == 2 and said in err
    assert snapshot(workspace.root) == before


def test_a_share_for_a_test_part_that_is_there_is_refused(data_import: Import, tmp_path: Path) -> None:
    code, _, err = data_import(tree(tmp_path / "pets", ["train", "test"]), "--test-share", "0.3")
    assert code == 2 and "There is a test part, test: leave out --test-share." in err


@pytest.mark.fault(81)
def test_a_class_without_test_pictures(data_import: Import, workspace: Workspace, tmp_path: Path) -> None:
    source = tree(tree(tmp_path / "pets", ["train", "test"]), ["train"], ["rare"])
    (source / "test" / "rare").mkdir()
    code, printed, _ = data_import(source)
    assert (code, printed["class_names"]) == (0, ["cat", "dog", "rare"])
    assert "Folders without a picture: test/rare." in printed["report"]
    assert "No test pictures: rare. Scores of such a class are undefined." in printed["report"]


@pytest.mark.fault(81)
def test_a_class_only_in_test(data_import: Import, workspace: Workspace, tmp_path: Path) -> None:
    """It is refused, or left out."""
    source = tree(tree(tmp_path / "pets", ["train", "test"]), ["test"], ["fox"])
    code, _, err = data_import(source)
    assert code == 2
    assert "4 of 20 files cannot be used. fox has pictures in test but none in train" in err
    code, printed, _ = data_import(source, "--leave-out")
    assert (code, printed["class_names"], printed["left_out"]) == (0, ["cat", "dog"], 4)


@pytest.mark.fault(83)
@pytest.mark.parametrize("content", [b"", b"no picture", noise_bytes(0)[:200]])
def test_one_broken_file(data_import: Import, workspace: Workspace, tmp_path: Path, content: bytes) -> None:
    """The refusal names the switch; with it the other files are imported."""
    source = tree(tmp_path / "pets", ["train", "test"])
    (source / "train" / "cat" / "01.png").write_bytes(content)
    before = snapshot(workspace.root)
    code, _, err = data_import(source)
    assert code == 2
    assert "1 of 16 files cannot be used. train/cat/01.png " in err
    assert "Mend it, or import the other 15 with --leave-out." in err
    assert snapshot(workspace.root) == before
    code, printed, _ = data_import(source, "--leave-out")
    assert (code, printed["train"], printed["left_out"]) == (0, 7, 1)
    assert "1 file was left out:" in printed["report"]


@pytest.mark.fault(83)
def test_a_summary_never_says_that_nothing_was_found(data_import: Import, tmp_path: Path) -> None:
    """Where all files had to be left out."""
    source = tree(tmp_path / "pets", ["train", "test"])
    for file in source.rglob("*.png"):
        file.write_bytes(b"%PDF-1.7")
    code, _, err = data_import(source, "--leave-out")
    assert code == 2
    assert "No picture can be used: all 16 files had to be left out." in err
    assert "nothing" not in err


@pytest.mark.fault(83)
def test_a_part_of_broken_files(data_import: Import, workspace: Workspace, tmp_path: Path) -> None:
    """Without a test picture nothing is imported; without a validation picture the rest is."""
    for part in ("test", "valid"):
        source = tree(tmp_path / f"no-{part}", ["train", "valid", "test"])
        for file in (source / part).rglob("*.png"):
            file.write_bytes(b"")
    code, _, err = data_import(tmp_path / "no-test", "--leave-out")
    assert code == 2 and "No picture in test can be used, so there is no test part. test/" in err
    code, printed, _ = data_import(tmp_path / "no-valid", "--leave-out")
    assert (code, printed["validation"], printed["left_out"]) == (0, 0, 8)
    assert open_dataset(workspace, "no-valid").validation is None


@pytest.mark.fault(84)
@pytest.mark.parametrize(
    ("ending", "form"), [("jfif", "JPEG"), ("ppm", "PPM"), ("tif", "TIFF"), ("gif", "GIF"), ("dat", "PNG")]
)
def test_formats_are_told_by_content(data_import: Import, tmp_path: Path, ending: str, form: str) -> None:
    code, printed, _ = data_import(tree(tmp_path / "pets", ["train", "test"], ending=ending, form=form))
    assert (code, printed["train"], printed["left_out"]) == (0, 8, 0)


@pytest.mark.fault(84)
def test_a_large_photograph_is_reduced(data_import: Import, workspace: Workspace, tmp_path: Path) -> None:
    """Its own size is kept with the dataset."""
    source = tree(tmp_path / "pets", ["train", "test"])
    Image.new("RGB", (6200, 4100), (90, 140, 40)).save(source / "train" / "cat" / "00.jpg", quality=60)
    assert data_import(source)[0] == 0
    dataset = open_dataset(workspace, "pets")
    row = ids(dataset, "train").index("train/cat/00.jpg")
    assert dataset.train.sizes is not None
    assert dataset.train.sizes[row].tolist() == [6200, 4100]
    assert dataset.train.sizes[row + 1].tolist() == [32, 32]
    assert np.abs(dataset.train.images[row].mean(axis=(1, 2)) - (90, 140, 40)).max() < 3


def grey16(path: Path, peak: int) -> None:
    """A 16-bit grey picture whose left half is black."""
    pixels = np.zeros((32, 32), np.uint16)
    pixels[:, 16:] = peak
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.mark.fault(84)
@pytest.mark.parametrize(("peaks", "bits", "levels"), [((4095, 2048), 12, [255, 128]), ((4095, 65535), 16, [16, 255])])
def test_twelve_bits_in_sixteen(
    data_import: Import,
    workspace: Workspace,
    tmp_path: Path,
    peaks: tuple[int, int],
    bits: int,
    levels: list[int],
) -> None:
    """All pictures of the import decide what is white."""
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            for number, peak in enumerate(peaks):
                grey16(tmp_path / "scans" / part / name / f"{number}.png", peak)
    code, printed, _ = data_import(tmp_path / "scans")
    dataset = open_dataset(workspace, "scans")
    assert (code, dataset.grey_bits) == (0, bits)
    assert any("12 bits" in line for line in printed["report"]) == (bits == 12)
    assert dataset.train.images[:2, 0, 5, 20].tolist() == levels


@pytest.mark.fault(79)
def test_names_in_an_old_encoding(data_import: Import, workspace: Workspace, tmp_path: Path) -> None:
    """Where several readings make sense, each is shown and the person chooses; never is one silently wrong."""
    names = ["猫咪", "小狗"]
    packed = raw_zip(
        tmp_path / "gbk.zip",
        [f"{part}/{name}/{n}.png".encode("gbk") for part in ("train", "test") for name in names for n in range(2)],
    )
    before = snapshot(workspace.root)
    code, _, err = data_import(packed)
    assert code == 2 and "gbk (猫咪, 小狗)" in err and "--names gbk" in err
    assert snapshot(workspace.root) == before
    code, printed, _ = data_import(packed, "--names", "gbk")
    assert (code, sorted(printed["class_names"])) == (0, sorted(names))
    code, _, err = data_import(packed, "--name", "other", "--names", "gbkk")
    assert code == 2 and "did you mean 'gbk'?" in err


@pytest.mark.fault(79)
def test_names_with_one_reading(data_import: Import, tmp_path: Path) -> None:
    """It is taken, and said."""
    names = [
        f"{part}/{name}/1.png".encode("cp437") for part in ("train", "test") for name in ("café", "Straße", "Ünal-ß")
    ]
    code, printed, _ = data_import(raw_zip(tmp_path / "old.zip", names))
    assert (code, printed["class_names"]) == (0, ["café", "Straße", "Ünal-ß"])
    assert any("The names in the zip were read as cp437: café" in sentence for sentence in printed["report"])


@pytest.mark.fault(56, 79)
def test_backslashes_in_a_zip(data_import: Import, workspace: Workspace, tmp_path: Path) -> None:
    """They are separators, before the same checks as of any other path; also as a second byte of Shift-JIS."""
    names = [
        f"pets\\{part}\\{name}\\{n}.png" for part in ("train", "test") for name in ("cat", "dog") for n in range(2)
    ]
    code, printed, _ = data_import(raw_zip(tmp_path / "windows.zip", [name.encode() for name in names]))
    assert (code, printed["train"], printed["test"]) == (0, 4, 4)
    for evil in (b"a\\..\\..\\x.png", b"C:\\x.png", b"\\\\host\\share\\x.png", b"\\x.png", b"..\\x.png"):
        before = snapshot(workspace.root)
        code, _, err = data_import(raw_zip(tmp_path / "evil.zip", [*(name.encode() for name in names), evil]))
        assert code == 2 and "the whole archive was refused" in err
        assert snapshot(workspace.root) == before
    kana = [
        f"{part}\\{name}\\1.png".encode("shift_jis") for part in ("train", "test") for name in ("ソファ", "テーブル")
    ]
    code, printed, _ = data_import(raw_zip(tmp_path / "kana.zip", kana), "--names", "shift_jis")
    assert (code, printed["class_names"]) == (0, ["ソファ", "テーブル"])


@pytest.mark.fault(59)
def test_an_entry_twice(data_import: Import, workspace: Workspace, tmp_path: Path) -> None:
    """It is named; the first one counts where it is left out."""
    packed = tmp_path / "twice.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(tree(tmp_path / "pets", ["train", "test"]).rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path / "pets"))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("train/cat/00.png", noise_bytes(12345))
    code, _, err = data_import(packed)
    assert code == 2 and "train/cat/00.png occurs twice." in err
    assert data_import(packed, "--leave-out")[1]["left_out"] == 1
    assert data_import(tmp_path / "pets")[0] == 0
    assert open_dataset(workspace, "twice").fingerprint == open_dataset(workspace, "pets").fingerprint


@pytest.mark.fault(56)
def test_links_in_a_folder(data_import: Import, workspace: Workspace, tmp_path: Path) -> None:
    """Those that stay inside are read; others are named, or left out."""
    source = tree(tmp_path / "pets", ["train", "test"])
    (source / "train" / "cat" / "same.png").symlink_to(source / "train" / "dog" / "00.png")
    (source / "elsewhere").mkdir()
    (source / "elsewhere" / "x.png").write_bytes(noise_bytes(5))
    (source / "train" / "fox").symlink_to(source / "elsewhere")
    code, printed, _ = data_import(source)
    assert (code, printed["train"], printed["class_names"]) == (0, 10, ["cat", "dog", "fox"])
    (tmp_path / "out.png").write_bytes(noise_bytes(6))
    (source / "train" / "cat" / "out.png").symlink_to(tmp_path / "out.png")
    (source / "train" / "cat" / "loop").symlink_to(source / "train")
    (source / "train" / "cat" / "gone.png").symlink_to(tmp_path / "gone.png")
    code, _, err = data_import(source, "--name", "more")
    assert code == 2
    assert "train/cat/gone.png is a link that leads nowhere" in err
    assert "train/cat/loop is a link to a folder that it lies in" in err
    assert "train/cat/out.png is a link that leads out of the folder: put a copy of the file there." in err
    assert data_import(source, "--name", "more", "--leave-out")[1]["left_out"] == 3


def test_pasted_paths_and_names(data_import: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tree(tmp_path / "My Shapes", ["train", "test"])
    assert data_import(f"'{source}'")[1]["name"] == "my-shapes"
    code, _, err = data_import(source.as_uri())
    assert code == 2 and "There is already a dataset named my-shapes" in err
    assert data_import(source.as_uri(), "--name", "second")[0] == 0
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_import('"~/My Shapes"', "--name", "third")[0] == 0


@pytest.mark.fault(85)
def test_class_names_in_other_scripts(data_import: Import, tmp_path: Path) -> None:
    names = ["café", "Straße", "Ünal-ß", "猫", "日本語のとても長い名前"]
    code, printed, _ = data_import(tree(tmp_path / "letters", ["train", "test"], names, count=1))
    assert (code, sorted(printed["class_names"])) == (0, sorted(names))


@pytest.mark.fault(80)
def test_a_test_part_of_copies_is_said(data_import: Import, workspace: Workspace, tmp_path: Path) -> None:
    """By the import and by `data check`, in words, as JSON and as CSV."""
    source = tree(tmp_path / "leak", ["train"], count=10)
    shutil.copytree(source / "train", source / "test")
    shutil.copy(source / "train" / "cat" / "00.png", source / "train" / "dog" / "90.png")
    code, printed, err = data_import(source)
    found = {"test_in_train": 20, "label_conflicts": 1, "within_parts": 1}
    assert (code, printed["duplicates"]) == (0, found)
    assert "20 of 20 test pictures are also training pictures.\n1 picture stands under two classes or more." in err
    table = tmp_path / "pairs.csv"
    runner = CliRunner()
    arguments = ["data", "check", "leak", "--json", "--csv", str(table), "--workspace", str(workspace.root)]
    with ctrl_c_noted():  # the command sets this as well
        result, again = runner.invoke(cli, arguments), runner.invoke(cli, arguments)
    assert json.loads(result.stdout)["duplicates"] == found
    rows = pd.read_csv(table)
    assert rows[rows["group"] == 1]["id"].tolist() == ["train/cat/00.png", "train/dog/90.png", "test/cat/00.png"]
    assert rows["group"].nunique() == 20
    assert isinstance(again.exception, DataError) and "pairs.csv exists already" in str(again.exception)


@pytest.mark.fault(60)
def test_an_import_that_ended_early_goes_on_or_is_given_up(
    data_import: Import, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sentence says what has been read, and the way out."""
    source = tree(tmp_path / "pets", ["train", "test"])
    true = Reading.read

    def read_at_most(files: int, name: str) -> tuple[int, str]:
        reads = itertools.count()

        def read(reading: Reading, member: Member) -> None:
            if next(reads) == files:
                raise CancelledError("It was told to end.")
            true(reading, member)

        with monkeypatch.context() as patch:
            patch.setattr(Reading, "read", read)
            code, _, err = data_import(source, "--name", name)
        return code, err

    code, err = read_at_most(5, "pets")
    assert code != 0 and "5 of 16 files are read already" in err
    assert read_at_most(11, "pets")[0] == 0, "eleven files were left to read"
    assert len(open_dataset(workspace, "pets").train.labels) == 8
    assert "`data give-up other`" in read_at_most(5, "other")[1]
    runner = CliRunner()
    arguments = ["data", "give-up", "other", "--workspace", str(workspace.root)]
    with ctrl_c_noted():
        given_up, again = runner.invoke(cli, arguments), runner.invoke(cli, arguments)
    assert given_up.exit_code == 0
    assert isinstance(again.exception, DataError) and "no unfinished import named other" in str(again.exception)
