"""Pages on a workspace that can only be read, or in which one thing is another user's."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from tests.pages.support import OpenPage, said
from tests.pages.test_all_pages import PAGES
from tests.rights import as_a_user


@pytest.fixture
def copied(finished: Run, shared: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the shared workspace, in which the permissions of folders may be changed."""
    shutil.copytree(shared.root, tmp_path / "copied")
    yield Workspace(tmp_path / "copied")
    for place, _, _ in os.walk(tmp_path / "copied"):
        os.chmod(place, 0o700)  # noqa: PTH101 - walk gives text


@pytest.mark.fault(17)
@pytest.mark.parametrize("page", PAGES)
def test_a_workspace_that_can_only_be_read_is_looked_at(
    page: str, open_page: OpenPage, copied: Workspace, finished: Run
) -> None:
    for place, _, _ in os.walk(copied.root):
        os.chmod(place, 0o500)  # noqa: PTH101

    def look() -> None:
        app = open_page(copied, page, run=finished.id)
        assert not app.error
        assert "you can look at what is there, but nothing can be saved" in said(app)

    as_a_user(look)


@pytest.mark.fault(91)
@pytest.mark.parametrize("page", PAGES)
def test_what_another_user_lets_nobody_read_is_a_line(
    page: str, open_page: OpenPage, copied: Workspace, finished: Run
) -> None:
    """A run, a dataset and a job made with a umask of 077, beside those of everybody."""
    shutil.copytree(copied.runs / finished.id, copied.runs / "theirs")
    shutil.copytree(copied.data / "tiny", copied.data / "their-data")
    (copied.jobs / "their-job").mkdir(parents=True)
    for theirs in (copied.runs / "theirs", copied.data / "their-data", copied.jobs / "their-job"):
        theirs.chmod(0)

    def look() -> None:
        app = open_page(copied, page, run=finished.id)
        words = said(app).replace("\\", "")  # without what escapes Markdown
        if page == "data":
            assert "The dataset their-data cannot be read" in words
            assert "Its progress cannot be read" in words
            assert len(app.error) == 2
            assert all(name in words for name in ("drawn10", "their-data", "their-job"))
        else:
            assert not app.error
        open_page(copied, page, run="theirs")

    as_a_user(look)
