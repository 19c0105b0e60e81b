"""What the README shows is what the commands print."""

import re
from pathlib import Path

import harness
from harness.results import gate

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
    run = harness.run("aiw", "tiny", out=tmp_path)
    gaps = run.gaps()
    assert (gaps.level[0], gaps.reference[0]) == ("friends", "original")
    assert gaps.ci_high[0] < 0
    for gap in gaps.itertuples():
        value, n = printed[f"{gap.level} - {gap.reference}"]
        assert (abs(gap.gap - value) <= MOST, gap.n) == (True, n)
    card = (ROOT / "harness/models/tiny/README.md").read_text(encoding="utf-8")
    rates = run.table("params_family").set_index("params_family").accuracy
    for family in ("original", "friends"):
        (told,) = re.findall(rf"^\| {family} \([^|]*\| ([\d.]+) \|", card, re.M)
        assert abs(rates[family] - float(told)) <= MOST
    committed = gate.compare(ROOT / "results/baselines/aiw-tiny", run.directory)
    assert abs(committed.overall.difference) <= MOST, "the committed run is of another seed"
