"""Test pictures that a list names, for the drawer: it goes through them in the order of the list."""

from dataclasses import dataclass, replace

import numpy as np

from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery


@dataclass(frozen=True)
class ChosenPictures(GalleryQuery):
    """A gallery's question that is answered by these rows of the test part, in this order."""

    chosen: tuple[int, ...] = ()

    def load(self) -> GalleryContent:
        """Return these pictures; raises as `GalleryQuery.load`."""
        content = super().load()
        rows = np.array([row for row in self.chosen if row < len(content.table)], np.int64)
        return replace(content, rows=content.table.iloc[rows])
