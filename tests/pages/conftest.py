"""Fixtures of the page tests: pages opened from the entry script, and the one finished run they share."""

from tests.pages.imported_runs import beside_imported
from tests.pages.support import crafted, doubtful, epochs_of_their_own, open_page
from tests.pages.swept import swept
from tests.runs.conftest import finished, shared

__all__ = ["beside_imported", "crafted", "doubtful", "epochs_of_their_own", "finished", "open_page", "shared", "swept"]
