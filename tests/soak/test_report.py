"""What is said of a soak."""

from tests.soak.report import report


def test_the_report_of_a_soak_names_each_promise() -> None:
    mb = 1024 * 1024
    clicks = {"median": 200.4, "p95": 912.3, "n": 2700}
    life = {
        "memory_at_start": 70 * mb,
        "memory_began": 200 * mb,
        "memory_ended": 230 * mb,
        "files_began": 60,
        "files_ended": 61,
    }
    found = {
        "minutes": 15.0,
        "sessions": 30,
        "browsers": 4,
        "done": {"click": 2700, "upload": 200},
        "killed": {"worker": 12, "server": 2},
        "runs": {"finished": 10, "stopped": 1},
        "click_milliseconds": {"all": clicks, "browsers": clicks},
        "server_milliseconds": clicks,
        "lives": [life],
        "promises": {
            "runs": {"promise": "no run lost", "kept": True, "found": ""},
            "memory": {"promise": "grows by at most 150 MB", "kept": False, "found": "171 MB"},
        },
    }
    text = "\n".join(report(found))
    for part in (
        "15 minutes, 30 sessions, 4 of them in Chromium: 2,700 click, 200 upload; killed 12 worker, 2 server; "
        "runs 10 finished, 1 stopped",
        "a click: all median 200 ms, p95 912 ms; browsers median 200 ms",
        "70 -> 200 -> 230 MB, 60 -> 61 open files",
        "kept   no run lost",
        "BROKEN grows by at most 150 MB: 171 MB",
    ):
        assert part in text
    assert report({"skipped": "no browser"}) == ["Soak: skipped, no browser"]
