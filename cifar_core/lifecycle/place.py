"""Where a run is computed: on this machine, or on a cluster by a worker here that follows it; the file `place.json`."""

from dataclasses import asdict, dataclass
from typing import Literal

from cifar_core.errors import RunError
from cifar_core.lifecycle.life_folder import PLACE, LifeFolder
from cifar_core.storage.atomic import remove
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.json_types import Count
from cifar_core.storage.parse import parse
from cifar_core.text import one_line

Backend = Literal["local", "ray", "slurm"]
_MAX_BYTES = 64 * 1024  # of the file


@dataclass(frozen=True)
class Place:
    """Where a run is computed, and what it asks for there; of this machine it asks nothing but a slot."""

    backend: Backend = "local"
    address: str = ""  # of a Ray cluster: HOST:PORT of its head
    cpus: Count = 0  # processors for the run, and so its threads; 0: what the back end takes by default
    gpus: Count = 0

    @property
    def words(self) -> str:
        """Where that is, as in `trained on ...` and `waits for ...`."""
        if self.backend == "ray":
            return f"the cluster at {self.address}"
        return "Slurm" if self.backend == "slurm" else "this machine"


LOCAL = Place()


def place_problems(place: Place, processes: int) -> list[str]:
    """A sentence where a run of so many processes asks for fewer processors than that; none where it does not."""
    if place.backend == "local" or processes <= max(1, place.cpus):
        return []
    return [
        f"processes is {processes}, and each takes a processor of its own on {place.words}, but the run asks for "
        f"{max(1, place.cpus)}: ask for {processes} (--cpus {processes}), or lower processes."
    ]


def read_place(folder: LifeFolder) -> Place:
    """Where a run is computed; a run without the file is computed on this machine.

    Raises:
        RunError: the file cannot be read or breaks a rule.
    """
    try:
        return parse(Place, read_json(folder.text_of(PLACE), max_bytes=_MAX_BYTES))
    except FileNotFoundError:
        return LOCAL
    except (OSError, ValueError) as error:
        raise RunError(
            f"Where run {folder.run_id} is computed cannot be read ({one_line(error)}): "
            "remove its place.json, and it is computed on this machine."
        ) from error


def write_place(folder: LifeFolder, place: Place) -> None:
    """Write where a run is computed from its next start on; the caller holds the run, or makes its folder.

    Raises:
        StorageError: the disk refused.
    """
    if place == LOCAL:
        remove(folder.place)
    else:
        write_json(folder.place, asdict(place))
