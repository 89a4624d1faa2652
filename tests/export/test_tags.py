"""Tags as CSV: what goes out comes in again, here or elsewhere; anything else is refused whole."""

import io
from pathlib import Path

import pandas as pd
import pytest

from cifar_core.errors import DataError
from cifar_core.export import import_tags, tags, tags_csv
from cifar_core.notes import clear_tag, read_notes, read_tags, set_tag
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny


def test_tags_come_in_again_elsewhere(workspace: Workspace, tmp_path: Path) -> None:
    dataset, other = save_tiny(workspace), open_workspace(tmp_path / "other")
    ids = dataset.test.ids.tolist()
    for word, names in (("=1+1", ids[:3]), ("'quoted", ids[2:4]), ('a "b", c', ids[:1]), ("gone", ids[:2])):
        set_tag(workspace, dataset.fingerprint, names, word, "ann")
    clear_tag(workspace, dataset.fingerprint, ids, "gone", "ann")
    content = tags_csv(read_notes(workspace, dataset.fingerprint))
    table = pd.read_csv(io.BytesIO(content), keep_default_na=False)
    assert table.columns.tolist() == ["id", "tag", "author", "time"] and set(table["author"]) == {"ann"}
    assert len(table) == 6 and not table["tag"].str.startswith("=").any()

    again = save_tiny(other, "again")
    added, note = import_tags(other, again, content, "bob")
    assert added == 6 and note == read_notes(other, again.fingerprint).notes[-1].key
    assert read_tags(other, again.fingerprint) == read_tags(workspace, dataset.fingerprint)
    assert import_tags(other, again, content, "bob") == (0, "")
    by_hand = f"tag,id,rest\r\nfresh; =1+1,{ids[0]},x\r\n".encode("utf-8-sig")
    assert import_tags(other, again, by_hand, "bob")[0] == 1
    assert len(read_notes(other, again.fingerprint).notes) == 2, "one note a file, none for nothing new"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"id,tag\ntest/00001.png,ok\nnowhere.png,ok\n", "1 id in the file, such as 'nowhere.png', is no picture"),
        (b"id,tag\ntest/00001.png,ok\ntest/00001.png,\n", "Line 3 of the CSV: A tag has 1 to 40 characters"),
        (b"id,word\ntest/00001.png,ok\n", "tag is missing"),
        (b"", "id is missing"),
        (b"id,tag\ntest/00001.png,\xff\n", "no CSV in UTF-8"),
        (b'id,tag\ntest/00001.png,"open\n', "no CSV in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_whole(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, content: bytes, sentence: str
) -> None:
    dataset = save_tiny(workspace)
    with pytest.raises(DataError, match=sentence):
        import_tags(workspace, dataset, content, "")
    monkeypatch.setattr(tags, "MAX_TAGS_BYTES", len(content) - 1)
    with pytest.raises(DataError, match="import it in parts"):
        import_tags(workspace, dataset, content, "")
    assert not workspace.notes.exists()
