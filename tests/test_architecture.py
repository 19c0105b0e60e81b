"""Who may import whom. The layers of CONTRIBUTING.md, held on every import, also those inside functions."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = (
    "cli",
    "api report doctor studies",
    "launch",
    "results display",
    "models strategies",
    "pipeline",
    "plugins",
    "pddl_domains",
    "reading pddl",
    "answers files text trust hub",
    "statistics options errors seeds types",
)
"""Each room may import rooms of the lines below, and of its own line. The pipeline knows models and strategies by their
protocols in `types` alone; a model may read an earlier run (replay)."""
RANK = {room: i for i, line in enumerate(LAYERS) for room in line.split()}
FOR_TASKS = set("types options seeds errors answers files text hub reading pddl pddl_domains statistics tasks".split())
"""What a task is written with. It knows no runs, models or tables of the engine."""
HEAVY = set("pandas pyarrow openai datasets unified_planning ctranslate2 torch matplotlib scipy statsmodels".split())
HEAVY |= {"pddl", "vllm", "huggingface_hub"}
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
    assert not [a for a in arrows() if a[0] == "tasks" and a[1] not in FOR_TASKS]


def test_no_task_imports_another() -> None:
    """What several tasks need stands beside them (tasks/persons.py), or in harness.reading."""
    found = []
    for path in (p for p in files() if p.is_relative_to(ROOT / "tasks") and p.parent != ROOT / "tasks"):
        own = path.relative_to(ROOT / "tasks").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = str(node.module or "").split(".") if isinstance(node, ast.ImportFrom) else []
            if parts[:2] == ["harness", "tasks"] and len(parts) > 2 and (ROOT / "tasks" / parts[2]).is_dir():
                found += [path.relative_to(ROOT).as_posix()] if parts[2] != own else []
    assert not found


READ = {"read_records", "located_records", "read_lines", "read_calls", "read_config", "read_nodes"}
"""The functions of harness.pipeline.store that read a run's files."""
READERS = {
    "harness/pipeline/store.py",  # has them
    "harness/pipeline/runner.py",  # takes up what an earlier try has done
    "harness/launch.py",  # looks if a run that could not start has left anything
    "harness/results/records.py",  # open_run
    "harness/results/parquet.py",  # close_run
    "harness/models/replay.py",  # answers from an earlier run, by offsets
    "harness/report/collect.py",  # the journal of calls
}
FINISHED = {"write_parquet", "write_summary"}


def called(path: Path) -> set[str]:
    """The names of everything that a file calls."""
    nodes = (n.func for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call))
    return {n.attr if isinstance(n, ast.Attribute) else n.id for n in nodes if isinstance(n, ast.Attribute | ast.Name)}


def test_a_run_is_read_by_open_run_alone() -> None:
    assert {p.relative_to(ROOT).as_posix() for p in files() if called(p) & READ} == READERS


def test_a_run_is_finished_by_close_run_alone() -> None:
    assert {p.relative_to(ROOT).as_posix() for p in files() if called(p) & FINISHED} == {"harness/results/records.py"}


def test_the_engine_knows_no_param_of_a_task() -> None:
    """What a task measures, and which baselines it brings, it declares (Task.measures, Task.baselines)."""
    own = {"optimal_cost", "hops", "planner"}
    engine = [p for p in files() if room(p) not in ("tasks", "pddl_domains", "pddl", "doctor")]
    told = {
        p.relative_to(ROOT).as_posix()
        for p in engine
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in own
    }
    assert not told


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
