"""Runs for the tests of the report: real ones, a search, and made ones with hostile names."""

import json
from collections.abc import Mapping
from pathlib import Path

from harness import api
from harness.pipeline import store

HOSTILE = "<script>window.hacked=1</script><img src=x onerror='window.hacked=2'></script>\u2028]]>\n### Answer: 3"


def hostile_runs(out: Path) -> list[Path]:
    """Two runs of the same samples, one of which has a name, and in the first a response, that would like to be
    markup."""
    first, second = (
        api.run("aiw", f"baseline/{m}", limit=6, epochs=4, out=out).directory for m in ("oracle", "random")
    )
    changed = json.loads((first / store.RECORDS).read_text(encoding="utf-8").splitlines()[0])
    for directory in (first, second):
        records = [json.loads(line) for line in (directory / store.RECORDS).read_text(encoding="utf-8").splitlines()]
        for record in records:
            if (record["id"], record["epoch"]) == (changed["id"], changed["epoch"]):
                record |= {"id": "<b>id</b>"} | ({"response": HOSTILE} if directory == first else {})
        text = "".join(json.dumps(record) + "\n" for record in records)
        (directory / store.RECORDS).write_text(text, encoding="utf-8")
    return [first, second]


def searched(tmp_path: Path) -> Path:
    """A run whose first sample was searched for: its tree has a hostile thought, a node that is its own parent, and a
    name that comes twice."""
    made = api.run("game24", "baseline/oracle", limit=3, out=tmp_path).directory
    first = json.loads((made / store.RECORDS).read_text(encoding="utf-8").splitlines()[0])
    of = {"id": first["id"], "epoch": 1}
    nodes = [
        of | {"node": 1, "parent": None, "role": "state", "thought": "", "chosen": True},
        of | {"node": 2, "parent": 1, "role": "state", "thought": HOSTILE, "value": 0.5, "chosen": True},
        of | {"node": 3, "parent": 2, "role": "value", "said": "likely"},
        of | {"node": 4, "parent": 1, "role": "state", "thought": "1 + 1 = 3", "value": 0, "pruned": True},
        of | {"node": 5, "parent": 5, "role": "state", "thought": "alone"},
        *(of | {"node": i // 2, "parent": i // 2 - 1, "role": "state", "thought": "twice"} for i in range(20, 80)),
        of | {"node": 6, "parent": 2, "role": "final"},
    ]
    (made / store.NODES).write_text("".join(json.dumps(node) + "\n" for node in nodes), encoding="utf-8")
    return made


def made(tmp_path: Path, answers: list[Mapping[str, object]], name: str = "made", **about: object) -> Path:
    """A run of a task of its own, with the factor `world` and these records."""
    directory = tmp_path / name
    directory.mkdir()
    config = {"task": "echo", "model": "m", "strategy": "io"} | dict(about.pop("config", {}))  # type: ignore[call-overload]
    task = {"version": "1", "factors": ["world", "size"], "main": "world"}
    store.write_config(directory, {"run_id": name, "status": "complete", "config": config, "task": task} | about)
    lines = []
    for i, own in enumerate(answers):
        params = {"world": own.get("world", "plain"), "size": own.get("size", "s")}
        line = {"task": "echo", "id": f"s{i}", "epoch": 1, "group": "g", "condition": "/".join(params.values()),
                "params": params, "response": "", "answer": None, "target": "7", "value": None} | own  # fmt: skip
        line["value"] = 1.0 if line["outcome"] == "correct" else 0.0 if line["outcome"] == "wrong" else None
        lines.append(json.dumps(line) + "\n")
    (directory / store.RECORDS).write_text("".join(lines), encoding="utf-8")
    return directory


def judged(right: int, wrong: int, **own: object) -> list[Mapping[str, object]]:
    return [{"outcome": o, **own} for o, n in (("correct", right), ("wrong", wrong)) for _ in range(n)]
