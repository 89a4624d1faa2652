"""`bench`: how fast this is here, beside a plain tutorial loop."""

import datetime
import platform
import statistics
import sys
from typing import Any

import click

from cifar_core.bench.growth import measure_growth
from cifar_core.bench.ladder import measure_ladder
from cifar_core.bench.loop import measure_loop
from cifar_core.bench.plan import FULL, QUICK
from cifar_core.bench.screens import measure_screens
from cifar_core.bench.soak import measure_soak
from cifar_core.commands.console import json_option, print_json, say, workspace_option
from cifar_core.commands.data import finish
from cifar_core.data import open_dataset, start_get
from cifar_core.data.sources.drawn10 import NAME as DRAWN10
from cifar_core.interrupts import ctrl_c_noted
from cifar_core.runs.estimate.speed import machine_name
from cifar_core.storage.json_files import write_json
from cifar_core.text import MB
from cifar_core.workspace import Workspace

PARTS = ("loop", "ladder", "screens", "growth")
SOAK = "soak"  # a quarter of an hour: only when asked for
LADDER = ("first-look", "quick", "standard", "accurate")


@click.command()
@click.option(
    "--dataset", default=DRAWN10, help="The pictures to train on; the ladder is made for CIFAR-10. [default drawn10]"
)
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice([*PARTS, SOAK]),
    help="Only this part; may be given again. [default all but soak]",
)
@click.option(
    "--preset", "presets", multiple=True, type=click.Choice(LADDER), help="Only this rung; may be given again."
)
@click.option("--seeds", default=3, type=click.IntRange(1, 20), help="Runs of each rung of the ladder. [default 3]")
@click.option("--quick", is_flag=True, help="Small sizes, one of each: ends within 3 minutes.")
@json_option
@workspace_option
def bench(workspace: Workspace, dataset: str, parts: tuple[str, ...], presets: tuple[str, ...], seeds: int, quick: bool,
          as_json: bool) -> None:  # fmt: skip
    """Time training, presets, screens and growth on this machine, beside a plain PyTorch loop, in turns."""
    if dataset == DRAWN10:
        with ctrl_c_noted() as ctrl_c:
            start_get(workspace, DRAWN10)
            finish(workspace, DRAWN10, ctrl_c)
    open_dataset(workspace, dataset)  # refuses what is not there
    rungs = presets or (LADDER[:2] if quick else LADDER)
    found: dict[str, Any] = {
        "command": " ".join(["python -m cifar_core", *sys.argv[1:]]),
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": f"{machine_name()}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
    }
    kept = workspace.root / "bench" / f"{found['when'].replace(':', '')}.json"
    kept.parent.mkdir(exist_ok=True)

    def keep(part: str, figures: dict[str, Any]) -> None:
        found[part] = figures
        write_json(kept, found)  # what is measured is kept, whatever comes after

    measures = {
        "loop": lambda: measure_loop(workspace, dataset, rounds=1 if quick else 5, epochs=1 if quick else 2, say=say),
        "ladder": lambda: measure_ladder(workspace, dataset, rungs, seeds=1 if quick else seeds, plain_epochs=1, say=say,
                                         keep=lambda figures: keep("ladder", figures)),
        "screens": lambda: measure_screens(workspace, dataset, clicks=10 if quick else 50, turns=1 if quick else 3,
                                           turn_seconds=10.0 if quick else 30.0, say=say),
        "growth": lambda: measure_growth((10_000, 50_000) if quick else (10_000, 50_000, 250_000, 1_000_000),
                                         (10, 100) if quick else (10, 100, 1_000, 5_000, 10_000), say=say),
        SOAK: lambda: measure_soak(workspace, dataset, QUICK if quick else FULL, say=say),
    }  # fmt: skip
    for part in parts or PARTS:
        keep(part, measures[part]())
    say("\n".join(report(found)))
    say(f"Written to {kept}")
    if as_json:
        print_json(found)


def report(found: dict[str, Any]) -> list[str]:
    """The figures as lines for people."""
    lines = [found["machine"]]
    if "loop" in found:
        loop = found["loop"]
        lines += [
            f"Loop on {loop['dataset']}, seconds an epoch with its test: plain {_spread(loop['plain_epoch_seconds'])}, "
            f"ours {_spread(loop['our_epoch_seconds'])}, ratio {_spread(loop['ratio'])}",
            f"  of our epoch: test, history, checkpoint, metrics {_spread(loop['extras_share'], percent=True)}; flip and "
            f"shift add {_spread(loop['augmentation_share'], percent=True)}; memory {loop['peak_memory_bytes'] / 1e9:.2f} GB",
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
    return lines + (_soak(found[SOAK]) if SOAK in found else [])


def _soak(found: dict[str, Any]) -> list[str]:
    if "skipped" in found:
        return [f"Soak: skipped, {found['skipped']}"]
    clicks, servers = found["click_milliseconds"], found["server_milliseconds"]
    lives = [f"{life['memory_at_start'] / MB:.0f} -> {life['memory_began'] / MB:.0f} -> {life['memory_ended'] / MB:.0f} MB, "
             f"{life['files_began']} -> {life['files_ended']} open files" for life in found["lives"]]  # fmt: skip
    return [
        f"Soak, {found['minutes']:.0f} minutes, {found['sessions']} sessions, {found['browsers']} of them in Chromium: {_counts(found['done'])}; "
        f"killed {_counts(found['killed'])}; runs {_counts(found['runs'])}",
        "  a click: " + "; ".join(f"{name} median {times['median']:.0f} ms, p95 {times['p95']:.0f} ms" for name, times in clicks.items())
        + f"; the server's part alone: median {servers['median']:.0f} ms, p95 {servers['p95']:.0f} ms",
        "  each server at its start, after a first round of clicks, at its end: " + "; ".join(lives),
        *(f"  {'kept  ' if item['kept'] else 'BROKEN'} {item['promise']}" + (f": {item['found']}" if item["found"] else "")
          for item in found["promises"].values()),
    ]  # fmt: skip


def _counts(many: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in many.items())


def _screens(found: dict[str, Any]) -> list[str]:
    if "skipped" in found:
        return [f"Screens: skipped, {found['skipped']}"]
    clicks = [f"{title} median {row['median']:.0f} ms, p95 {row['p95']:.0f} ms" for title, row in (
        ("alone", found["click_milliseconds"]), ("while training", found["click_milliseconds_while_training"]))]  # fmt: skip
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


def _named(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())


def _spread(values: list[float], *, percent: bool = False, digits: int = 2) -> str:
    """Median, with the smallest and largest where there are several."""
    shown = (lambda value: f"{value:.0%}") if percent else (lambda value: f"{value:.{digits}f}")
    middle = shown(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({shown(min(values))} to {shown(max(values))})"
