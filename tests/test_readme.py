"""What the README shows is what the commands print."""

import re
from pathlib import Path

import harness

ROOT = Path(__file__).parent.parent
MOST = 0.05
"""`tiny` computes in floating point: on another processor a few of its 720 answers may differ."""


def test_the_first_command_shows_the_gap_that_the_readme_prints(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("<!-- first gap -->")[2].partition("<!-- end -->")[0]
    printed = {
        m[1]: (float(m[2]), int(m[3])) for m in re.finditer(r"(\w+ - \w+) +([-+][\d.]+) .* (\d+) +\d+$", shown, re.M)
    }
    assert len(printed) == 3
    gaps = harness.run("aiw", "tiny", out=tmp_path).gaps()
    assert (gaps.level[0], gaps.reference[0]) == ("friends", "original")
    assert gaps.ci_high[0] < 0
    for gap in gaps.itertuples():
        value, n = printed[f"{gap.level} - {gap.reference}"]
        assert (abs(gap.gap - value) <= MOST, gap.n) == (True, n)
