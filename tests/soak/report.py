"""The figures and verdicts of a soak as lines for people."""

from typing import Any

from cifar_core.text import MB


def report(found: dict[str, Any]) -> list[str]:
    """What `measure_soak` found, as lines for people."""
    if "skipped" in found:
        return [f"Soak: skipped, {found['skipped']}"]
    alone = _times("the server's part alone:", found["server_milliseconds"])
    clicks = [_times(name, times) for name, times in found["click_milliseconds"].items()]
    lives = [
        f"{life['memory_at_start'] / MB:.0f} -> {life['memory_began'] / MB:.0f} -> {life['memory_ended'] / MB:.0f} MB, "
        f"{life['files_began']} -> {life['files_ended']} open files"
        for life in found["lives"]
    ]
    return [
        f"Soak, {found['minutes']:.0f} minutes, {found['sessions']} sessions, {found['browsers']} of them in Chromium: "
        f"{_counts(found['done'])}; killed {_counts(found['killed'])}; runs {_counts(found['runs'])}",
        f"  a click: {'; '.join(clicks)}; {alone}",
        f"  each server at its start, after a first round of clicks, at its end: {'; '.join(lives)}",
        *(_verdict(item) for item in found["promises"].values()),
    ]


def _times(name: str, times: dict[str, float]) -> str:
    return f"{name} median {times['median']:.0f} ms, p95 {times['p95']:.0f} ms"


def _verdict(item: dict[str, Any]) -> str:
    return f"  {'kept  ' if item['kept'] else 'BROKEN'} {item['promise']}" + (
        f": {item['found']}" if item["found"] else ""
    )


def _counts(many: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in many.items())
