"""Texts that a careless screen, chart, table or path would interpret as something else than text."""

HIT = "window.hit=1"  # shows that a script was run
OUTSIDE = "evil.test"  # a host that must never be requested
LITERAL = (  # allowed as names; every one must be shown exactly like this
    f"<script>{HIT}</script>",
    f"<img src=x onerror={HIT}>",
    f"[x](javascript:{HIT})",
    f"![p](http://{OUTSIDE}/p.png)",
    f"http://{OUTSIDE}/x www.{OUTSIDE} a@{OUTSIDE}",
    "$\\LaTeX$ and $$x^2$$",
    ":red[red] :material/home: :material_home: :streamlit:",
    ":smile: a -> b <- c -- d >= e <= f ~= g <-> h",
    "**b** _i_ `c` ~~s~~ # h &lt;i&gt; &amp; <b>x</b>",
    "=cmd|' /C calc'!A0",
    "1. first | second \\*third\\* [^1]",
    "👩‍🔬🔬 שלום café",
)
UNSEEN = (  # refused as names, but a folder from another machine may contain them
    "line one\nline two",
    "\u202egnp.exe\u200f",
    "nul \0 escape \x1b[31m red",
    "half \ud800 of a character",
    "long " * 2000,
)
CLASSES = (  # names of folders, so without a slash
    f"<script>{HIT}",
    f"<img src=x onerror={HIT}>",
    f"[x](javascript:{HIT})",
    f"![p](..{OUTSIDE})",
    f"www.{OUTSIDE}",
    "$x^2$ :red[red] :material_home:",
    "=cmd()",
    "a -> b",
    "**b** &lt;i&gt; <b>x",
    "👩‍🔬 שלום",
)
ODD_IDS = (  # for places where the id of a run, a class or a picture is expected
    "../x", "..%2fx", "%252e%252e", "..\\x", "C:\\x", "\\\\host\\share", "//host/share", "/etc/passwd", "CON", "con.txt", "a\n", "a\0", "",
    " ", ".", "..", "-", "x" * 300, "١٢٣", "٣", "nan", "inf", "1e999", "-1", "99999999999999999999", "None", "~", "<script>", "quiet otter",
)  # fmt: skip
FILE_NAMES = (  # of uploads
    "../../x.png", "a.exe:$b.png", "CON.png", "a.png\0.exe", "é" * 200 + ".png", "cafe\u0301.png", "caf\u00e9.png", "\udcff.png",
    f"<img src=x onerror={HIT}>.png", f"![p](http://{OUTSIDE}/p.png).png", "=cmd().png", "",
)  # fmt: skip
