"""The table of sets in README.md, made from their files: `python -m harness.tasks.hub.listing` prints it."""

from __future__ import annotations

from harness.tasks.hub import schema


def table() -> str:
    """All sets but ours as Markdown, a row each: also numbers that are quoted, with their source, and none from
    memory."""
    lines = [
        "| `set` | hub, split | pin | rows | kind | year | licence | to know |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in schema.names():
        if name == schema.SHIPPED:
            continue
        s = schema.find(name)
        config = f", {s.pin.configs[0]}" if len(s.pin.configs) == 1 else ""
        config = config or (f", {len(s.pin.configs)} configurations" if s.pin.configs else "")
        rows = f"{s.pin.rows:,}" if s.pin.rows is not None else "-"
        shots = f"; usual: {s.shots} shots" if s.shots else ""
        quoted = [f"quoted: {q.who} {q.accuracy:.3f} ({q.where}, read in a {q.how})" for q in s.published]
        cells = (
            f"`{name}`",
            f"{s.title}: `{s.pin.repo}`{config}, {s.pin.split}",
            s.pin.revision[:7] or "none",
            rows,
            s.kind + shots,
            str(s.released),
            s.licence,
            "; ".join(filter(None, (s.note, *quoted))),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
