"""Which part and class a file belongs to, from its path alone: never a wrong one, and every file is accounted for."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.data.sources.own.layout import Layout, find_layout, part_of
from cifar_core.errors import DataError

CLASSES = ("cat", "dog")


def paths(*patterns: str, classes: tuple[str, ...] = CLASSES) -> list[tuple[str, ...]]:
    """Two files for each class of each pattern, such as `train/{}/images`."""
    return [
        (*pattern.format(name).split("/"), f"{number}.png")
        for pattern in patterns
        for name in classes
        for number in (0, 1)
    ]


def found(layout: Layout) -> dict[str, str]:
    """For each file the part and class that it was taken for."""
    return {"/".join(path): f"{sample.part}/{sample.class_name}" for path, sample in layout.samples.items()}


@pytest.mark.fault(77)
@pytest.mark.parametrize(
    ("folder", "part"),
    [
        *((name, "train") for name in ("train", "Train", "TRAINING", "training_set", "seg_train", "train-images")),
        *((name, "train") for name in ("trainset", "Train Data", "train2017", "TrainingSet", "img_train", "1_train")),
        *((name, "test") for name in ("test", "Test", "testing", "test_set", "seg_test", "testset", "test1")),
        *((name, "valid") for name in ("val", "valid", "Validation", "validation_set", "val2017", "seg_val")),
        *(
            (name, None)
            for name in ("trains", "cat", "contest", "trainer", "valentine", "trainval", "train_cats", "1", "")
        ),
    ],
)
def test_names_of_parts(folder: str, part: str | None) -> None:
    assert part_of(folder) == part


@pytest.mark.fault(77)
@pytest.mark.parametrize(
    ("patterns", "folders"),
    [
        (["train/{}", "test/{}"], {"train": "train", "test": "test"}),
        (["Train/{}", "TEST/{}"], {"train": "Train", "test": "TEST"}),
        (["training_set/training_set/{}", "test_set/test_set/{}"], {"train": "training_set", "test": "test_set"}),
        (["archive/seg_train/seg_train/{}", "archive/seg_test/seg_test/{}"], {"train": "archive/seg_train", "test": "archive/seg_test"}),
        (["train/{}", "val/{}"], {"train": "train", "test": "val"}),
        (["train/{}", "valid/{}", "test/{}"], {"train": "train", "valid": "valid", "test": "test"}),
        (["a/b/c/train/{}", "a/b/c/test/{}"], {"train": "a/b/c/train", "test": "a/b/c/test"}),
        (["test/train/{}", "test/test/{}"], {"train": "test/train", "test": "test/test"}),
        (["train/train/{}", "train/test/{}"], {"train": "train/train", "test": "train/test"}),
        (["train/{}/images", "test/{}/images"], {"train": "train", "test": "test"}),
        (["train/images/{}", "test/{}"], {"train": "train", "test": "test"}),
        (["train/{0}/{0}", "test/{}"], {"train": "train", "test": "test"}),
        (["train/{}/2019", "test/{}/2019"], {"train": "train", "test": "test"}),
        (["images/train/{}", "images/test/{}"], {"train": "images/train", "test": "images/test"}),
    ],
)  # fmt: skip
def test_parts_are_found_at_any_level(patterns: list[str], folders: dict[str, str]) -> None:
    """Also in any order of the files, and beside files that belong to nothing."""
    files = paths(*patterns)
    expected = {}
    for path in files:
        name = next(name for name in path if name in CLASSES)
        part = max(
            (part for part in folders if "/".join(path).startswith(folders[part] + "/")),
            key=lambda part: len(folders[part]),
        )
        expected["/".join(path)] = f"{part}/{name}"
    layout = find_layout([*reversed(files), ("readme.md",), ("extra", "x.png")])
    assert (layout.folders, layout.flat) == (folders, False)
    assert found(layout) == expected
    assert layout.outside.total() == 2


@pytest.mark.fault(77)
@pytest.mark.parametrize(
    ("patterns", "classes", "folder"),
    [
        (["{}"], ("mask", "no mask"), "The top folder"),
        (["{}"], ("cat", "dog"), "The top folder"),
        (["pets/all/{}"], ("cat", "dog"), "pets/all"),
        (["{}/images"], ("cat", "dog"), "The top folder"),
        (["train/{}"], ("cat", "dog"), "train"),
        (["test/{}"], ("cat", "dog"), "test"),
        (["{}"], ("train", "bus", "car"), "The top folder"),
        (["{}/images"], ("train", "bus", "car"), "The top folder"),
        (["{}"], ("photos", "drawings"), "The top folder"),
    ],
)
def test_class_folders_without_a_test_part(patterns: list[str], classes: tuple[str, ...], folder: str) -> None:
    layout = find_layout(paths(*patterns, classes=classes))
    assert layout.flat and layout.folders == {"train": folder}
    assert set(found(layout).values()) == {f"train/{name}" for name in classes}


@pytest.mark.fault(77)
@pytest.mark.parametrize(
    ("files", "message"),
    [
        (paths("a/train/{}", "a/test/{}", "b/train/{}", "b/test/{}"), "two sets of pictures .a/train and b/train"),
        (paths("a/train/{}", "b/train/{}"), "two sets of pictures"),
        (paths("train/{}", "training/{}", "test/{}"), "train, training would all be the training part"),
        (paths("test/{}", "val/{}"), "test and a validation part without a training part"),
        (paths("train/{}", "holdout/{}"), "train has class folders, and holdout may be classes too, but there is no test part"),
        (paths("train/{}") + paths("test/{}", classes=("bus", "car")), "have no class in common"),
        ([("train", "cat.0.png"), ("train", "dog.0.png"), ("test", "1.png")], "lie in no class folders"),
        ([("train", "images", "1.png"), ("test", "images", "1.png")], "lie in no class folders"),
        (paths("{}", classes=("images", "masks")), "lie in no class folders"),
        (paths("train/{}", "test/{}", classes=("images", "labels")), "lie in no class folders"),
        (paths("train/{}", "a", "b"), "a, b may be classes too"),
        (paths("photos/{}", "old/train/{}"), "photos may be classes too"),
        (paths("test/{}", "extra", "more"), "test has class folders like a part, but stands apart|may be a class"),
        (paths("train/{}", "train/test/{}"), "train/test has class folders like a part, but stands apart"),
        (paths("train/{}", "test/{}", "more/train/{}"), "more/train has class folders like a part"),
        (paths("{}", classes=("Val", "Kim", "Ann")), "Val may be a class or a part: rename it"),
        (paths("{}", classes=("training", "testing", "eating", "sleeping")), "training may be a class or a part"),
        (paths("{}", classes=("rgb", "masks")), "lie in no class folders"),
        ([*paths("train/{}"), ("test", "dog", "cat", "1.png")], "dog is a class, but in test it holds other classes"),
        (paths("train/{}", "test/{}") + paths("train/val"), "train/val may be a class or a part: rename it"),
        (paths("{}", classes=("train", "test", "dog")), "lie in no class folders"),
        ([("notes.txt",)], "No pictures found"),
        ([], "No pictures found.*found nothing"),
    ],
)  # fmt: skip
def test_what_can_be_understood_in_several_ways_is_refused(files: list[tuple[str, ...]], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        find_layout(files)
    assert "\n" not in str(caught.value)


@pytest.mark.fault(77)
@pytest.mark.parametrize("classes", [("test", "control"), ("val", "good"), ("a", "b", "val"), ("train", "bus")])
def test_within_the_parts_a_class_may_be_named_like_a_part(classes: tuple[str, ...]) -> None:
    layout = find_layout(paths("train/{}", "test/{}", classes=classes))
    expected = {
        f"{part}/{name}/{number}.png": f"{part}/{name}"
        for part in ("train", "test")
        for name in classes
        for number in (0, 1)
    }
    assert found(layout) == expected
    assert not layout.unlabelled


@pytest.mark.fault(77)
def test_classes_whose_pictures_all_lie_elsewhere_are_named() -> None:
    layout = find_layout(
        [*paths("train/{}", "test/{}"), ("train", "fox", "a", "1.png"), ("train", "fox", "b", "2.png")]
    )
    assert layout.lost == ["train/fox"]
    assert next(iter(layout.misplaced.values())) == "train/fox/a/1.png does not lie directly in a class folder."
    flat = find_layout(
        [("animals", "cat", "1.png"), ("animals", "dog", "1.png"), ("cars", "bus", "1.png"), ("cars", "car", "1.png")]
    )
    assert flat.lost == ["animals", "cars"] and len(flat.misplaced) == 4


@pytest.mark.fault(77)
def test_what_is_passed_over_is_counted() -> None:
    """Unlabelled pictures of a part, files beside the parts, annotations, masks and empty class folders."""
    files = [
        *paths("train/{}", "val/{}"),
        *(("test", f"{number}.png") for number in range(5)),
        ("readme.txt",),
        ("train", "cat", "boxes.txt"),
        ("train", "loose.png"),
        ("train", "cat", "masks", "0.png"),
    ]
    layout = find_layout(files, [("train",), ("train", "rare"), ("val", "dog")])
    assert layout.folders == {"train": "train", "test": "val"}
    assert layout.unlabelled == {("test",): 5}
    assert layout.outside == {"readme.txt": 1, "train": 1}
    assert list(layout.misplaced.values()) == [
        "train/cat/masks/0.png does not lie directly in a class folder.",
        "train/loose.png does not lie directly in a class folder.",
    ]
    assert layout.empty == ["train/rare"]


NAMES = st.sampled_from(
    ["train", "test", "val", "Train", "testing", "cat", "dog", "Dog", "images", "masks", "a", "é", "e\u0301", "train2"]
)
TREES = st.lists(st.tuples(st.lists(NAMES, max_size=4), st.sampled_from(["1.png", "2.jpg", "x.txt"])), max_size=14)


@given(TREES, st.lists(st.lists(NAMES, min_size=1, max_size=4), max_size=3))
def test_any_tree_is_understood_or_refused(tree: list[tuple[list[str], str]], folders: list[list[str]]) -> None:
    """A picture's class is a folder above it; each file is a picture, misplaced or passed over; else one sentence."""
    files = [(*above, name) for above, name in tree]
    try:
        layout = find_layout(files, [tuple(folder) for folder in folders])
    except DataError as error:
        assert "\n" not in str(error) and str(error).endswith(".")
        return
    for path, sample in layout.samples.items():
        above = [unicodedata.normalize("NFC", name) for name in path[:-1]]
        assert sample.class_name in above
        assert sample.id == f"{sample.part}/{sample.class_name}/{path[-1]}"
        if part_of(sample.class_name) is not None and not layout.flat:
            assert {"train", "test"} <= {
                other.part for other in layout.samples.values() if other.class_name == sample.class_name
            }
        if not layout.flat:
            named = {part_of(name) for name in above}
            assert sample.part in named or (sample.part == "test" and "valid" in named)
    taken = [path for path in files if path in layout.samples or path in layout.misplaced]
    assert len(taken) + layout.unlabelled.total() + layout.outside.total() == len(files)
    assert layout.sentence.count("\n") == 0


NAMES_OF_CLASSES = st.text("abcdefgh猫é0123456789 ", min_size=1, max_size=6).map(str.strip).filter(bool)
SPELLINGS = [("train", "test"), ("Training", "val"), ("seg_train", "seg_test"), ("train", "valid", "testing"), ()]


@given(
    st.lists(NAMES_OF_CLASSES, min_size=2, max_size=5, unique_by=str.casefold),
    st.lists(st.sampled_from(["data", "archive", "test", "x"]), max_size=3),
    st.sampled_from(SPELLINGS),
    st.sampled_from([(), ("images",), ("2019",)]),
    st.randoms(use_true_random=False),
)
def test_a_tree_that_people_build_is_read_as_they_mean_it(
    classes: list[str], above: list[str], parts: tuple[str, ...], between: tuple[str, ...], random: object
) -> None:
    """Any class names, folders above, spelling of the parts, folder between, and order of the files."""
    files = {}
    for part in parts or ("",):
        for name in classes:
            path = (*above, *([part] if part else []), name, *between, "1.png")
            files[path] = unicodedata.normalize("NFC", name)
    order = list(files)
    random.shuffle(order)  # type: ignore[attr-defined]
    layout = find_layout(order)
    assert {path: sample.class_name for path, sample in layout.samples.items()} == files
    assert layout.flat == (not parts)
    assert not layout.misplaced and not layout.outside


def test_many_files_are_quick() -> None:
    """100,000 files of 100 classes, far below the time that reading them takes."""
    files = [(part, f"class {number % 100}", f"{number}.png") for part in ("train", "test") for number in range(50_000)]
    start = time.process_time()
    layout = find_layout(files)
    assert time.process_time() - start < 5
    assert len(layout.samples) == len(files)
