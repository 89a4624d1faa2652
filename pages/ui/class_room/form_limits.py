"""What the limits of a class say to the form of a new run: how far it may go, and what is too much."""

from cifar_core.config import RunConfig
from cifar_core.data import DatasetState
from cifar_core.errors import ConfigError
from cifar_core.limits import read_limits
from cifar_core.runs.control.admission import class_limit_problems
from cifar_core.workspace import Workspace
from pages.ui.class_room.person import person_of_runs
from pages.ui.train.network_preview import DEFAULT_CLASSES


def epochs_limit(workspace: Workspace) -> int:
    """Return how many epochs this person's runs may have; 0 is no limit."""
    try:
        limits = read_limits(workspace)
    except ConfigError:  # the start says it
        return 0
    return 0 if person_of_runs() in limits.teachers else limits.most_epochs


def limit_problems(workspace: Workspace, config: RunConfig | None, datasets: list[DatasetState]) -> list[str]:
    """Return a sentence for each limit of the class that these settings pass; none for a teacher.

    Of limits that cannot be read the form says so once, beside the place (`cluster.where`), and the start is blocked.
    """
    if config is None:
        return []
    classes = {state.name: state.classes for state in datasets}.get(config.data.dataset) or DEFAULT_CLASSES
    try:
        return class_limit_problems(read_limits(workspace), config, classes, person_of_runs())
    except ConfigError:
        return []
