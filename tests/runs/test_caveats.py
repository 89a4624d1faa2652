"""What is said beside an accuracy: with the numbers of the run, and only where it is worth knowing."""

from dataclasses import replace

import pytest

from cifar_core.config import RunConfig
from cifar_core.runs import DatasetFacts, EpochLine, Run, Status, accuracy_caveats

FACTS = DatasetFacts("pets", ("a", "b", "c"), (0.5,) * 3, (0.2,) * 3, "0" * 64, train=900, validation=100, test=100)
LINE = EpochLine(3, 1.0, 0.5, 1.0, 0.9, 1.0, 0.95, 0.001, 1.0, 100.0)
RUN = Run("a", "a", "", Status.FINISHED, RunConfig(), "", best=LINE, last=LINE, dataset=FACTS)
TWENTY = (
    "Only 20 test pictures, each of which counts for 5 %. "
    "With 95 % of them right, 76.4 to 99.1 % of all such pictures may be right (95 % interval)."
)
FEW = (
    "Only 3 validation pictures, each of which counts for 33.3 %: "
    "between similar epochs it is chance which is the best."
)
B = "No validation picture shows b: this class has no say in which epoch is the best."
MANY = (
    "No validation picture shows c0, c1, c2, c3, c4 and 2 more: these classes have no say in which epoch is the best."
)


@pytest.mark.fault(81)
@pytest.mark.parametrize(
    ("facts", "accuracy", "said"),
    [
        ({}, 0.95, []),
        ({"test": 20}, 0.95, [TWENTY]),
        ({"test": 99, "validation": 99}, 1.0, ["Only 99 test", "Only 99 validation"]),
        (
            {"test": 1},
            0.0,
            ["Only 1 test picture, which counts for 100 %. With 0 % of them right, 0 to 79.3 %"],
        ),
        ({"validation": 3, "unvalidated": ("b",)}, 0.95, [FEW, B]),
        ({"unvalidated": ()}, 0.95, []),
        ({"test_seen": 0, "validation_seen": 0}, 0.95, []),
        (
            {"test": 20, "test_seen": 20},
            0.95,
            [
                "20 of 20 test pictures were seen in training, as training or validation pictures: the accuracy is one of memory, and",
                "Only 20 test pictures, each of which counts for 5 %.",
            ],
        ),
        ({"test_seen": 1}, 0.95, ["1 of 100 test pictures was seen in training, as training or validation pictures: "]),
        ({"shortcuts": ("Size alone tells.",)}, 0.95, ["Size alone tells. A network may learn that instead of what"]),
        ({"validation_seen": 4}, 0.95, ["4 of 100 validation pictures were seen in training"]),
        ({"unvalidated": tuple(f"c{number}" for number in range(7))}, 0.95, [MANY]),
    ],
)
def test_what_the_numbers_are_worth(facts: dict[str, object], accuracy: float, said: list[str]) -> None:
    """The interval of 19 of 20 is that of SciPy: `binomtest(19, 20).proportion_ci(method="wilson")`."""
    run = replace(RUN, dataset=replace(FACTS, **facts), best=replace(LINE, test_accuracy=accuracy))
    found = accuracy_caveats(run)
    assert len(found) == len(said)
    for sentence, start in zip(found, said, strict=True):
        assert sentence.startswith(start)


@pytest.mark.fault(81)
def test_validation_is_spoken_of_only_where_it_chose_the_epoch() -> None:
    """Nothing at all is said before the first epoch has ended, or while the data are not known."""
    few = replace(FACTS, test=20, validation=3, unvalidated=("b",), validation_seen=3)
    last = replace(LINE, validation_accuracy=None, validation_loss=None)
    assert accuracy_caveats(replace(RUN, dataset=few, best=last)) == [TWENTY]
    assert accuracy_caveats(replace(RUN, dataset=few, best=None)) == accuracy_caveats(replace(RUN, dataset=None)) == []
