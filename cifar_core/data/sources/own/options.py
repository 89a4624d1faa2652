"""What a person chooses for an import, and the check of it. Reads and writes nothing."""

from dataclasses import dataclass

from cifar_core.data.dataset import FIT_TITLES, Fit
from cifar_core.data.sources.zip_names import read_names
from cifar_core.data.stratified import check_test_share
from cifar_core.errors import DataError

DEFAULT_TEST_SHARE = 0.2
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class ImportOptions:
    """What a person chooses for an import."""

    leave_out: bool = False  # import the rest where files cannot be used; otherwise one such file refuses the import
    test_share: float | None = None  # of class folders without a test part; None is `DEFAULT_TEST_SHARE`
    seed: int = 0  # draws that test part
    encoding: str = ""  # of the names in a zip; "" where only one makes sense
    fit: Fit = "crop"  # how pictures that are not square are brought to 32 x 32

    @property
    def share(self) -> float:
        """Of the test part that is chosen."""
        return DEFAULT_TEST_SHARE if self.test_share is None else self.test_share


def check_options(options: ImportOptions) -> None:
    """Raise DataError for a share or a seed that is out of range, an unknown encoding, or an unknown fit."""
    if not 0 <= options.seed <= MAX_SEED:
        raise DataError(f"The seed is {options.seed}: give a whole number from 0 to {MAX_SEED}.")
    if options.test_share is not None:
        check_test_share(options.test_share)
    if options.encoding:
        read_names([], options.encoding)
    if options.fit not in FIT_TITLES:
        raise DataError(f"{options.fit!r} is no way to bring a picture to 32 x 32: give {', '.join(FIT_TITLES)}.")
