"""Kind `spatial`: walks in a hall whose compass is swapped or turned. Knows no prompt and no scoring."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from harness.tasks.worlds.problem import DEFAULT, Ask, Kind, Problem, Question

Vector = tuple[int, int]
Leg = tuple[str, int]

UP, RIGHT, DOWN, LEFT = (0, 1), (1, 0), (0, -1), (-1, 0)
DIRECTIONS = ("north", "east", "south", "west")
COMPASS: dict[str, tuple[Vector, Vector, Vector, Vector]] = {
    DEFAULT: (UP, RIGHT, DOWN, LEFT),
    "swap_ns": (DOWN, RIGHT, UP, LEFT),
    "swap_ew": (UP, LEFT, DOWN, RIGHT),
    "turn_90": (RIGHT, DOWN, LEFT, UP),
    "turn_180": (DOWN, LEFT, UP, RIGHT),
    "turn_270": (LEFT, UP, RIGHT, DOWN),
}
"""Where north, east, south and west point on the plan; turns are clockwise."""
_WORDS = {UP: "up", RIGHT: "right", DOWN: "down", LEFT: "left"}
_OBJECTS = (
    "anvil barrel bench cage candle carpet chest clock cradle desk drum easel globe harp kettle ladder lamp loom "
    "mirror oven piano rug saddle sofa stool stove telescope trunk vase wardrobe"
).split()
_HELD_OUT = "basin bell broom bucket chandelier cupboard fountain hammock lantern pillar screen statue".split()
_LONGEST = 4
"""Steps of a leg."""


def walked(legs: Sequence[Leg], world: str) -> Vector:
    """How far a walk leads, leg by leg."""
    x = y = 0
    for direction, steps in legs:
        right, up = COMPASS[world][DIRECTIONS.index(direction)]
        x, y = x + steps * right, y + steps * up
    return x, y


def carried_over(displacement: Vector, world: str) -> Vector:
    """Where a walk leads that leads to `displacement` by the usual compass: in one step, as the matrix whose columns
    are where east and north point."""
    (north_x, north_y), (east_x, east_y), *_ = COMPASS[world]
    x, y = displacement
    return x * east_x + y * north_x, x * east_y + y * north_y


def draw(ask: Ask) -> Problem:
    """A walk of `length` legs that leads to another object in each world. Eight objects stand at the eight places that
    have the same two distances from where it begins, as the six worlds do."""
    rng = ask.rng
    while True:
        names = [rng.choice(DIRECTIONS)]
        while len(names) < ask.length:
            names.append(rng.choice([d for d in DIRECTIONS if d != names[-1]]))
        legs = [(name, rng.randint(1, _LONGEST)) for name in names]
        a, b = walked(legs, DEFAULT)
        if a and b and abs(a) != abs(b):
            break
    most = max(abs(a), abs(b))
    far = 40 * ask.held_out
    x, y = (rng.randint(most + far, most + far + 6) for _ in range(2))
    pairs = ((abs(a), abs(b)), (abs(b), abs(a)))
    places = [(s * u, t * v) for (u, v), s, t in itertools.product(pairs, (1, -1), (1, -1))]
    objects = rng.sample(_HELD_OUT if ask.held_out else _OBJECTS, len(places))
    there = dict(zip(places, objects, strict=True))
    shown = rng.sample(places, len(places))
    parts = {
        "x": str(x), "y": str(y),
        "objects": "\n".join(f"- {there[u, v]}: ({x + u}, {y + v})" for u, v in shown),
        "walk": ", then ".join(f"{n} step{'s' * (n > 1)} {direction}" for direction, n in legs),
    }  # fmt: skip
    main = Question(parts, {world: there[walked(legs, world)] for world in COMPASS}, tuple(sorted(objects)))
    one = (UP, RIGHT, DOWN, LEFT)[ask.turn % 4]
    faced = {world: DIRECTIONS[points.index(one)] for world, points in COMPASS.items()}
    check = {"from": f"({x}, {y})", "to": f"({x + one[0]}, {y + one[1]})"}
    return Problem(main, Question(check, faced, DIRECTIONS), _RULES, ask.length)


_RULES = {
    world: {direction: _WORDS[point] for direction, point in zip(DIRECTIONS, points, strict=True)}
    for world, points in COMPASS.items()
}
SPATIAL = Kind("spatial", tuple(COMPASS), draw, form='{{"answer": "{}"}}')
