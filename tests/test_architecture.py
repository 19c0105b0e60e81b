"""Who may import whom. The layers of CONTRIBUTING.md, held on every import, also those inside functions."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = (
    "cli",
    "api report doctor",
    "evenness launch",
    "analysis importing leaderboard history export display validation",
    "audit compare scoring",
    "runner session",
    "cache parquet remarks tables",
    "models strategies",
    "plugins store",
    "pddl_domains",
    "reading pddl",
    "text",
    "statistics options errors seeds types",
)
"""Each room may import rooms of the lines below, and of its own line."""
RANK = {room: i for i, line in enumerate(LAYERS) for room in line.split()}
FOR_TASKS = set("types options seeds errors text reading pddl pddl_domains statistics tasks".split())
"""What a task is written with. It knows no runs, models or tables of the engine."""
READERS_OF_PUBLISHED_ANSWERS = {"importing", "scoring"}
"""These formats are entry points of their own that happen to live beside a task."""
HEAVY = set("pandas pyarrow openai datasets unified_planning ctranslate2 torch matplotlib scipy statsmodels".split())
HEAVY |= {"pddl", "vllm"}
TRAINING = "harness/models/tiny/"
"""A program of its own (extra `train`): never on the way to a run."""


def files() -> list[Path]:
    return sorted(p for folder in ("harness", "tasks", "pddl_domains") for p in (ROOT / folder).rglob("*.py"))


def room(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0] if parts[0] != "harness" else parts[1]


def imported(tree: ast.AST) -> Iterator[str]:
    """The rooms that a file imports from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "harness":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("harness."):
            yield str(node.module).split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("harness."))


def arrows() -> set[tuple[str, str, str]]:
    found = set()
    for path in files():
        here = room(path)
        for there in imported(ast.parse(path.read_text(encoding="utf-8"))):
            if there != here and (there in RANK or there == "tasks"):
                found.add((here, there, path.relative_to(ROOT).as_posix()))
    return found


def test_every_room_of_the_engine_has_its_layer() -> None:
    rooms = {room(p) for p in files()} - {"tasks", "pddl_domains", "__init__", "pytest_plugin"}
    assert rooms == set(RANK) - {"pddl_domains"}


def test_imports_go_down_only() -> None:
    back = [a for a in arrows() if a[0] in RANK and a[1] in RANK and RANK[a[0]] > RANK[a[1]]]
    assert not back


def test_the_engine_names_no_task() -> None:
    assert not [
        a for a in arrows() if a[1] == "tasks" and a[0] != "tasks" and not a[2].startswith("harness/models/tiny/")
    ]


def test_a_task_knows_no_runs_and_no_models() -> None:
    strange = [a for a in arrows() if a[0] == "tasks" and a[1] not in FOR_TASKS | READERS_OF_PUBLISHED_ANSWERS]
    assert not strange
    readers = {a[2] for a in arrows() if a[0] == "tasks" and a[1] in READERS_OF_PUBLISHED_ANSWERS}
    assert not [file for file in readers if file.endswith("/task.py")]


@pytest.mark.parametrize("path", files(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nothing_heavy_is_imported_at_module_level(path: Path) -> None:
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found |= {name.split(".")[0] for name in names}
    assert not found & HEAVY or path.relative_to(ROOT).as_posix() == f"{TRAINING}train.py"


@pytest.mark.parametrize("path", files(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500
