"""Names in zips of old encodings: what the zip says counts; else the true reading is taken, or offered, never lost."""

import io
import struct
import time
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.data.sources.zip_names import (
    ENCODINGS,
    ask_for_encoding,
    possible_readings,
    raw_name,
    read_names,
    stored_name,
    was_read_as,
)
from cifar_core.errors import DataError
from tests.data.sources.class_words import ENCODINGS_OF, WORDS_OF

pytestmark = pytest.mark.fault(79)

CASES = [(script, encoding) for script, encodings in ENCODINGS_OF.items() for encoding in encodings]


def encoded(words: tuple[str, ...] | list[str], encoding: str) -> list[bytes]:
    """Names of pictures in these classes, as an old tool writes them; what the encoding lacks is left out of a word."""
    codec = {"gbk": "gb18030", "shift_jis": "cp932", "big5": "cp950", "euc_kr": "cp949"}.get(encoding, encoding)
    words = [word for word in words if not word.encode(codec, "ignore").isascii()]
    return [f"train/{word}/{number:03}.png".encode(codec, "ignore") for number, word in enumerate(words)]


def classes(names: list[str]) -> list[str]:
    return [name.split("/")[1] for name in names]


def info_of(raw: bytes, *, flagged: bool = False, extra: bytes = b"") -> zipfile.ZipInfo:
    """The entry of a name in a zip whose names are these very bytes, as `zipfile` reads it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        info = zipfile.ZipInfo("x" * len(raw))
        info.extra = extra
        archive.writestr(info, b"")
    content = bytearray(stream.getvalue().replace(b"x" * len(raw), raw))
    if flagged:
        for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            content[content.index(signature) + offset + 1] |= 0x08
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.infolist()[0]


def unicode_path(name: str, raw: bytes, *, version: int = 1) -> bytes:
    """Info-ZIP's extra field, after one of another kind."""
    field = struct.pack("<BL", version, zlib.crc32(raw)) + name.encode()
    return struct.pack("<HHL", 0x9999, 4, 7) + struct.pack("<HH", 0x7075, len(field)) + field


def test_what_the_zip_says() -> None:
    gbk = "train/猫/1.png".encode("gbk")
    assert stored_name(info_of(b"train/cat/1.png")) == "train/cat/1.png"
    assert stored_name(info_of("train/猫/1.png".encode(), flagged=True)) == "train/猫/1.png"
    assert stored_name(info_of(gbk)) is None
    assert stored_name(info_of(gbk, extra=unicode_path("train/猫/1.png", gbk))) == "train/猫/1.png"


@pytest.mark.parametrize(
    "extra",
    [
        unicode_path("train/犬/1.png", b"the name before it was renamed"),
        unicode_path("train/犬/1.png", b"caf\x82", version=2),
        unicode_path("train/犬/1.png", b"caf\x82")[:-3],
        struct.pack("<HHBL", 0x7075, 5, 1, zlib.crc32(b"caf\x82")),
        struct.pack("<HHBL", 0x7075, 7, 1, zlib.crc32(b"caf\x82")) + b"\xff\xfe",
    ],
)
def test_an_extra_field_that_does_not_fit_is_ignored(extra: bytes) -> None:
    """Of another name, of a version unknown, cut off, empty, or not UTF-8."""
    info = zipfile.ZipInfo("café")
    info.extra = extra
    assert stored_name(info) is None


@given(st.binary(min_size=1, max_size=40).filter(lambda raw: b"x" not in raw))
def test_the_raw_bytes_are_found_again(raw: bytes) -> None:
    """Also NUL, which cuts `ZipInfo.filename`, and the backslash of a system."""
    assert raw_name(info_of(raw)) == raw


def test_raw_bytes_of_a_flagged_name() -> None:
    assert raw_name(info_of("猫/1.png".encode(), flagged=True)) == "猫/1.png".encode()


@pytest.mark.parametrize(("script", "encoding"), CASES)
def test_many_names_have_one_reading(script: str, encoding: str) -> None:
    raw = encoded(WORDS_OF[script], encoding)
    assert list(possible_readings(raw).values()) == [read_names(raw, encoding)]


@given(st.sampled_from(CASES), st.data())
def test_the_true_reading_is_never_lost(case: tuple[str, str], data: st.DataObject) -> None:
    """However few the names: it is the only one, or offered."""
    script, encoding = case
    words = data.draw(st.lists(st.sampled_from(WORDS_OF[script]), min_size=1, max_size=6, unique=True))
    raw = encoded(words, encoding)
    assert read_names(raw, encoding) in possible_readings(raw).values()


@given(st.sampled_from(sorted(WORDS_OF)), st.data())
def test_utf8_is_surely_read(script: str, data: st.DataObject) -> None:
    """As tools of macOS write it, without saying so: two names are enough."""
    words = data.draw(st.lists(st.sampled_from(WORDS_OF[script]), min_size=2, max_size=6, unique=True))
    raw = [f"train/{word}/1.png".encode() for word in words]
    assert possible_readings(raw) == {"utf-8": [name.decode() for name in raw]}


@pytest.mark.parametrize(
    ("words", "encoding", "first"),
    [
        (["猫咪", "小狗"], "gbk", "gbk"),
        (["café", "Ünal-ß", "Straße"], "cp437", "cp437"),
        (["café", "Ünal-ß", "Straße"], "cp850", "cp437"),
        (["café", "Ünal-ß", "Straße"], "cp1252", "cp1252"),
        (["Äpfel", "Bäume", "Vögel", "Hühner"], "cp1252", "cp1252"),
        (["ねこ", "ネコ", "表"], "shift_jis", "shift_jis"),
        (["кошка", "собака"], "cp866", "cp866"),
        (["고양이", "강아지"], "euc_kr", "euc_kr"),
        (["ねこ", "いぬ"], "euc_jp", "euc_jp"),
        (["ห่าน", "แมว"], "cp874", "cp874"),
    ],
)
def test_the_likeliest_reading_comes_first(words: list[str], encoding: str, first: str) -> None:
    """Where several encodings read the same, the commonest gives its name."""
    readings = possible_readings(encoded(words, encoding))
    assert next(iter(readings)) == first
    assert classes(readings[first]) == words


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (["猫"], "gbk"),
        (["ﾈｺ", "ｲﾇ"], "shift_jis"),
        (["T恤", "U盘"], "gbk"),
        (["cat猫", "dog狗"], "gbk"),
        (["猫の家"], "gbk"),
        (["USBкабель"], "cp866"),
        (["été"], "cp850"),
        (["北海道", "青森", "秋田"], "euc_jp"),
        (["10½ in", "20° C"], "cp850"),
        (["école", "قطة"], "cp1256"),
        (["КОШКА", "СОБАКА"], "koi8-r"),
        (["①型", "Ⅱ型"], "gbk"),
    ],
)
def test_odd_names_are_offered(words: list[str], encoding: str) -> None:
    """One character that is UTF-8 by chance, half-width kana, Latin beside other letters, signs, capitals."""
    raw = encoded(words, encoding)
    assert read_names(raw, encoding) in possible_readings(raw).values()


def test_what_no_encoding_reads() -> None:
    """Boxes are in no name: so the person is asked instead of shown them."""
    assert possible_readings([b"train/\xad\xbc\xfc/1.png"]) == {}
    assert "no encoding reads them all: name it" in ask_for_encoding({})


def test_plain_names_and_none() -> None:
    assert possible_readings([b"0/1.png", b"1/1.png"]) == {"utf-8": ["0/1.png", "1/1.png"]}
    assert possible_readings([]) == {"utf-8": []}


@given(st.lists(st.binary(max_size=30), max_size=5))
def test_any_bytes(raw_names: list[bytes]) -> None:
    """Every reading offered has a known name, and as many names as there are."""
    for encoding, names in possible_readings(raw_names).items():
        assert names == read_names(raw_names, encoding)
        assert len(names) == len(raw_names)


def test_a_chosen_encoding() -> None:
    raw = encoded(["表", "猫"], "shift_jis")
    assert classes(read_names(raw, "shift_jis")) == ["表", "猫"]
    with pytest.raises(
        DataError, match=r"^The names in the zip are not euc_jp \(train/\\x95.* cannot be read\): choose"
    ):
        read_names(raw, "euc_jp")
    with pytest.raises(
        DataError, match=r"^'GBKK' is not an encoding of names \(did you mean 'gbk'\?\): choose utf-8, "
    ):
        read_names(raw, "GBKK")
    assert ENCODINGS[:2] == ("utf-8", "gbk")


def test_sentences() -> None:
    readings = possible_readings(encoded(["猫咪", "小狗"], "gbk"))
    sentence = ask_for_encoding(readings)
    assert "they may be gbk (猫咪, 小狗), euc_jp (" in sentence
    assert sentence.endswith("choose the right one, on the command line with --names gbk.")
    names = [f"top/{folder}/été {folder}.png" for folder in ("猫", "cat", "犬", "鳥", "馬")]
    assert was_read_as("shift_jis", names) == "The names in the zip were read as shift_jis: 猫, 犬, 鳥."
    assert was_read_as("cp437", ["train/cat/é\n1.png"]) == "The names in the zip were read as cp437: é 1.png."


def test_long_names_take_a_moment() -> None:
    """Too long ones are refused at once; long words of ASCII are gone through once."""
    began = time.perf_counter()
    with pytest.raises(DataError, match=r"The archive holds the name 'a+', which is too long: rename it"):
        possible_readings([b"a" * 64_999 + b"\x81"] * 4)
    for name in (b"%04d%c " + b"a" * 896, b"%04d" + b"a" * 896 + b"%c"):
        assert possible_readings([name % (number, 0x81 + number % 8) for number in range(1000)])
    assert time.perf_counter() - began < 1


def test_many_files_take_a_moment() -> None:
    raw = [f"train/{'猫狗鸟鱼'[number % 4]}咪/图片_{number}.png".encode("gbk") for number in range(300_000)]
    begin = time.process_time()
    readings = possible_readings(raw)
    assert time.process_time() - begin < 2
    assert readings["gbk"][-1] == "train/鱼咪/图片_299999.png"
