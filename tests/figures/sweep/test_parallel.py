"""Parallel coordinates: a line for each trial that has begun, coloured by its accuracy, grey where it has not ended."""

from cifar_core.figures.sweep import parallel_lines, parallel_words
from cifar_core.sweeps.space import Dimension
from tests.figures.sweep.made_trials import trial

SPACE = (Dimension("learning_rate", 1e-4, 1e-1, log=True), Dimension("flip", values=(True, False)))


def at(rate: float) -> dict[str, object]:
    return {"learning_rate": rate, "flip": True}


def test_each_trial_that_has_begun_is_a_line_and_the_best_has_the_last_colour() -> None:
    trials = [trial(1, at(1e-4), 0.1), *(trial(number, at(1e-3), 0.7 + number / 100) for number in range(2, 9))]
    trials += [trial(9, at(1e-1), None, (0.4, 0.3)), trial(10, at(1e-2))]
    lines = parallel_lines(SPACE, trials)
    assert lines.numbers == tuple(range(1, 11))
    assert [axis.name for axis in lines.axes] == ["learning_rate", "flip", "accuracy"]
    assert lines.shades[7] == 1.0 and lines.shades[8] is lines.shades[9] is None
    assert lines.shades[0] == 0.0 == lines.shades[1], "one that failed does not take the colours from all others"
    assert list(lines.shades[1:8]) == sorted(shade for shade in lines.shades[1:8] if shade is not None)
    assert lines.names[7:9] == ("Trial 8", "Trial 9, pruned")
    assert lines.ends == ("72.0\u00a0% or less", "78.0\u00a0%")
    words = parallel_words(lines, trials)
    assert "10 trials: Learning rate, Flip left to right" in words
    assert "The best, trial 8: learning rate 0.001, flip left to right on." in words


def test_before_the_first_result_there_is_no_colour() -> None:
    waiting = trial(1, at(1e-3))
    lines = parallel_lines(SPACE, [waiting])
    assert lines.shades == (None,) and lines.ends == ("", "")
    assert parallel_words(lines, [waiting]).endswith("None has finished yet.")
    assert not parallel_lines(SPACE, []).numbers
