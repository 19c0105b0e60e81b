"""A tiny language in the syntax of Python, in which the first index of a list is 0 or 1, and its interpreter.

Programs are parsed and interpreted here; Python never executes them. Two ways to the same output: `run` a program with
a first index of 1, or `translated` into one that is run with 0.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Any

from harness.errors import DataError

MOST_STATEMENTS = 1_000
"""Statements that a program may execute."""


def run(program: str, first: int) -> tuple[str, list[int]]:
    """(what the program prints, the integers of all its lists at the end).

    `xs[first]` is the first element. `xs[a:b]` has the elements from a up to and without b. `xs.index(v)` and
    `xs.pop(i)` count alike. `range(a, b)` counts from a to b - 1 whatever the first index is. An index outside the
    list, negative ones too, is an error, as is whatever else the language does not have: DataError.
    """
    machine = _Machine(first)
    try:
        machine.block(_parsed(program).body)
    except (SyntaxError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"not a program of the language: {error}") from None
    lists = [value for value in machine.names.values() if isinstance(value, list)]
    return "\n".join(machine.printed), [value for values in lists for value in values]


@lru_cache(maxsize=16)
def _parsed(program: str) -> ast.Module:
    """A program is run in both worlds, and parsed once."""
    return ast.parse(program)


class _Machine:
    """The variables and the output of a program that runs."""

    def __init__(self, first: int) -> None:
        self.first, self.left = first, MOST_STATEMENTS
        self.names: dict[str, Any] = {}
        self.printed: list[str] = []

    def block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self.left -= 1
            if self.left < 0:
                raise ValueError(f"more than {MOST_STATEMENTS} statements")
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                self.assign(statement.targets[0], self.value(statement.value))
            elif isinstance(statement, ast.For) and not statement.orelse:
                for number in self.counted(statement.iter):
                    self.assign(statement.target, number)
                    self.block(statement.body)
            elif isinstance(statement, ast.Expr):
                self.value(statement.value)
            else:
                raise ValueError(f"line {statement.lineno}")

    def counted(self, node: ast.expr) -> range:
        """The numbers of `range(a, b)`."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
            start, stop = (self.value(argument) for argument in node.args)
            return range(start, stop)
        raise ValueError(f"line {node.lineno}: a loop is over range(a, b)")

    def assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, ast.Subscript):
            held = self.value(target.value)
            held[self.place(self.value(target.slice), held)] = value
        elif isinstance(target, ast.Tuple):
            for part, one in zip(target.elts, value, strict=True):
                self.assign(part, one)
        else:
            raise ValueError(f"line {target.lineno}")

    def place(self, index: int, held: list[int], ends: bool = False) -> int:
        """The place in memory, from 0, of an index of the language; `ends`: the one behind the last is an index too."""
        if not self.first <= index < self.first + len(held) + ends:
            raise ValueError(f"there is no index {index}")
        return index - self.first

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return node.value
        if isinstance(node, ast.Name):
            return self.names[node.id]
        if isinstance(node, ast.List):
            return [self.value(element) for element in node.elts]
        if isinstance(node, ast.Tuple):
            return tuple(self.value(element) for element in node.elts)
        if isinstance(node, ast.Subscript):
            held, index = self.value(node.value), node.slice
            if isinstance(index, ast.Slice):
                low = self.place(self.value(index.lower), held, True) if index.lower else 0
                high = self.place(self.value(index.upper), held, True) if index.upper else len(held)
                return held[low:high]
            return held[self.place(self.value(index), held)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.value(node.left) + self.value(node.right)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            return self.value(node.left) - self.value(node.right)
        if isinstance(node, ast.Call) and len(node.args) == 1:
            return self.called(node.func, self.value(node.args[0]))
        raise ValueError(f"line {node.lineno}")

    def called(self, function: ast.expr, argument: Any) -> Any:
        if isinstance(function, ast.Attribute):
            held = self.value(function.value)
            if function.attr == "index":
                return held.index(argument) + self.first
            if function.attr == "pop":
                return held.pop(self.place(argument, held))
            if function.attr == "append":
                return held.append(argument)
        elif isinstance(function, ast.Name):
            if function.id == "print":
                return self.printed.append(str(argument))
            if function.id == "sum":
                return sum(argument)
        raise ValueError(f"line {function.lineno}: there is no such function")


def translated(program: str) -> str:
    """The program that prints the same with a first index of 0 as the given one with 1: each index and each end of a
    slice is one less, and what `index` finds is one more."""
    return ast.unparse(ast.fix_missing_locations(_FromOne().visit(ast.parse(program))))


class _FromOne(ast.NodeTransformer):
    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.slice, ast.Slice):
            node.slice.lower = node.slice.lower and _shifted(node.slice.lower, ast.Sub())
            node.slice.upper = node.slice.upper and _shifted(node.slice.upper, ast.Sub())
        else:
            node.slice = _shifted(node.slice, ast.Sub())
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name == "pop":
            node.args = [_shifted(node.args[0], ast.Sub())]
        return _shifted(node, ast.Add()) if name == "index" else node


def _shifted(node: ast.expr, by: ast.operator) -> ast.expr:
    return ast.BinOp(node, by, ast.Constant(1))
