"""The encodings of the names in a zip: what the zip itself says of them, and else how they may be read.

Old tools write names as bytes of the encoding of their system, and do not say which. Each encoding that can read all of
them is weighed by how probable its characters are in names, so that a reading is taken, or asked for, and said. Reads
and writes nothing.
"""

import bisect
import functools
import math
import re
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from cifar_core.errors import DataError
from cifar_core.text import did_you_mean, one_line

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # the extra field of Info-ZIP with the name in UTF-8
_EXAMPLES = 3  # names that a sentence shows of each reading
_MAX_NAME = 4000  # bytes; no encoding takes more than four for one of the 1,000 characters that a path may have
_WORD = re.compile(rb"[\x40-\xff]+")  # no byte below 0x40 is part of a longer character in the encodings below
_WEIGHED = 50_000  # bytes of distinct words that are weighed, 5,000 of ten bytes; all are decoded
_MUCH = math.log(1e5)  # a reading this many times less probable than the best one is not offered

# Probabilities of single characters; only their ratios between two readings of the same bytes matter.
_ASCII = 1 / 50
_RARE = 1e-6  # a character of the script that no group names
_SIGN = 1e-6  # a sign beyond ASCII that stands in names
_ODD_SIGN = 1e-10  # any other
_ODD_PAIR = 1e-7  # letters of two scripts in one word; a capital after a small letter; a final letter inside
_MIXED_WIDTH = 1e-3  # half-width beside full-width kana
_EAST_ASIAN_PAIR = 1e-4  # letters of two scripts there, as in T恤
_CAPITAL_INSIDE = 0.5
_TWO_ACCENTS = 0.1  # two accented letters of the Latin script side by side
_SIGNS = frozenset("‘’“”„«»–—…°ºª½¿¡№®™©€£、。・「」『』【】《》〈〉〔〕〜～！＂＃＆（）＋，－．：；？＿")
_FINAL = frozenset("ךםןףץςةى")  # letters that stand at the end of words only
_LEADING = frozenset("เแโใไ")  # vowels of Thai that stand before their consonant
_BOXES = range(0x2500, 0x25A0)  # where encodings of DOS hold what they draw boxes with


@dataclass(frozen=True)
class _Encoding:
    """How an encoding is decoded, and what its names are written in."""

    codec: str
    script: str  # how the Unicode names of its letters begin, as a pattern
    groups: tuple[tuple[str, float], ...]  # characters, and the probability that a character is one of these


def _square(codec: str, leads: range) -> str:
    """The characters of a double-byte encoding whose first byte is one of these."""
    trails = bytes((*range(0x40, 0x7F), *range(0xA1, 0xFF)))
    pairs = b"".join(b"%c%c\n" % (lead, trail) for lead in leads for trail in trails)
    return "".join(char for char in pairs.decode(codec, "ignore") if not char.isascii())


_FREQUENT_HAN = (
    "一不人大中上下子地出年以生会自家学小心多天能好日发成手用主行方前本头面公老长分外高进法二理美点月明种全工儿正名女力机新打位重电"
    "门东海口西平气北少内化代入先山水市体白路常金反合放光王果清物台象边干色字花红黄青木火土石马牛羊鱼鸟虫车船飞衣食米豆草叶树竹蓝绿黑"
)
_FREQUENT_HANGUL = (
    "이가다고기지사자리시아인어나대상수도로하해일정서부장전주구보성비스제조소유동원모여안우무마화국물용신공산계미연개방차경행실식발생과"
    "의문선거라오바치타파카트프그드르크피포토키니디티"
)
_KANA = _square("euc_jp", range(0xA4, 0xA6))
_KANJI = (
    (_KANA + "ー々", 0.9),
    (_square("euc_jp", range(0xB0, 0xD0)), 0.7),
    (_square("euc_jp", range(0xD0, 0xF5)), 0.05),
    ("".join(map(chr, range(0xFF66, 0xFFA0))), 0.9),
)
_LATIN = "LATIN|MICRO SIGN"
_WESTERN = (("äöüßéèàêçñáíóúåøæâîôûëïãõìòùœ", 0.2), ("ðþýÿšž", 0.001))
_CENTRAL = (("áéíóúýąćęłńśźżčďěňřšťůžőűöüäßôľđ", 0.2), ("ăâîşţçëĺŕ", 0.01))
_TURKISH = (("çğıöşüİ", 0.2), ("âîûéêä", 0.01))
_RUSSIAN = (("оеаинтсрвлкмдпу", 0.8), ("яыьгзбчйхжшюцщэфъё", 0.18), ("іїєґўјљњћђџ", 0.01))
_GREEK = (("αεηιοστνρκπλμυςωάέήίόύώ", 0.85), ("βγδζθξφχψϊϋΐΰ", 0.15))
_HEBREW = (("יוהלאמתרבש", 0.7), ("גדזחטכךםנןסעפףצץק", 0.3))
_ARABIC = (("ابتثجحخدذرزسشصضطظعغفقكلمنهويةىأإآئؤء", 0.98), ("پچژگ", 0.02))
_THAI = (
    ("นรกงมวอยตลดทบสคพปหจชขผถซ", 0.55),
    ("าเ\u0e35\u0e31\u0e34ะ\u0e48\u0e49แ\u0e38\u0e39\u0e4cไโำ\u0e36\u0e37ใ\u0e47", 0.43),
    ("ฆฉฌญฎฏฐฑฒณธฝฟภฤศษฬฮฯๆ\u0e4a\u0e4b", 0.05),
)
_EAST_ASIAN = "FULLWIDTH LATIN|GREEK|"
_HAN = _EAST_ASIAN + "CJK (UNIFIED|COMPATIBILITY) IDEOGRAPH|"
_JAPANESE = _HAN + "HIRAGANA|KATAKANA|HALFWIDTH KATAKANA|IDEOGRAPHIC ITERATION"

# Commonest first: where several of a script read the same text, it goes by the name of the first.
_ENCODINGS = {
    "utf-8": _Encoding("utf-8", "", ()),
    "gbk": _Encoding(
        "gb18030",
        _HAN + "HIRAGANA|KATAKANA",
        (
            (_FREQUENT_HAN, 0.4),
            (_square("gb2312", range(0xB0, 0xD8)), 0.6),
            (_square("gb2312", range(0xD8, 0xF8)), 0.05),
            (_square("big5", range(0xA4, 0xC7)), 0.1),
            (_KANA, 0.01),
        ),
    ),
    "shift_jis": _Encoding("cp932", _JAPANESE, _KANJI),
    "big5": _Encoding(
        "cp950",
        _HAN + "BOPOMOFO",
        ((_square("big5", range(0xA4, 0xC7)), 0.97), (_square("big5", range(0xC9, 0xFA)), 0.03)),
    ),
    "euc_kr": _Encoding(
        "cp949", _EAST_ASIAN + "HANGUL", ((_FREQUENT_HANGUL, 0.5), (_square("euc_kr", range(0xB0, 0xC9)), 0.5))
    ),
    "euc_jp": _Encoding("euc_jp", _JAPANESE, _KANJI),
    "cp437": _Encoding("cp437", _LATIN, _WESTERN),
    "cp850": _Encoding("cp850", _LATIN, _WESTERN),
    "cp1252": _Encoding("cp1252", _LATIN, _WESTERN),
    "cp852": _Encoding("cp852", _LATIN, _CENTRAL),
    "cp1250": _Encoding("cp1250", _LATIN, _CENTRAL),
    "cp857": _Encoding("cp857", _LATIN, _TURKISH),
    "cp1254": _Encoding("cp1254", _LATIN, _TURKISH),
    "cp866": _Encoding("cp866", "CYRILLIC", _RUSSIAN),
    "cp1251": _Encoding("cp1251", "CYRILLIC", _RUSSIAN),
    "koi8-r": _Encoding("koi8-r", "CYRILLIC", _RUSSIAN),
    "cp737": _Encoding("cp737", "GREEK", _GREEK),
    "cp1253": _Encoding("cp1253", "GREEK", _GREEK),
    "cp862": _Encoding("cp862", "HEBREW", _HEBREW),
    "cp1255": _Encoding("cp1255", "HEBREW", _HEBREW),
    "cp720": _Encoding("cp720", "ARABIC|LATIN", _ARABIC),
    "cp1256": _Encoding("cp1256", "ARABIC|LATIN", _ARABIC),
    "cp874": _Encoding("cp874", "THAI CHARACTER", _THAI),
}
ENCODINGS = tuple(_ENCODINGS)  # the names that a person may choose


def raw_name(info: zipfile.ZipInfo) -> bytes:
    """The bytes of a name as they stand in the zip: `zipfile` reads them as UTF-8 where flagged, else as cp437."""
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8_FLAG else "cp437")


def stored_name(info: zipfile.ZipInfo) -> str | None:
    """A name where the zip says how it is encoded, or where it is plain ASCII; None where nobody knows."""
    if info.flag_bits & _UTF8_FLAG or info.orig_filename.isascii():
        return info.orig_filename
    return _unicode_path(info.extra, zlib.crc32(raw_name(info)))


def _unicode_path(extra: bytes, crc: int) -> str | None:
    """The name in Info-ZIP's extra field, unless it is that of another name, as after renaming by an old tool."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(field) == size > 5 and struct.unpack_from("<BL", field) == (1, crc):
            try:
                return field[5:].decode("utf-8")
            except UnicodeDecodeError:
                return None
    return None


def read_names(raw_names: Iterable[bytes], encoding: str) -> list[str]:
    """The names as read in one of ENCODINGS.

    Raises:
        DataError: there is no such encoding, or a name cannot be read in it.
    """
    if encoding not in _ENCODINGS:
        hint = did_you_mean(encoding, ENCODINGS)
        raise DataError(f"{one_line(encoding)!r} is not an encoding of names{hint}: choose {_choice(ENCODINGS)}.")
    codec = _ENCODINGS[encoding].codec
    names = []
    for raw in raw_names:
        try:
            names.append(raw.decode(codec))
        except UnicodeDecodeError as error:
            raise DataError(
                f"The names in the zip are not {encoding} ({one_line(raw.decode('ascii', 'backslashreplace'))} cannot "
                "be read): choose another encoding."
            ) from error
    return names


def possible_readings(raw_names: Sequence[bytes]) -> dict[str, list[str]]:
    """How names of unknown encoding may be read: the names as read by encoding, the most probable first.

    UTF-8 is the only reading where it fits, unless the names are so short that it may fit by chance. Otherwise an
    encoding is left out where it cannot read a name, reads what no name holds (another script, a box, a control
    character), or is far less probable than another. Readings with the same text count as one.

    Raises:
        DataError: a name is too long.
    """
    for raw in raw_names:
        if len(raw) > _MAX_NAME:
            raise DataError(f"The archive holds the name {ascii(raw[:200])[1:]}, which is too long: rename it.")
    if all(raw.isascii() for raw in raw_names):
        return {"utf-8": read_names(raw_names, "utf-8")}
    words = sorted({word for word in _WORD.findall(b"\n".join(raw_names)) if not word.isascii()})
    weighed = bisect.bisect(list(accumulate(map(len, words))), _WEIGHED) + 1
    best: dict[str, tuple[float, str]] = {}  # by text
    for name in ENCODINGS:
        try:
            text = b"\n".join(words).decode(_ENCODINGS[name].codec)
        except UnicodeDecodeError:
            continue
        if name == "utf-8" and _is_surely_utf8(text):
            return {name: read_names(raw_names, name)}
        weight = _weight(name, text, weighed)
        most, commoner = best.get(text, (-math.inf, name))
        if weight > most:
            same_script = _ENCODINGS[name].script == _ENCODINGS[commoner].script
            best[text] = weight, commoner if same_script else name
    return {name: read_names(raw_names, name) for name in _probable(list(best.values()))}


def _probable(weighed: Sequence[tuple[float, str]]) -> list[str]:
    """The encodings that are not far less probable than the best; UTF-8, which is not weighed, before them."""
    most = max((weight for weight, _ in weighed if weight < math.inf), default=0.0)
    close = [(weight, name) for weight, name in weighed if weight > most - _MUCH]
    return [name for _, name in sorted(close, key=lambda item: -item[0])]


def _is_surely_utf8(text: str) -> bool:
    """Whether bytes of another encoding would hardly be valid UTF-8 with this text: a single 猫 in GBK reads è."""
    beyond = {char for char in text if not char.isascii()}
    accented = any(_is_letter(a) and _is_letter(b) and a.isascii() != b.isascii() for a, b in pairwise(text))
    return accented or len(beyond) >= (2 if max(beyond, default="") >= "\u0800" else 3)


def _weight(name: str, text: str, words: int) -> float:
    """The logarithm of how probable a text is for names in the script of this encoding; minus infinity if not at all.

    Only its first `words` words are weighed. For UTF-8, which has all scripts and hardly fits by chance, it is
    infinity.
    """
    if name == "utf-8":
        return math.inf
    text = "\n".join(text.split("\n", words)[:words])
    singles = (count * _log(_probability(name, char)) for char, count in Counter(text).items())
    pairs = (count * _log(_pair(name, *pair)) for pair, count in Counter(pairwise(text)).items())
    return sum(singles) + sum(pairs)


def _log(probability: float) -> float:
    return math.log(probability) if probability else -math.inf


@functools.cache
def _probabilities(name: str) -> dict[str, float]:
    return {char: share / len(chars) for chars, share in reversed(_ENCODINGS[name].groups) for char in chars}


def _probability(name: str, char: str) -> float:
    """The probability of a character in names of this encoding; 0 for what no name holds."""
    if char.isascii():
        return _ASCII if char.isprintable() or char == "\n" else 0.0
    known = _probabilities(name)
    if char in known or char.lower() in known:
        return known.get(char) or known[char.lower()]
    if re.match(_ENCODINGS[name].script, unicodedata.name(char, "")):
        return _RARE
    if unicodedata.category(char)[0] not in "NPSZ" or ord(char) in _BOXES:
        return 0.0
    return _SIGN if char in _SIGNS or _is_east_asian(name) else _ODD_SIGN


def _is_east_asian(name: str) -> bool:
    return _ENCODINGS[name].script.startswith(_EAST_ASIAN)


def _pair(name: str, before: str, after: str) -> float:
    """How much less probable two characters are side by side than apart."""
    if before.isascii() and after.isascii():
        return 1.0
    if not (_is_letter(before) and _is_letter(after)):
        return _ODD_PAIR if before in _LEADING or unicodedata.category(after)[0] == "M" else 1.0
    factor = _ODD_PAIR if before in _FINAL else 1.0
    if after.isupper():
        factor = _ODD_PAIR if before.islower() else _CAPITAL_INSIDE
    if _is_latin(before) != _is_latin(after):
        return factor * (_EAST_ASIAN_PAIR if _is_east_asian(name) else _ODD_PAIR)
    if _is_half_width(before) != _is_half_width(after):
        return factor * _MIXED_WIDTH
    accents = _is_latin(before) and not before.isascii() and not after.isascii()
    return factor * _TWO_ACCENTS if accents else factor


def _is_latin(char: str) -> bool:
    return char.isascii() or unicodedata.name(char, "").startswith("LATIN")


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM"


def _is_half_width(char: str) -> bool:
    return "\uff66" <= char <= "\uff9f"


def examples(names: Iterable[str]) -> list[str]:
    """Up to three different names beyond ASCII, of folders where there are any, to show what a reading gives."""
    folders: dict[str, None] = {}
    files: dict[str, None] = {}
    for name in names:
        *above, last = name.replace("\\", "/").split("/")
        folders.update((part, None) for part in above if not part.isascii())
        if not last.isascii():
            files.setdefault(last)
        if len(folders) >= _EXAMPLES:
            break
    return [one_line(part, 40) for part in list(folders or files)[:_EXAMPLES]]


def ask_for_encoding(readings: Mapping[str, Sequence[str]]) -> str:
    """The sentence where no reading, or more than one, is possible: each with examples, and how to choose."""
    if not readings:
        return (
            "The zip does not say how its names are encoded, and no encoding reads them all: name it on the command "
            f"line with --names ({_choice(ENCODINGS)}), or make the zip again with a tool that writes UTF-8."
        )
    shown = _choice([f"{name} ({', '.join(examples(names))})" for name, names in readings.items()])
    return (
        f"The zip does not say how its names are encoded, and they may be {shown}: choose the right one, on the "
        f"command line with --names {next(iter(readings))}."
    )


def was_read_as(encoding: str, names: Iterable[str]) -> str:
    """The sentence that says how names were read."""
    return f"The names in the zip were read as {encoding}: {', '.join(examples(names))}."


def _choice(items: Sequence[str]) -> str:
    return " or ".join([*([", ".join(items[:-1])] if items[1:] else []), items[-1]])
