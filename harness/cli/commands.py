"""Which commands there are: in which file of this package each is, and what `harness --help` says of it.

A file is imported if one of its commands is called: `harness --help` imports none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Declared(NamedTuple):
    """`file` is a module of this package, `short` what the list of commands says: it fits on a line of 80."""

    file: str
    short: str


SECTIONS: Mapping[str, Mapping[str, Declared]] = {
    "Ask a model": {
        "run": Declared("asking", "Ask tasks of models, print the table, leave a run."),
        "falsify": Declared("falsify", "Search for where a model breaks, prove it on fresh groups."),
        "twins": Declared("twins", "Are published items known by heart? Asks fresh ones too."),
        "budget": Declared("budget", "Accuracy and gap by budget of thinking, from one trace."),
        "reproduce": Declared("recipes", "Ask a published table again, and print it beside."),
        "claim": Declared("claims", "Write down what a run is to show, before it is made."),
        "serve": Declared("machine", "Start a local vLLM server for a model."),
    },
    "Read results": {
        "table": Declared("results", "Tidy table over the records of runs."),
        "stats": Declared("results", "What runs say beyond accuracy."),
        "show": Declared("asking", "Prompts of a task with their targets, or a run's records."),
        "report": Declared("results", "One self-contained page about runs."),
        "compare": Declared("results", "Regression gate: a new run against a base."),
        "gate": Declared("results", "One gate over many tasks, by a policy file."),
        "baseline": Declared("results", "Baselines that runs are compared with."),
        "history": Declared("results", "How accuracy changed from run to run."),
        "leaderboard": Declared("results", "One row per model, task and strategy; CSV."),
        "audit": Declared("results", "Are a task's matched conditions matched?"),
        "export": Declared("results", "A run as a log of inspect_ai, of lm-eval, and more."),
        "import": Declared("asking", "Make runs of answers that other programs collected."),
        "score": Declared("asking", "Score responses in a JSONL file or in a run."),
        "validate": Declared("asking", "Execute a plan, and name its first step that fails."),
    },
    "Look inside a model (extra lab)": {
        "lens": Declared("lab", "What a model would answer if it ended after each layer."),
        "patch": Declared("lab", "Which parts carry the difference of two matched prompts."),
        "patchscope": Declared("lab_probe", "Hidden states of a prompt, put into another prompt."),
        "circuit": Declared("lab", "Which connections between parts an answer needs."),
        "induction": Declared("lab", "Heads that look at what followed the last time."),
        "components": Declared("lab_components", "What each part adds to an answer; which heads read which."),
        "probe": Declared("lab_probe", "Linear probes with a control task, layer by layer."),
        "sae": Declared("lab_probe", "Sparse autoencoders: features of a layer."),
        "localise": Declared("lab_localise", "Where a gap sits in a model, proved on other groups."),
        "trace": Declared("lab_edit", "Causal tracing: where a model holds facts."),
        "edit": Declared("lab_edit", "Edit facts in a copy of a model; what has changed?"),
        "context": Declared("lab_context", "Position schemes beyond the length of training."),
    },
    "What there is": {
        "tasks": Declared("machine", "The installed tasks; with a name, a task's options."),
        "models": Declared("machine", "Model aliases and backends; add and get some."),
        "strategies": Declared("machine", "The installed strategies; with a name, its options."),
        "doctor": Declared("machine", "What works on this machine, and what to install."),
    },
}
OWN: Mapping[str, Declared] = {name: of for section in SECTIONS.values() for name, of in section.items()}
