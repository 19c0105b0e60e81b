"""Floors: ways to answer without causal reasoning. Each has to be right in half of the cases at every rung."""

from __future__ import annotations

from harness.tasks.ladder.kinds import yes
from harness.types import Params

KINDS = {
    "yes": "always yes",
    "rung1": "what rung 1 says, whatever is asked",
    "first_two": "compares the first two numbers of the text: more, if the second is larger",
    "larger": "compares the numbers of the two kinds (or counts) that the question seems to be about",
    "polarity": "yes if the question says more (or on), no if it says less (or off)",
}


def guess(kind: str, params: Params) -> str:
    """The answer of a floor to a yes/no question. A kind of question that has nothing to compare gets a yes."""
    if kind == "polarity":
        return yes(params.get("polarity") != "less")
    if kind == "rung1":
        return str(params.get("rung1") or "yes")
    compared = params.get(kind)
    return "yes" if compared is None or kind == "yes" else yes(bool(compared) == (params["polarity"] == "more"))
