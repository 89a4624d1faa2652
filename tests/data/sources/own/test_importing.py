"""Importing pictures: folder, zip and tar give the same dataset; a dangerous or broken one leaves nothing behind."""

import io
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.data import FORMATS, open_dataset
from cifar_core.data.sources.archive_limits import ArchiveLimits, checked_path
from cifar_core.data.sources.own.importing import CIFAR_CLASSES, ImportRefusedError, import_pictures
from cifar_core.data.sources.own.options import ImportOptions
from cifar_core.errors import DataError
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import ROOT
from tests.data.conftest import Packer, picture_bytes, small_set, snapshot, write_folder, write_tar, write_zip


def tar_of(mode: str) -> Packer:
    return lambda files, target: write_tar(files, target, mode=mode)


PACKERS: dict[str, Packer] = {
    "folder": write_folder,
    "zip": write_zip,
    "tar": tar_of("w"),
    "gz": tar_of("w:gz"),
    "xz": tar_of("w:xz"),
    "bz2": tar_of("w:bz2"),
}


def refused(workspace: Workspace, path: Path, message: str, limits: ArchiveLimits | None = None) -> DataError:
    """Check that the import fails with this message and does not change a byte of the workspace."""
    before = snapshot(workspace.root)
    with pytest.raises(DataError, match=message) as caught:
        import_pictures(workspace, path, "mine", limits=limits)
    assert snapshot(workspace.root) == before
    return caught.value


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("top", ["", "my pictures/", "./"])
def test_every_container_gives_the_same_dataset(workspace: Workspace, tmp_path: Path, kind: str, top: str) -> None:
    """With or without a folder above, and in any order inside; the file name does not matter."""
    files = dict(reversed(small_set(top=top).items()))
    dataset, findings = import_pictures(workspace, PACKERS[kind](files, tmp_path / "upload.dat"), "mine")
    reference, _ = import_pictures(workspace, write_folder(small_set(), tmp_path / "plain"), "plain")
    above = top.removeprefix("./")
    assert findings.report == [
        f"{above}train is the training part (6 files) and {above}test is the test part (4 files); 2 classes.",
        f"There are 6 training pictures from {above}train and 4 test pictures from {above}test.",
    ]
    assert dataset.fingerprint == reference.fingerprint
    assert dataset.class_names == ("cat", "dog")
    assert dataset.train.ids.tolist() == [f"train/{name}/{n:03d}.png" for name in ("cat", "dog") for n in range(3)]
    assert dataset.test.images[3, :, 9, 9].tolist() == [40, 20, 5]
    assert open_dataset(workspace, "mine").test.labels.tolist() == [0, 0, 1, 1]


def test_cifar_classes_come_in_their_own_order(workspace: Workspace, tmp_path: Path) -> None:
    """Other class names come in their natural order, whatever the case."""
    shuffled = tuple(reversed(CIFAR_CLASSES))
    dataset, _ = import_pictures(workspace, write_zip(small_set(shuffled, train=1, test=1), tmp_path / "a"), "ten")
    assert dataset.class_names == CIFAR_CLASSES
    other, _ = import_pictures(
        workspace, write_zip(small_set(("b10", "Z", "a", "B9"), train=1, test=1), tmp_path / "b"), "abc"
    )
    assert other.class_names == ("a", "B9", "b10", "Z")


@pytest.mark.fault(58)
def test_junk_and_other_files_are_skipped_and_counted(workspace: Workspace, tmp_path: Path) -> None:
    """Files that operating systems create, and a README."""
    files = {
        **small_set(),
        "__MACOSX/train/cat/._000.png": b"x",
        "train/.DS_Store": b"x",
        "train/cat/Thumbs.db": b"x",
        "README.txt": b"hello",
        "train/cat/labels.csv": b"1,2",
        "extra/1.png": picture_bytes(),
    }
    _, findings = import_pictures(workspace, write_zip(files, tmp_path / "a.zip"), "mine")
    assert findings.report[1:-1] == [
        "3 other files were passed over (extra, README.txt, train).",
        "3 hidden or system files were passed over.",
    ]


@pytest.mark.fault(59)
def test_unreadable_files_refuse_the_whole_and_are_listed(workspace: Workspace, tmp_path: Path) -> None:
    """Twenty are listed by name, and all are counted."""
    files = {**small_set(), **{f"train/cat/bad{number:02d}.png": b"no picture" for number in range(25)}}
    error = refused(workspace, write_zip(files, tmp_path / "a.zip"), "25 of 35 files cannot be used")
    assert isinstance(error, ImportRefusedError)
    assert error.findings.problems[0] == f"train/cat/bad00.png is not a {FORMATS} picture."
    assert error.findings.problems[20] == "... and 5 more files."
    assert (len(error.findings.problems), error.findings.problem_count, error.findings.usable) == (21, 25, 10)


@pytest.mark.fault(59)
def test_bad_files_are_left_out_where_the_person_says_so(workspace: Workspace, tmp_path: Path) -> None:
    """The rest is imported; what was left out is listed as in a refusal, and a class with no good file is dropped."""
    bad = {"train/cat/bad.png": b"no picture", "test/dog/deep/x.png": picture_bytes(), "train/fox/x.png": b"no fox"}
    packed = write_zip({**small_set(), **bad}, tmp_path / "a.zip")
    dataset, findings = import_pictures(workspace, packed, "mine", options=ImportOptions(leave_out=True))
    whole, _ = import_pictures(workspace, write_zip(small_set(), tmp_path / "b.zip"), "whole")
    assert dataset.fingerprint == whole.fingerprint
    assert findings.report[2:] == [
        "3 files were left out:",
        "test/dog/deep/x.png does not lie directly in a class folder.",
        f"train/cat/bad.png is not a {FORMATS} picture.",
        f"train/fox/x.png is not a {FORMATS} picture.",
    ]
    only_bad = write_zip(dict.fromkeys(small_set(), b"x"), tmp_path / "c.zip")
    before = snapshot(workspace.root)
    with pytest.raises(DataError, match="No picture can be used: all 10 files"):
        import_pictures(workspace, only_bad, "none", options=ImportOptions(leave_out=True))
    assert snapshot(workspace.root) == before


@pytest.mark.fault(59)
def test_one_picture_in_a_class_is_enough_and_a_name_that_occurs_twice_is_refused(
    workspace: Workspace, tmp_path: Path
) -> None:
    dataset, _ = import_pictures(workspace, write_zip(small_set(train=1, test=1), tmp_path / "a.zip"), "one")
    assert (len(dataset.train.labels), len(dataset.test.labels)) == (2, 2)
    twice = write_zip(small_set(), tmp_path / "b.zip")
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("train/cat/000.png", picture_bytes())
    refused(workspace, twice, r"train/cat/000\.png occurs twice")


@pytest.mark.fault(59)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train/x.png": picture_bytes()}, r"train/x\.png does not lie directly in a class folder"),
        ({"train/cat/deep/x.png": picture_bytes()}, "deep/x.png does not lie directly"),
        ({"test/fox/x.png": picture_bytes()}, "fox has pictures in test but none in train"),
        (small_set(top="more/"), "two sets of pictures .*more/train.*: import them one at a time"),
        ({"Train2/cat/x.png": picture_bytes()}, "train, Train2 would all be the training part"),
        ({"train/Cat/x.png": picture_bytes(), "test/Cat/x.png": picture_bytes()}, "Cat, cat differ only in capital"),
        ({f"{part}/{'x' * 65}/x.png": picture_bytes() for part in ("train", "test")}, "longer than 64"),
        (
            {"train/cat/u\u0308.png": picture_bytes(), "train/cat/\u00fc.png": picture_bytes()},
            "has the name of another",
        ),
    ],
)
def test_layouts_that_do_not_fit(workspace: Workspace, tmp_path: Path, change: dict[str, bytes], message: str) -> None:
    """The message says what is wrong with which file or class."""
    refused(workspace, write_zip({**small_set(), **change}, tmp_path / "a.zip"), message)


@pytest.mark.fault(58)
@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "found nothing"),
        ({"1.png": picture_bytes()}, "in no class folders: they must lie as train/<class>/<file>.*found 1.png"),
        ({"train/1.png": picture_bytes(), "test/1.png": picture_bytes()}, "in no class folders.*found test, train"),
        (small_set(("cat",)), "2 to 1,000 classes; here there is 1 .cat"),
        ({"cifar-10-batches-py/data_batch_1": b"x"}, "official CIFAR-10, changed or incomplete"),
    ],
)
@pytest.mark.parametrize("kind", ["folder", "zip", "gz"])
def test_nothing_to_import(
    workspace: Workspace, tmp_path: Path, kind: str, files: dict[str, bytes], message: str
) -> None:
    """The message has the expected layout and what was found."""
    (tmp_path / "source").mkdir()
    target = tmp_path / "source" if kind == "folder" else tmp_path / "a"
    refused(workspace, PACKERS[kind](files, target), message)


def test_a_missing_source_another_kind_of_file_and_a_taken_name(workspace: Workspace, tmp_path: Path) -> None:
    """They are refused before anything is read."""
    refused(workspace, tmp_path / "absent.zip", "There is no file or folder")
    (tmp_path / "a.zip").write_bytes(b"hello")
    refused(workspace, tmp_path / "a.zip", "neither a folder nor a zip nor a tar")
    source = write_zip(small_set(), tmp_path / "good.zip")
    import_pictures(workspace, source, "mine")
    refused(workspace, source, "already a dataset named mine")


@pytest.mark.fault(56)
@pytest.mark.parametrize(
    "name", ["../x.png", "train/../../x.png", "/etc/x.png", "C:\\x.png", "C:x.png", "a\\..\\x.png"]
)
@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_paths_that_lead_out_refuse_the_archive(workspace: Workspace, tmp_path: Path, kind: str, name: str) -> None:
    """No file is created anywhere."""
    before = snapshot(tmp_path)
    packed = PACKERS[kind]({**small_set(), name: picture_bytes()}, tmp_path / "evil")
    refused(workspace, packed, "the whole archive was refused")
    packed.unlink()
    assert snapshot(tmp_path) == before


@pytest.mark.fault(56)
@pytest.mark.parametrize("name", ["train/cat/a\n.png", "train/cat/\u202egnp.exe", "train/cat/\udcff.png"])
def test_names_that_cannot_be_shown(name: str) -> None:
    """Line breaks, right-to-left text, bytes that are not text."""
    with pytest.raises(DataError, match="cannot be shown"):
        checked_path(name)


@given(st.text(max_size=60))
def test_a_checked_path_stays_inside(name: str) -> None:
    """Any text is refused or gives parts without ".."."""
    try:
        parts = checked_path(name)
    except DataError:
        return
    inside = os.path.normpath("/".join(("/root", *parts)))
    assert inside == "/root" or inside.startswith("/root/")


@pytest.mark.fault(56)
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar(workspace: Workspace, tmp_path: Path, kind: bytes) -> None:
    """The whole tar is refused."""
    packed = write_tar(small_set(), tmp_path / "a.tar", mode="w")
    with tarfile.open(packed, "a") as archive:
        info = tarfile.TarInfo("train/cat/link.png")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    refused(workspace, packed, "train/cat/link.png, which is a link, a device")


@pytest.mark.fault(56)
@pytest.mark.parametrize("sparse", [True, False])
def test_sparse_files_in_a_tar(workspace: Workspace, tmp_path: Path, sparse: bool) -> None:
    """A few bytes may claim to be a large file: the tar is refused. As an ordinary file the picture is imported."""
    packed, picture = write_tar(small_set(), tmp_path / "a.tar", mode="w"), picture_bytes((1, 2, 3))
    with tarfile.open(packed, "a", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("train/cat/sparse.png")
        info.size = len(picture)
        if sparse:  # its content is complete: nothing else is wrong with it
            info.pax_headers = {"GNU.sparse.map": f"0,{len(picture)}", "GNU.sparse.size": str(len(picture))}
        archive.addfile(info, io.BytesIO(picture))
    if sparse:
        refused(workspace, packed, "train/cat/sparse.png, .* a sparse file: the whole tar was refused")
    else:
        assert len(import_pictures(workspace, packed, "mine")[0].train.labels) == 7


@pytest.mark.fault(56)
def test_links_in_a_zip_and_a_folder(workspace: Workspace, tmp_path: Path) -> None:
    """In a zip the attributes of the entry tell."""
    packed = write_zip(small_set(), tmp_path / "a.zip")
    with zipfile.ZipFile(packed, "a") as archive:
        info = zipfile.ZipInfo("train/cat/link.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    refused(workspace, packed, "train/cat/link.png, which is a link or a device")
    folder = write_folder(small_set(), tmp_path / "folder")
    (folder / "train" / "cat" / "link.png").symlink_to("/etc/passwd")
    refused(workspace, folder, "link.png is a link")


def with_first_entry(packed: Path, change: Callable[[bytearray, int, int], None]) -> Path:
    """The zip with its first local and central header changed in place."""
    content = bytearray(packed.read_bytes())
    change(content, content.index(b"PK\x03\x04"), content.index(b"PK\x01\x02"))
    packed.write_bytes(content)
    return packed


@pytest.mark.fault(56)
def test_an_encrypted_zip(workspace: Workspace, tmp_path: Path) -> None:
    """It is refused before any file is read."""

    def encrypt(content: bytearray, local: int, central: int) -> None:
        content[local + 6] |= 1
        content[central + 8] |= 1

    refused(
        workspace,
        with_first_entry(write_zip(small_set(), tmp_path / "a.zip"), encrypt),
        "000.png in the zip is encrypted",
    )


@pytest.mark.fault(56, 57)
def test_a_zip_that_lies_about_sizes(workspace: Workspace, tmp_path: Path) -> None:
    """A file that unpacks to more than the zip states counts as damaged."""

    def lie(content: bytearray, local: int, central: int) -> None:
        struct.pack_into("<I", content, local + 22, 10)
        struct.pack_into("<I", content, central + 24, 10)

    refused(workspace, with_first_entry(write_zip(small_set(), tmp_path / "a.zip"), lie), "damaged or incomplete")


@pytest.mark.fault(56, 57)
@pytest.mark.parametrize("how", ["one inside another", "the same twice", "the list of files"])
def test_files_of_a_zip_that_share_bytes(workspace: Workspace, tmp_path: Path, how: str) -> None:
    """A few kilobytes would be unpacked again and again; it is refused before any file is read."""
    packed = write_zip(small_set(), tmp_path / "a.zip")
    content = bytearray(packed.read_bytes())
    first = content.index(b"PK\x01\x02")
    second, last = content.index(b"PK\x01\x02", first + 1), content.rindex(b"PK\x01\x02")
    if how == "one inside another":
        struct.pack_into("<I", content, first + 20, 200)  # its packed bytes reach over the next file
    elif how == "the same twice":
        content[second + 42 : second + 46] = content[first + 42 : first + 46]
    else:
        struct.pack_into("<I", content, last + 20, 5000)
    packed.write_bytes(content)
    refused(workspace, packed, "overlaps")


@pytest.mark.fault(58)
def test_a_zip_without_its_first_file_is_damaged(workspace: Workspace, tmp_path: Path) -> None:
    """`zipfile` would place that file before the beginning."""
    path = write_zip(small_set(), tmp_path / "a.zip")
    with zipfile.ZipFile(path) as archive:
        second = sorted(info.header_offset for info in archive.infolist())[1]
    path.write_bytes(path.read_bytes()[second:])
    refused(workspace, path, r"a\.zip is damaged or incomplete \(it does not begin with its first file")


def test_an_inner_zip_does_not_complete_an_incomplete_one(workspace: Workspace, tmp_path: Path) -> None:
    """A zip that is cut off right after a complete zip stored in it."""
    inner = write_zip(small_set(), tmp_path / "inner.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("first.txt", "x")
        archive.writestr("inner.zip", inner)
    content = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(content[: content.index(inner) + len(inner)])
    refused(workspace, tmp_path / "a.zip", r"a\.zip is damaged or incomplete")


@pytest.mark.fault(57)
def test_a_bomb_inside_a_zip_stays_packed(workspace: Workspace, tmp_path: Path) -> None:
    """A zip in a zip is a file that is not a picture."""
    bomb = write_zip({"train/cat/0.png": bytes(3_000_000)}, tmp_path / "bomb.zip").read_bytes()
    files = {**small_set(), "train/cat/inner.zip": bomb}
    refused(workspace, write_zip(files, tmp_path / "a.zip"), "train/cat/inner.zip is not a PNG")


@pytest.mark.fault(58)
def test_a_named_pipe_is_not_waited_for(workspace: Workspace, tmp_path: Path) -> None:
    """Reading it would never end."""
    os.mkfifo(tmp_path / "pipe.zip")
    refused(workspace, tmp_path / "pipe.zip", "pipe.zip is not a file")


@pytest.mark.fault(58)
@given(st.data())
def test_a_zip_with_any_bytes_changed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """It gives a dataset or a DataError, never another exception; after a refusal nothing is left."""
    folder = tmp_path_factory.mktemp("fuzz")
    packed = write_zip(small_set(train=1, test=1), folder / "a.zip")
    content = bytearray(packed.read_bytes())
    headers = [at for at in range(len(content)) if content[at : at + 2] == b"PK"]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.sampled_from([0, *headers]))
        at = min(len(content) - 1, start + data.draw(st.integers(0, 60)))
        content[at] = data.draw(st.integers(0, 255))
    packed.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) - 1, len(content) // 2]))])
    workspace = open_workspace(folder / "workspace")
    before = snapshot(workspace.root)
    try:
        import_pictures(workspace, packed, "mine")
    except DataError:
        assert snapshot(workspace.root) == before


@pytest.mark.fault(57)
@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_compression_without_a_limit_is_refused(workspace: Workspace, tmp_path: Path, method: int) -> None:
    """Python decompresses these in one go, whatever the size."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        for name, content in small_set().items():
            archive.writestr(name, content)
    refused(workspace, tmp_path / "a.zip", "compressed in an unusual way")


@pytest.mark.fault(58)
@pytest.mark.parametrize("kind", ["zip", "tar", "gz", "xz", "bz2"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_incomplete_archives(workspace: Workspace, tmp_path: Path, kind: str, keep: float) -> None:
    """Wherever the end is missing from."""
    packed = PACKERS[kind](small_set(), tmp_path / "a")
    content = packed.read_bytes().rstrip(b"\0")  # a tar ends with zeros, of which some may be missing
    packed.write_bytes(content[: int(len(content) * keep)])
    refused(workspace, packed, r"incomplete|neither")


@pytest.mark.fault(58)
def test_a_plain_tar_cut_between_two_files(workspace: Workspace, tmp_path: Path) -> None:
    """Only its missing end shows it."""
    packed = write_tar(small_set(), tmp_path / "a.tar", mode="w")
    with tarfile.open(packed) as archive:
        offset = archive.getmembers()[-1].offset
    packed.write_bytes(packed.read_bytes()[:offset])
    refused(workspace, packed, "its end is missing")


@pytest.mark.fault(58)
@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_a_flipped_bit(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    """The checksums of the archive reveal it."""
    files = {**small_set(), "zzz.txt": os.urandom(5000)}
    packed = PACKERS[kind](files, tmp_path / "a")
    content = bytearray(packed.read_bytes())
    content[content.index(b"train/dog/002.png") + 60 if kind == "zip" else -2000] ^= 16
    packed.write_bytes(content)
    refused(workspace, packed, "damaged or incomplete")


@pytest.mark.fault(57)
@pytest.mark.parametrize("kind", ["folder", "zip", "gz"])
def test_limits_on_count_and_size(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    """Each message names the archive or file and the limit."""
    packed = PACKERS[kind](small_set(), tmp_path / "a")
    refused(workspace, packed, f"{packed.name} holds more than the 9 files", ArchiveLimits(files=9))
    refused(workspace, packed, "larger than the 0 MB|more than the 0 MB", ArchiveLimits(file_bytes=50))
    refused(workspace, packed, f"{packed.name} holds more than the 0 MB", ArchiveLimits(total_bytes=500))


@pytest.mark.fault(57)
@pytest.mark.parametrize("kind", ["zip", "gz", "xz", "bz2"])
def test_bombs_stop_at_the_ratio(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    """Zeros are compressed a thousand to one; pictures never are."""
    files = {f"train/{name}/{number}.png": bytes(400_000) for name in ("cat", "dog") for number in range(10)}
    packed = PACKERS[kind](files, tmp_path / "bomb")
    refused(
        workspace,
        packed,
        "^bomb unpacks to more than 100 times its size",
        ArchiveLimits(ratio=100, ratio_from=1_000_000),
    )


@pytest.mark.fault(57)
def test_a_header_of_gigabytes_is_not_read_into_memory(workspace: Workspace, tmp_path: Path) -> None:
    """tarfile reads a whole extended header into memory; the limit on a file stops it before that."""
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 8 * 1024**3
    packed = tmp_path / "a.tar.xz"
    with tarfile.open(packed, "w:xz") as archive:
        stream = archive.fileobj
        assert stream is not None
        stream.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(12):
            stream.write(bytes(1024 * 1024))
    limits = ArchiveLimits(file_bytes=4 * 1024 * 1024)
    refused(workspace, packed, r"a\.tar\.xz holds a file or header of more than the 4 MB", limits)


@pytest.mark.fault(56, 57)
def test_a_zip_directory_that_is_too_long(workspace: Workspace, tmp_path: Path) -> None:
    """Its size is read from the end of the file, before Python reads it into memory; also with ZIP64."""
    packed = write_zip(small_set(), tmp_path / "a.zip")
    refused(workspace, packed, "a.zip holds more than the 2 files", ArchiveLimits(files=2))
    content = packed.read_bytes()
    end = content.index(b"PK\x05\x06")
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 10, 10, 10**9, 0)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    packed.write_bytes(content[:end] + record + locator + content[end:])
    refused(workspace, packed, "a.zip holds more than the 2,000,000 files")


@pytest.mark.fault(58)
def test_only_folders(workspace: Workspace, tmp_path: Path) -> None:
    """Entries of folders are not pictures."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("train/", "train/cat/", "test/"):
            archive.writestr(name, b"")
    refused(workspace, tmp_path / "a.zip", "No pictures found.*found test, train")


@pytest.mark.parametrize(
    ("shown", "display_name"),
    [
        ("cats & dogs.zip", "cats & dogs.zip"),
        ("  cats\n\u202edogs\t.zip ", "cats dogs .zip"),
        ("x" * 300, "x" * 99 + "…"),
        ("\n", "tmp-12.dat"),
    ],
)
def test_an_upload_is_called_what_the_person_calls_it(
    workspace: Workspace, tmp_path: Path, shown: str, display_name: str
) -> None:
    """In the source of the dataset and in every message, reduced to one line."""
    source = write_zip(small_set(), tmp_path / "tmp-12.dat")
    assert import_pictures(workspace, source, "mine", shown=shown)[0].source == f"Imported from {display_name}."
    for content, message in ((source.read_bytes()[:-30], "is damaged or incomplete"), (b"hello", "is neither")):
        source.write_bytes(content)
        with pytest.raises(DataError) as caught:
            import_pictures(workspace, source, "other", shown=shown)
        assert str(caught.value).startswith(f"{display_name} {message}")


def test_a_large_photograph_is_resized(workspace: Workspace, tmp_path: Path) -> None:
    """A picture of any size is converted."""
    files = {**small_set(), "train/cat/big.jpg": picture_bytes((250, 0, 0), size=3000, form="JPEG")}
    dataset, _ = import_pictures(workspace, write_zip(files, tmp_path / "a.zip"), "mine")
    row = dataset.train.ids.tolist().index("train/cat/big.jpg")
    assert dataset.train.images[row, 0].min() > 240


MEASURE = """
import resource, sys, time
from pathlib import Path
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.workspace import open_workspace
start = time.process_time()
dataset, findings = import_pictures(open_workspace(sys.argv[1]), Path(sys.argv[2]), "real")
status = Path("/proc/self/status")  # on Linux, ru_maxrss includes the memory of the parent process
if status.exists():
    peak = int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
print(time.process_time() - start, peak, findings.problem_count)
"""


@pytest.mark.slow
@pytest.mark.real_data
def test_the_real_pictures(workspace: Workspace, real_pictures: Path) -> None:
    """60,000 JPEG files take under 40 s of one core and 1 GB; order, counts and ids are those in their README."""
    command = [sys.executable, "-c", MEASURE, str(workspace.root), str(real_pictures)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    seconds, peak, reported = (float(value) for value in done.stdout.split())
    assert seconds < 40
    assert peak < 1e9
    assert reported == 0
    dataset = open_dataset(workspace, "real")
    assert dataset.class_names == CIFAR_CLASSES
    assert np.bincount(dataset.train.labels).tolist() == [5000] * 10
    assert np.bincount(dataset.test.labels).tolist() == [1000] * 10
    assert dataset.test.ids[0] == "test/airplane/00003.jpg"
    assert dataset.mean == pytest.approx((0.4914, 0.4822, 0.4465), abs=2e-3)  # of the official data
