"""The measurement of a million pictures, with few of them: each step does what it is named after."""

from pathlib import Path

import pytest

from cifar_core.bench.scale.made_pictures import make_pictures
from cifar_core.bench.scale.steps import STEPS
from cifar_core.data import open_dataset, unfinished_import
from cifar_core.workspace import Workspace


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    tree, zipped, packed = make_pictures(tmp_path / "made", 120, 40)
    return {"from-folder": tree, "from-zip": zipped, "from-tar": packed}


def test_folder_zip_and_tar_hold_the_same_dataset(workspace: Workspace, sources: dict[str, Path]) -> None:
    for name, source in sources.items():
        seconds = STEPS["import"](workspace, name, str(source))
        assert {"Reading pictures", "Putting the pictures in order", "Saving"} <= set(seconds)
        assert not unfinished_import(workspace, name)
    found = [open_dataset(workspace, name) for name in sources]
    assert len({dataset.fingerprint for dataset in found}) == 1
    assert [len(part.labels) for part in (found[0].train, found[0].test)] == [120, 40]
    assert len({image.tobytes() for image in found[0].train.images}) == 120
    for step in ("open", "check", "table"):
        assert all(seconds >= 0 for seconds in STEPS[step](workspace, "from-folder", "").values())
