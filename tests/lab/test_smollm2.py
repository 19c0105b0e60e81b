"""A real pre-trained model: one head carries the capital of a country, and the linear estimate finds it. The figures
were measured with TransformerLens too. Skipped if the model is not installed: `harness models get smollm2`."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")

from harness.errors import HarnessError
from harness.lab.components_study import sides
from harness.lab.hooks import Site, all_sites
from harness.lab.models import open_model
from harness.lab.pairs import Pair
from harness.lab.patching import agreement, attribute, ends, sweep
from harness.types import Message

HEAD = Site("head", 23, 4, None)


@pytest.fixture(scope="module")
def lab():
    try:
        return open_model("smollm2")
    except HarnessError as error:
        pytest.skip(f"smollm2 is not installed: {error}")


@pytest.fixture(scope="module")
def capitals(lab) -> Pair:
    def prompt(country: str) -> tuple[int, ...]:
        asked = [Message("user", f"What is the capital of {country}?")]
        return tuple(lab.encode(asked, f"The capital of {country} is"))

    (right,), (wrong,) = (lab.tokenizer(f" {city}")["input_ids"] for city in ("Paris", "Rome"))
    return Pair(prompt("France"), prompt("Italy"), right, wrong, "", ("France", "Italy"))


def test_one_head_restores_the_capital_and_the_linear_estimate_agrees(lab, capitals) -> None:
    found = ends(lab, capitals)
    assert (found.clean, found.corrupted) == (pytest.approx(7.96, abs=0.02), pytest.approx(-8.32, abs=0.02))
    sites = all_sites(lab, len(capitals.clean), ("head",))
    estimates = dict(zip(sites, attribute(lab, capitals, sites), strict=True))
    order = sorted(sites, key=lambda s: -abs(estimates[s]))
    assert order[0] == HEAD
    effects = [replace(e, attributed=estimates[e.site]) for e in sweep(lab, capitals, [*order[:8], *order[100:104]])]
    assert effects[0].restored == pytest.approx(0.858, abs=0.02)
    assert effects[0].attributed == pytest.approx(0.826, abs=0.02)
    (row,) = agreement(effects)
    assert row.r >= 0.99


def test_another_head_adds_most_by_itself_and_the_parts_add_up(lab, capitals) -> None:
    """Patching has what a head does through later parts too; direct logit attribution has not."""
    one = sides(lab, capitals)
    assert one.off < 1e-3
    most = max(one.clean, key=lambda name: one.clean[name] - one.corrupted[name])
    assert most == "29.1"


def test_patching_every_head_takes_less_than_600_megabytes_beside_the_model(lab, capitals) -> None:
    status, peaks = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not peaks.exists():
        pytest.skip("memory is measured on Linux")

    def megabytes(name: str) -> float:
        (line,) = [line for line in status.read_text().splitlines() if line.startswith(name)]
        return int(line.split()[1]) / 1024

    before = megabytes("VmRSS")
    peaks.write_text("5")  # the peak is counted anew
    sweep(lab, capitals, all_sites(lab, len(capitals.clean), ("head",))[:96])
    assert megabytes("VmHWM") - before < 600
