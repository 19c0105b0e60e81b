"""The tasks of five domains of planning; the puzzles are in puzzle_tasks.py."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import UsageError
from harness.options import option
from harness.tasks.planning import domains
from harness.tasks.planning.instances import Instance, Plan
from harness.tasks.planning.task import Planning


@dataclass(frozen=True)
class Blocksworld(Planning):
    """Blocksworld, Mystery Blocksworld, and Blocksworld under random names."""

    blocks: int = option(4, "number of blocks, 2 to 12", between=(2, 12))

    name: ClassVar[str] = "blocksworld"

    def draw(self, rng: random.Random) -> Instance:
        """See domains.blocksworld."""
        return domains.blocksworld(rng, self.blocks)

    def draw_like(self, instance: Instance, rng: random.Random) -> Instance:
        """With as many blocks."""
        return domains.blocksworld(rng, len(instance.objects))

    def pattern(self, rng: random.Random, size: int) -> tuple[Instance, Plan]:
        """See domains.blocksworld_pattern."""
        return domains.blocksworld_pattern(rng, size)


@dataclass(frozen=True)
class Logistics(Planning):
    """Packages, trucks and airplanes; also under other names."""

    packages: int = option(2, "number of packages, 1 to 9", between=(1, 9))
    cities: int = option(2, "number of cities, 2 to 9", between=(2, 9))
    locations: int = option(2, "places in each city, 2 to 9", between=(2, 9))

    name: ClassVar[str] = "logistics"

    def draw(self, rng: random.Random) -> Instance:
        """See domains.logistics."""
        return domains.logistics(rng, self.packages, self.cities, self.locations)

    def pattern(self, rng: random.Random, size: int) -> tuple[Instance, Plan]:
        """See domains.logistics_pattern."""
        return domains.logistics_pattern(rng, size)


@dataclass(frozen=True)
class Depots(Planning):
    """Crates, hoists and trucks; also under other names."""

    crates: int = option(3, "number of crates, 1 to 9", between=(1, 9))
    places: int = option(2, "number of places, 2 to 5", between=(2, 5))
    trucks: int = option(1, "number of trucks, 1 to 3", between=(1, 3))

    name: ClassVar[str] = "depots"

    def draw(self, rng: random.Random) -> Instance:
        """See domains.depots."""
        return domains.depots(rng, self.crates, self.places, self.trucks)

    def pattern(self, rng: random.Random, size: int) -> tuple[Instance, Plan]:
        """See domains.depots_pattern."""
        return domains.depots_pattern(rng, size)


@dataclass(frozen=True)
class Gripper(Planning):
    """A robot with two grippers carries balls between rooms; also under other names."""

    balls: int = option(4, "number of balls, 1 to 12", between=(1, 12))
    rooms: int = option(2, "number of rooms, 2 to 5", between=(2, 5))

    name: ClassVar[str] = "gripper"
    lacks: ClassVar[Mapping[str, str]] = {"landmarks": "no fact must come about, as either gripper may be used"}

    def draw(self, rng: random.Random) -> Instance:
        """See domains.gripper."""
        return domains.gripper(rng, self.balls, self.rooms)

    def pattern(self, rng: random.Random, size: int) -> tuple[Instance, Plan]:
        """See domains.gripper_pattern."""
        return domains.gripper_pattern(rng, size)


@dataclass(frozen=True)
class Sokoban(Planning):
    """A worker pushes boxes through a small room; also under other names."""

    boxes: int = option(1, "number of boxes, 1 to 3", between=(1, 3))
    width: int = option(4, "cells from west to east, 3 to 9", between=(3, 9))
    height: int = option(4, "cells from north to south, 3 to 9", between=(3, 9))
    walls: int = option(3, "cells that are walls, 0 to 9", between=(0, 9))

    name: ClassVar[str] = "sokoban"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width * self.height - self.walls < 3 * self.boxes + 4:
            raise UsageError("task sokoban: there is no room for the boxes", "fewer walls or boxes, or a larger room")

    def draw(self, rng: random.Random) -> Instance:
        """See domains.sokoban."""
        return domains.sokoban(rng, self.boxes, self.width, self.height, self.walls)

    def pattern(self, rng: random.Random, size: int) -> tuple[Instance, Plan]:
        """See domains.sokoban_pattern."""
        return domains.sokoban_pattern(rng, size)
