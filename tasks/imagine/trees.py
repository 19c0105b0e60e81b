"""The executable form: expression trees over named quantities, in exact whole numbers. Knows no text and no prompt."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

Tree = int | str | tuple[str, "Tree", "Tree"]
"""A constant, the name of a quantity, or (operation, left, right); operations: + - * / and %, the remainder."""

_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}


class Step(NamedTuple):
    """One named quantity, and how it follows from those before it."""

    name: str
    tree: Tree


def parsed(text: str) -> Step:
    """`"left = pages - read * days"` as a step. For our own data files: ValueError for anything else."""
    name, equals, expression = text.partition(" = ")
    if not equals or not name.isidentifier():
        raise ValueError(f"not a step: {text!r}")
    return Step(name, _tree(ast.parse(expression, mode="eval").body))


def _tree(node: ast.expr) -> Tree:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _SIGNS:
        return _SIGNS[type(node.op)], _tree(node.left), _tree(node.right)
    raise ValueError(f"no quantity, number or operation: {ast.dump(node)}")


def names(tree: Tree) -> set[str]:
    """The quantities that a tree needs."""
    if isinstance(tree, tuple):
        return names(tree[1]) | names(tree[2])
    return {tree} if isinstance(tree, str) else set()


def replaced(tree: Tree, old: str, new: str) -> Tree:
    """The tree with one quantity in place of another."""
    if isinstance(tree, tuple):
        return tree[0], replaced(tree[1], old, new), replaced(tree[2], old, new)
    return new if tree == old else tree


def value(tree: Tree, known: Mapping[str, int]) -> int:
    """The value of a tree; 0 if it, or a part of it, is not a whole number above 0."""
    if isinstance(tree, str):
        return known[tree]
    if isinstance(tree, int):
        return tree
    sign = tree[0]
    left, right = value(tree[1], known), value(tree[2], known)
    if not left or not right:
        return 0
    if sign == "*":
        return left * right
    if sign == "+":
        return left + right
    if sign == "-":
        return max(0, left - right)
    quotient, rest = divmod(left, right)
    return rest if sign == "%" else 0 if rest else quotient


def computed(steps: Sequence[Step], stated: Mapping[str, int], most: int) -> dict[str, int] | None:
    """All quantities, stated and computed, in the order of the steps; None if one of them is not a whole number from 1
    to `most`."""
    known = dict(stated)
    for name, tree in steps:
        found = value(tree, known)
        if not 0 < found <= most:
            return None
        known[name] = found
    return known


def backwards(steps: Sequence[Step], stated: Mapping[str, int], wanted: str) -> Fraction:
    """A quantity found another way: from the question back to what is stated, in fractions. KeyError for a quantity
    that is neither stated nor computed."""
    trees = dict(steps)

    def of(tree: Tree) -> Fraction:
        if isinstance(tree, int):
            return Fraction(tree)
        if isinstance(tree, str):
            return Fraction(stated[tree]) if tree in stated else of(trees[tree])
        left, right = of(tree[1]), of(tree[2])
        by = {"+": left.__add__, "-": left.__sub__, "*": left.__mul__, "/": left.__truediv__, "%": left.__mod__}
        return Fraction(by[tree[0]](right))

    return of(wanted)


def written(tree: Tree, known: Mapping[str, int]) -> str:
    """A tree in numbers: `12 * 5`, `(12 + 7) * 5`."""
    if not isinstance(tree, tuple):
        return str(tree if isinstance(tree, int) else known[tree])
    left, right = (
        f"({written(part, known)})" if isinstance(part, tuple) and (tree[0] in "*/%" or side) else written(part, known)
        for side, part in enumerate(tree[1:])
    )
    return f"{left} {tree[0]} {right}"
