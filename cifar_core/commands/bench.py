"""`bench`: how fast this is here, beside a plain tutorial loop."""

import statistics
import sys
from collections.abc import Callable
from typing import Any

import click

from cifar_core.bench.estimates import CASES, estimate_line, measure_estimates
from cifar_core.bench.growth import measure_growth
from cifar_core.bench.ladder import measure_ladder
from cifar_core.bench.loop import measure_loop
from cifar_core.bench.record import Record
from cifar_core.bench.screens import measure_first_minute, measure_screens
from cifar_core.commands.console import json_option, print_json, say, workspace_option
from cifar_core.commands.data import finish
from cifar_core.data import open_dataset, start_get
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.interrupts import ctrl_c_noted
from cifar_core.workspace import Workspace

BENCH_PARTS = ("loop", "ladder", "screens", "first-minute", "growth", "estimates")
SOAK = "soak"
LADDER = ("first-look", "quick", "standard", "accurate")


def _refuse_soak(_context: click.Context, _option: click.Parameter, parts: tuple[str, ...]) -> tuple[str, ...]:
    if SOAK in parts:
        raise click.UsageError("The soak is run by `make soak`.")
    return parts


@click.command()
@click.option(
    "--dataset",
    default=DRAWN10_NAME,
    help="The pictures to train on; the ladder is made for CIFAR-10. [default drawn10]",
)
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice([*BENCH_PARTS, SOAK]),
    callback=_refuse_soak,
    is_eager=True,
    help="Only this part; may be given again. The soak is run by `make soak`. [default all but soak]",
)
@click.option(
    "--preset", "presets", multiple=True, type=click.Choice(LADDER), help="Only this rung; may be given again."
)
@click.option("--seeds", default=3, type=click.IntRange(1, 20), help="Runs of each rung of the ladder. [default 3]")
@click.option("--quick", is_flag=True, help="Small sizes, one of each: ends within 3 minutes.")
@json_option
@workspace_option
def bench(
    workspace: Workspace,
    dataset: str,
    parts: tuple[str, ...],
    presets: tuple[str, ...],
    seeds: int,
    quick: bool,
    as_json: bool,
) -> None:
    """Time training, presets, screens, growth and estimates on this machine, beside a plain PyTorch loop, in turns."""
    prepare_dataset(workspace, dataset)
    rungs = presets or (LADDER[:2] if quick else LADDER)
    record = Record(workspace, " ".join(["python -m cifar_core", *sys.argv[1:]]))
    measures = _measures(workspace, dataset, rungs, 1 if quick else seeds, quick, record)
    for part in parts or BENCH_PARTS:
        record.keep(part, measures[part]())
    say("\n".join(report(record.figures)))
    say(f"Written to {record.file}")
    if as_json:
        print_json(record.figures)


def _measures(
    workspace: Workspace, dataset: str, rungs: tuple[str, ...], seeds: int, quick: bool, record: Record
) -> dict[str, Callable[[], dict[str, Any]]]:
    """What measures each part."""
    return {
        "loop": lambda: measure_loop(workspace, dataset, rounds=1 if quick else 5, epochs=1 if quick else 2, say=say),
        "ladder": lambda: measure_ladder(
            workspace,
            dataset,
            rungs,
            seeds=seeds,
            plain_epochs=1,
            say=say,
            keep=lambda figures: record.keep("ladder", figures),
        ),
        "screens": lambda: measure_screens(
            workspace,
            dataset,
            clicks=10 if quick else 50,
            turns=1 if quick else 3,
            turn_seconds=10.0 if quick else 30.0,
            say=say,
        ),
        "first-minute": lambda: measure_first_minute(1 if quick else 5, say=say),
        "growth": lambda: measure_growth(
            (10_000, 50_000) if quick else (10_000, 50_000, 250_000, 1_000_000),
            (10, 100) if quick else (10, 100, 1_000, 5_000, 10_000),
            say=say,
        ),
        "estimates": lambda: measure_estimates(workspace, dataset, 3 if quick else len(CASES), say=say),
    }


def prepare_dataset(workspace: Workspace, name: str) -> None:
    """Make `drawn10` where it is not here yet.

    Raises:
        DataError: another dataset is not here.
    """
    if name == DRAWN10_NAME:
        with ctrl_c_noted() as ctrl_c:
            start_get(workspace, DRAWN10_NAME)
            finish(workspace, DRAWN10_NAME, ctrl_c)
    open_dataset(workspace, name)


def report(found: dict[str, Any]) -> list[str]:
    """The figures as lines for people."""
    lines = [found["machine"]]
    if "loop" in found:
        loop = found["loop"]
        lines += [
            f"Loop on {loop['dataset']}, seconds an epoch with its test: plain {_spread(loop['plain_epoch_seconds'])}, "
            f"ours {_spread(loop['our_epoch_seconds'])}, ratio {_spread(loop['ratio'])}",
            f"  of our epoch: test, history, checkpoint, metrics {_spread(loop['extras_share'], percent=True)}; "
            f"flip and shift add {_spread(loop['augmentation_share'], percent=True)}; training records take "
            f"{max(loop['records_share']):.2%} at most; "
            f"memory {loop['peak_memory_bytes'] / 1e9:.2f} GB",
        ]
    if "ladder" in found:
        lines += [f"Ladder on {found['ladder']['dataset']}:"]
        lines += [
            f"  {name:<11} accuracy {_spread(rung['test_accuracy'], digits=4)}, {_spread(rung['seconds'])} s, "
            f"{_spread(rung['plain_epochs'])} plain epochs"
            for name, rung in found["ladder"]["presets"].items()
        ]
    if "screens" in found:
        lines += _screens(found["screens"])
    if "first-minute" in found:
        lines += _first_minute(found["first-minute"])
    if "growth" in found:
        lines += ["Growth:"]
        lines += [
            f"  {row['pictures']:>9,} pictures: {row['epoch_seconds']:.2f} s an epoch, "
            f"{row['microseconds_per_picture']:.0f} microseconds each, {(row['peak_memory_bytes'] or 0) / 1e6:,.0f} MB"
            for row in found["growth"]["pictures"]
        ]
        lines += [
            f"  {row['runs']:>9,} runs listed in {row['first_seconds'] * 1000:,.0f} ms, again in "
            f"{row['again_seconds'] * 1000:,.0f} ms"
            for row in found["growth"]["runs"]
        ]
    if "estimates" in found:
        rows = found["estimates"]["runs"]
        lines += [f"Estimates: the truth lies within {found['estimates']['within']} of {len(rows)}"]
        lines += [f"  {estimate_line(row)}" for row in rows]
    return lines


def _screens(found: dict[str, Any]) -> list[str]:
    if "skipped" in found:
        return [f"Screens: skipped, {found['skipped']}"]
    clicks = [
        f"{title} median {row['median']:.0f} ms, p95 {row['p95']:.0f} ms"
        for title, row in (
            ("alone", found["click_milliseconds"]),
            ("while training", found["click_milliseconds_while_training"]),
        )
    ]
    return [
        "Screens, in the browser: first words cold " + _named(found["cold_seconds"]),
        "  after a switch " + _named(found["switch_seconds"]),
        f"  a click: {'; '.join(clicks)}",
        "  the server's part, nothing drawn: "
        + ", ".join(f"{kind} p95 {times['p95']:.0f} ms" for kind, times in found["server_milliseconds"].items()),
        f"  watching slows a training by {_spread(found['watching_slows_by'], percent=True)}; of the processors' time "
        + ", ".join(
            f"the {name} takes {_spread(taken, percent=True)}" for name, taken in found["watching_takes"].items()
        ),
        f"  longest blank over {found['leafed_pages']} pages of tiles: {found['longest_blank_milliseconds']:.0f} ms",
    ]


def _first_minute(found: dict[str, Any]) -> list[str]:
    if "skipped" in found:
        return [f"The first minute: skipped, {found['skipped']}"]
    return [
        "From the click on the first button to the first point of the curve: "
        f"{_spread(found['at_once'])} s at once, {_spread(found['open_for_half_a_minute'])} s where the app was open "
        "for half a minute"
    ]


def _named(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())


def _spread(values: list[float], *, percent: bool = False, digits: int = 2) -> str:
    """Median, with the smallest and largest where there are several."""
    shown = (lambda value: f"{value:.0%}") if percent else (lambda value: f"{value:.{digits}f}")
    middle = shown(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({shown(min(values))} to {shown(max(values))})"
