


def with_tuples(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with tuples in place of lists, as two that are equal then compare and hash alike."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
