"""All kinds of the task, in the order in which they are asked. The one place to add a kind to."""

from __future__ import annotations

from harness.tasks.logic import (
    abduction,
    argument,
    colours,
    defeasible,
    entailment,
    induction,
    kinship,
    lookup,
    rules,
    sat,
    syllogism,
)
from harness.tasks.logic.kinds import Kind

KINDS: dict[str, Kind] = {
    module.KIND.name: module.KIND
    for module in (
        lookup, colours, induction, rules, kinship, entailment, syllogism, argument, abduction, defeasible, sat
    )
}  # fmt: skip
