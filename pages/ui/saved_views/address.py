"""A saved view as the URL of the Misclassified page says it."""

import math

from cifar_core.samples import SampleFilter
from pages.ui.url_state import number_range

_ANY_RANGE = number_range(-math.inf, math.inf)


def view_address(sample_filter: SampleFilter) -> dict[str, list[str]]:
    """Return the parameters of the URL that show a filter, without those at their default."""
    texts: dict[str, list[str]] = {
        "outcome": [] if sample_filter.outcome == "mistakes" else [sample_filter.outcome],
        "true": list(sample_filter.true),
        "predicted": list(sample_filter.predicted),
        "text": [sample_filter.text] if sample_filter.text else [],
        "per_pair": [str(sample_filter.per_pair)] if sample_filter.per_pair else [],
        "tags": list(sample_filter.tags),
        **{name: _ANY_RANGE.write(bounds) for name, bounds in sample_filter.ranges.items()},
    }
    return {name: said for name, said in texts.items() if said}
