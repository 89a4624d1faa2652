"""Whatever the bytes of an archive, dataset or job: the answer is a result or one sentence, and nothing changes."""

import lzma
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_core.data import dataset_job, list_datasets, open_dataset
from cifar_core.data.preparation import DataRequest
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.data.sources.own.options import ImportOptions
from cifar_core.data.store import require_unchanged
from cifar_core.errors import CifarCoreError
from cifar_core.jobs.job import read_job, read_request
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.data.conftest import small_set, snapshot, write_tar, write_zip
from tests.mutations import other_bytes, other_json

FEW_EXAMPLES = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
MOST_SECONDS = 5.0  # of one import; it takes some 20 ms
JOB = (
    b'{"schema_version": 1, "kind": "import", "source": "/a.zip", "remove_source": false, "shown": "a", '
    b'"leave_out": false}'
)
STATE = (
    b'{"schema_version": 1, "name": "mine", "kind": "import", "state": "done", "done": 3, "seconds_left": 1.5, '
    b'"report": ["a"]}'
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with two datasets; `tiny` is changed."""
    workspace = open_workspace(tmp_path_factory.mktemp("any") / "workspace")
    save_tiny(workspace, train=20, test=10)
    save_tiny(workspace, "other", train=20, test=10)
    return workspace


@pytest.fixture(scope="module")
def packed(shared: Workspace) -> dict[str, bytes]:
    """One small set of pictures in archives of every kind."""
    folder, files = shared.root.parent, small_set(train=1, test=1)
    plain = write_tar(files, folder / "a.tar", mode="w").read_bytes()
    return {
        "zip": write_zip(files, folder / "a.zip").read_bytes(),
        "tar": plain,
        "tar.gz": write_tar(files, folder / "a.tgz").read_bytes(),
        "tar.xz": lzma.compress(plain),
    }


@pytest.mark.fault(56, 57, 58)
@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz", "tar.xz"])
@FEW_EXAMPLES
@given(data=st.data())
def test_any_archive(shared: Workspace, packed: dict[str, bytes], form: str, data: st.DataObject) -> None:
    content = data.draw(other_bytes(packed[form]))
    path = shared.root.parent / f"any.{data.draw(st.sampled_from([form, 'zip', 'tar']))}"
    path.write_bytes(content)
    before, began = snapshot(shared.root), time.process_time()
    try:
        import_pictures(shared, path, "mine", options=ImportOptions(leave_out=data.draw(st.booleans())))
    except CifarCoreError as error:
        assert str(error) and "\n" not in str(error)
        assert snapshot(shared.root) == before
    else:
        require_unchanged(open_dataset(shared, "mine"))
        shutil.rmtree(shared.data / "mine")
    assert time.process_time() - began < MOST_SECONDS


@pytest.mark.fault(64)
@pytest.mark.parametrize("name", ["meta.json", "train_labels.npy", "test_ids.npy", "train_images.npy"])
@FEW_EXAMPLES
@given(data=st.data())
def test_any_file_of_a_dataset(shared: Workspace, name: str, data: st.DataObject) -> None:
    """It is opened or refused; the other dataset is always ready."""
    file = shared.data / "tiny" / name
    good = file.read_bytes()
    try:
        file.write_bytes(data.draw(other_json(good) if name == "meta.json" else other_bytes(good)))
        states = {state.name: state.state for state in list_datasets(shared)}
        assert states["other"] == "ready" and "tiny" in states
        try:
            require_unchanged(open_dataset(shared, "tiny"))
        except CifarCoreError as error:
            assert str(error) and "\n" not in str(error)
    finally:
        file.write_bytes(good)


@FEW_EXAMPLES
@given(job=other_json(JOB), state=other_json(STATE))
def test_any_job(shared: Workspace, job: bytes, state: bytes) -> None:
    folder: Path = shared.jobs / "mine"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "job.json").write_bytes(job)
    (folder / "state.json").write_bytes(state)
    try:
        found = read_job(dataset_job(shared, "mine"))
        assert found is None or (
            isinstance(found.error, str)
            and found.done + found.total is not None
            and all(isinstance(line, str) for line in found.report)
        )
        read_request(dataset_job(shared, "mine"), DataRequest)
    except CifarCoreError:
        pass
    finally:
        list_datasets(shared)
        shutil.rmtree(folder)
