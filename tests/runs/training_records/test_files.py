"""The files of the training records: round trips, every rule of a value, and how many epochs have room."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.runs.training_records import files
from cifar_core.runs.training_records.files import (
    NOT_SHOWN,
    RECORD,
    TrainedPictures,
    every_of,
    pictures_content,
    read_pictures_file,
    read_record,
    record_content,
    thinning_sentence,
)
from cifar_core.text import MB

CLASSES = 3
LABELS = np.array([0, 1, 2, 1])
GOOD = np.array([(0.5, 0.25, 0), (np.nan, np.nan, NOT_SHOWN), (0.125, -2.0, 1), (1.0, 0.0, 0)], RECORD)


def read(path: Path, content: bytes, labels: np.ndarray = LABELS) -> np.ndarray:
    path.write_bytes(content)
    with open(path, "rb") as stream:
        return read_record(stream, labels, CLASSES)


def test_a_record_comes_back_bit_by_bit(tmp_path: Path) -> None:
    content = record_content(GOOD)
    assert read(tmp_path / "a.npy", content).tobytes() == GOOD.tobytes()
    assert np.load(io.BytesIO(content)).dtype == RECORD, "any program with NumPy reads it, too"
    assert RECORD.itemsize == 6


CHANGES = [
    ((0, "p_true", np.nan), "both that it was shown and that it was not"),
    ((0, "margin", np.nan), "both that it was shown and that it was not"),
    ((0, "predicted", NOT_SHOWN), "both that it was shown and that it was not"),
    ((1, "p_true", 0.5), "both that it was shown and that it was not"),
    ((0, "predicted", CLASSES), "a predicted class that is not the number of a class"),
    ((0, "predicted", -2), "a predicted class that is not the number of a class"),
    ((0, "p_true", 1.25), "a probability that is not between 0 and 1"),
    ((0, "p_true", -0.5), "a probability that is not between 0 and 1"),
    ((0, "p_true", np.inf), "a probability that is not between 0 and 1"),
    ((0, "margin", np.inf), "a margin that is infinite"),
    ((0, "margin", -1.0), "a margin that does not fit the predicted class"),
    ((2, "margin", 1.0), "a margin that does not fit the predicted class"),
]


@pytest.mark.fault(7)
@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_each_rule_of_a_value(tmp_path: Path, change: tuple[int, str, float], message: str) -> None:
    bad, (row, field, value) = GOOD.copy(), change
    bad[field][row] = value
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "a.npy", record_content(bad))


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not hold training records"),
        (record_content(GOOD)[:-1], "does not hold the records of 4 pictures"),
        (record_content(GOOD) + b"x", "does not hold the records of 4 pictures"),
        (record_content(GOOD[:3]), "does not hold the records of 4 pictures"),
        (record_content(GOOD) + b"x" * 999, "is longer than the records of 4 pictures"),
        (record_content(GOOD).replace(b"<f2", b"<f4", 1), "does not hold training records"),
        (record_content(GOOD).replace(b"p_true", b"p_trap", 1), "does not hold training records"),
        (record_content(GOOD).replace(b"(4,)", b"(9,)", 1), "does not hold the records of 4 pictures"),
        (record_content(GOOD)[:8] + b"\xff\xff" + record_content(GOOD)[10:], "does not hold training records"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "a.npy", content)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    with pytest.raises(ValueError, match=r"does not hold training|is longer"):
        read(tmp_path_factory.getbasetemp() / "any.npy", content)


PICTURES = TrainedPictures(LABELS, np.array(["a", "bb", "c", "d"]), np.array([0, 3, 4, 9]))


def test_the_pictures_come_back(tmp_path: Path) -> None:
    path = tmp_path / "train.npz"
    path.write_bytes(pictures_content(PICTURES))
    found = read_pictures_file(path, 4, CLASSES)
    for name in ("labels", "ids", "positions"):
        assert np.array_equal(getattr(found, name), getattr(PICTURES, name)), name


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("labels", np.array([0, 1, 2, 3]), "a label that is not the number of a class"),
        ("labels", np.array([0, 1, 2, -1]), "a label that is not the number of a class"),
        ("labels", LABELS[:3], r"where <i8 \[4\] is expected"),
        ("positions", np.array([0, 3, 3, 9]), "positions that are not ascending"),
        ("positions", np.array([-1, 3, 4, 9]), "positions that are not ascending"),
        ("ids", np.array(["a"]), r"where <U \[4\] is expected"),
    ],
)
def test_each_rule_of_the_pictures(tmp_path: Path, name: str, value: np.ndarray, message: str) -> None:
    path = tmp_path / "train.npz"
    path.write_bytes(pictures_content(TrainedPictures(**{**vars(PICTURES), name: value})))
    with pytest.raises(ValueError, match=message):
        read_pictures_file(path, 4, CLASSES)


@given(st.integers(1, 10_000_000), st.integers(0, 300 * MB), st.integers(1, 500))
def test_the_files_never_take_more_than_the_limit_and_no_epoch_is_dropped_for_nothing(
    count: int, once: int, epochs: int
) -> None:
    every = every_of(count, once, epochs)
    one = files._MAX_HEADER + count * RECORD.itemsize

    def taken(every: int) -> int:
        return once + one * len([epoch for epoch in range(1, epochs + 1) if epoch % every == 0 or epoch == epochs])

    if every == 0:
        assert once + one > files.MOST_BYTES
        return
    assert taken(every) <= files.MOST_BYTES
    assert every == 1 or taken(every - 1) > files.MOST_BYTES


def test_cifar_10_keeps_every_epoch_and_a_sentence_says_what_others_keep() -> None:
    assert every_of(50_000, 5 * MB, 500) == 1 and thinning_sentence(1, 50_000, 500) == ""
    assert thinning_sentence(3, 1_000_000, 90) == (
        "The training records are kept of one epoch in 3 and of the last: those of 1,000,000 training pictures take "
        "515.0 MB over 90 epochs, and a run keeps at most 200.0 MB of them."
    )
    assert thinning_sentence(0, 10_000_000, 90).startswith(
        "No training records are kept: the ids of 10,000,000 training"
    )
