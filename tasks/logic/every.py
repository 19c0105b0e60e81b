"""All kinds of the task, in the order in which they are asked. The one place to add a kind to."""

from __future__ import annotations

from harness.tasks.logic import abduction, argument, defeasible, lookup, sat, syllogism
from harness.tasks.logic.kinds import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (lookup.KIND, syllogism.KIND, argument.KIND, abduction.KIND, defeasible.KIND, sat.KIND)
}
