"""What a run's process found and what a person should know of how it went: `facts.json`, read without torch."""

from typing import Any

from cifar_core.config import RunConfig
from cifar_core.errors import RunError
from cifar_core.files import read_json
from cifar_core.runs.folder import RunFolder


def read_facts(folder: RunFolder) -> dict[str, Any]:
    """The facts of a run, empty before its process has opened the data.

    Raises:
        RunError: unreadable; the sentence says why.
    """
    try:
        content = read_json(folder.facts)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise RunError(f"What run {folder.path.name} found at its start cannot be read ({error}).") from error
    if not isinstance(content, dict) or not isinstance(content.get("dataset"), dict):
        raise RunError(f"What run {folder.path.name} found at its start cannot be read (facts.json names no dataset).")
    return content


def check_unedited(folder: RunFolder, config: RunConfig) -> None:
    """Refuse to go on with settings other than those the run began with.

    Raises:
        RunError: `config.json` was changed; the sentence names the settings.
    """
    began = read_facts(folder).get("settings")
    now = config.flat()
    if not isinstance(began, dict):  # not started yet, or by a version that did not keep them
        return
    changed = [name for name in now if name in began and began[name] != now[name]]
    if changed:
        told = ", ".join(f"{name} {began[name]} -> {now[name]}" for name in changed)
        raise RunError(
            f"The settings of run {folder.path.name} were changed after it began ({told}): a run keeps its settings. "
            "Put the old ones back, or start a new run with the new ones."
        )
