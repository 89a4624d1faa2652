"""Odd pictures that were planted among ordinary ones are found, and ordinary ones are not."""

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageFilter

from cifar_core.data import Finding
from cifar_core.data.checks.findings import odd_pictures
from cifar_core.data.checks.properties import picture_properties
from tests.data.checks.support import dataset_of, ordinary_pictures, split_of


def find(
    train: np.ndarray, test: np.ndarray | None = None, sizes: np.ndarray | None = None, fit: str = "crop"
) -> Mapping[str, Finding]:
    """The findings by id, of pictures [N] and of a test part that is ordinary unless given."""
    test = ordinary_pictures(30, seed=9) if test is None else test
    common = None if sizes is None else np.full((len(test), 2), 640, np.int32)
    parts = [
        split_of(pictures, np.zeros(len(pictures)), part, size)
        for pictures, part, size in ((train, "train", sizes), (test, "test", common))
    ]
    dataset = dataset_of(*parts)
    object.__setattr__(dataset, "fit", fit)
    return {finding.id: finding for finding in odd_pictures(dataset, *map(picture_properties, (train, test)))}


def test_ordinary_pictures_are_not_odd() -> None:
    found = find(ordinary_pictures(300))
    assert {finding.id: finding.count for finding in found.values() if finding.count} == {}
    assert found["blurred"].sentence.startswith("No picture is blurred")
    assert "long" not in found, "sizes are not recorded"


def test_planted_pictures_are_found_the_oddest_first() -> None:
    pictures, draw = ordinary_pictures(300), np.random.default_rng(1)
    pictures[10] = 0
    pictures[20] = draw.integers(0, 10, (3, 32, 32))
    pictures[30] = 255
    pictures[40] = draw.integers(245, 256, (3, 32, 32))
    pictures[50] = 128
    for place, radius in ((60, 1.5), (70, 3)):
        image = Image.fromarray(pictures[place].transpose(1, 2, 0)).filter(ImageFilter.GaussianBlur(radius))
        pictures[place] = np.asarray(image).transpose(2, 0, 1)
    pictures[80, [0, 2]] = 0  # green
    pictures[90] = pictures[90] // 16 + 100
    pictures[100] = pictures[100, :1]  # grey
    test = ordinary_pictures(30, seed=9)
    test[7] = 0
    found = find(pictures, test)
    rows = {finding.id: finding.train.tolist() for finding in found.values() if finding.count}
    assert set(rows.pop("constant")) == {10, 30, 50}
    assert rows.pop("grey") in ([100], [100, 90]), "a pale one has hardly any colour left"
    assert rows == {
        "black": [10, 20],
        "white": [30, 40],
        "blurred": [70, 60],
        "odd-colour": [80],
        "low-contrast": [90],
    }
    assert {finding.id: finding.test.tolist() for finding in found.values() if len(finding.test)} == {
        "constant": [7],
        "black": [7],
    }
    assert found["black"].sentence.startswith("3 pictures are mostly black (mean brightness below ")
    assert found["odd-colour"].sentence.startswith("1 picture is oddly coloured")


def test_only_what_is_dark_is_called_black() -> None:
    """In a set of bright pictures a middling one is far from the others, but not black; and the other way round."""
    pictures = ordinary_pictures(300)
    bright = 215 + pictures // 8
    bright[5] = pictures[5]
    night = pictures // 8
    night[5] = pictures[5]
    assert find(bright)["black"].count == 0
    assert find(night)["white"].count == 0
    assert find(night)["black"].count < 10, "half of them are not odd"


def test_pictures_that_are_nearly_all_alike_do_not_make_the_others_odd() -> None:
    """The quartiles are the same, so that the fences keep a distance that one can see."""
    pictures = np.repeat(np.minimum(ordinary_pictures(1), 250), 300, axis=0)
    pictures[:40] += 3
    found = find(pictures, pictures)
    assert {name: finding.count for name, finding in found.items() if finding.count} == {}


def test_a_few_pictures_have_no_middle_half() -> None:
    pictures = ordinary_pictures(4)
    pictures[2] = 77
    found = find(pictures, ordinary_pictures(4, seed=1))
    assert {name: finding.train.tolist() for name, finding in found.items()} == {"constant": [2]}


def test_odd_sizes_are_those_before_resizing() -> None:
    sizes = np.tile(np.array([[640, 480], [480, 640]], np.int32), (50, 1))
    sizes[3], sizes[4], sizes[5], sizes[6] = (20, 40), (6400, 4800), (3000, 300), (700, 400)
    found = find(ordinary_pictures(100), sizes=sizes)
    rows = {name: found[name].train.tolist() for name in ("enlarged", "small", "large", "long")}
    assert rows == {"enlarged": [3], "small": [3], "large": [4], "long": [5]}
    assert find(ordinary_pictures(100), sizes=sizes, fit="pad")["enlarged"].count == 0, "its long side was shrunk"
