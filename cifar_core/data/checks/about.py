"""What a person says of a dataset in their own words. Reads and writes `about.json` in the dataset's folder."""

from dataclasses import asdict, dataclass
from typing import Annotated

from cifar_core.data.sources.cifar10 import CIFAR10_NAME
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.data.store import dataset_folder, open_dataset
from cifar_core.errors import DataError
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.parse import Rule, parse
from cifar_core.text import MB, can_be_shown, clean_text
from cifar_core.workspace import Workspace

MAX_DESCRIPTION = 2000  # characters
MAX_SOURCE = 500
MAX_LICENCE = 500
_ABOUT = "about.json"


def _text(longest: int) -> Rule:
    def holds(text: str) -> bool:
        return len(text) <= longest and can_be_shown(text.replace("\n", ""))

    return Rule(f"a text of at most {longest:,} visible characters", holds)


@dataclass(frozen=True)
class DatasetAbout:
    """The words of a person about a dataset; each may have several lines, and an empty one says nothing."""

    description: Annotated[str, _text(MAX_DESCRIPTION)] = ""
    source: Annotated[str, _text(MAX_SOURCE)] = ""
    licence: Annotated[str, _text(MAX_LICENCE)] = ""


_BUILT_IN = {
    DRAWN10_NAME: DatasetAbout(
        "Pictures of the ten classes of CIFAR-10 in many poses, colours and kinds of light, drawn by code. They are "
        "for learning and trying things without a download; an accuracy on them says nothing about photographs.",
        "Drawn by this program; no picture of anybody else is in them.",
        "Apache License 2.0, like the code that draws them.",
    ),
    CIFAR10_NAME: DatasetAbout(
        "Photographs of ten classes, 32 x 32 pixels in colour: a part of the Tiny Images that people gave labels. "
        "Collected by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton.",
        "Alex Krizhevsky: Learning Multiple Layers of Features from Tiny Images. Technical report, University of "
        "Toronto, 2009. https://www.cs.toronto.edu/~kriz/cifar.html",
        "The authors state no licence.",
    ),
}


def read_about(workspace: Workspace, name: str) -> DatasetAbout:
    """What was said of a dataset; of a built-in one there are words until a person gives others.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        content = read_json(dataset_folder(workspace, name) / _ABOUT, max_bytes=MB)
        return parse(DatasetAbout, content, exact=False)
    except FileNotFoundError:
        return _BUILT_IN.get(name, DatasetAbout())
    except (OSError, ValueError) as error:
        raise DataError(
            f"The description of {name} cannot be read ({error}): give it again, or remove its {_ABOUT}."
        ) from error


def write_about(workspace: Workspace, name: str, about: DatasetAbout) -> None:
    """Keep what a person says of a stored dataset.

    Raises:
        DataError: the dataset is absent or broken, or a text is too long or holds control characters.
        StorageError: the disk refused; what was said before stays.
    """
    open_dataset(workspace, name)
    limits = {"description": MAX_DESCRIPTION, "source": MAX_SOURCE, "licence": MAX_LICENCE}
    texts = {
        what: clean_text(text.replace("\r\n", "\n"), what, limits[what], DataError, lines=True)
        for what, text in asdict(about).items()
    }
    write_json(dataset_folder(workspace, name) / _ABOUT, texts)
