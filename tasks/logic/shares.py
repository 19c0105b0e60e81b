"""How a share over groups is written in a table: with its interval."""

from __future__ import annotations

from harness.statistics.intervals import Clusters
from harness.text import interval, number


def share(clusters: Clusters) -> str:
    """`0.640 [0.531, 0.736]`; "-" without a verdict."""
    estimate = clusters.accuracy()
    return f"{number(estimate.value)} {interval(estimate.low, estimate.high)}" if estimate else "-"
