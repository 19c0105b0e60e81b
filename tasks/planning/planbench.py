"""PlanBench's result files as answers of our planning tasks (`harness import planbench FILE`).

The files hold prompts and responses, not PDDL. So the last problem of each prompt is read back: from its PDDL if the
prompt has it, else from its sentences. A domain under random names is read from the rules in the prompt. In a log of
back-prompting an instance is a dialogue of plans and what a verifier says of them: its last plan is the answer. Source
of the format: karthikv792/LLMs-Planning (MIT), plan-bench/results, llm_planning_analysis/results and
results_backprompting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.answers import PublishedAnswer
from harness.errors import DataError, HarnessError, UsageError
from harness.files import read_json
from harness.pddl.fact_text import FactLexicon, read_line
from harness.pddl.parse import OBJECT, Fact
from harness.pddl.plan_text import read as read_plan_text
from harness.pddl_domains import World, mystery, own, plain
from harness.tasks.planning.instances import Instance
from harness.tasks.planning.rendering import NO_PLAN
from harness.types import Message, Sample

ABILITIES = {
    "t1": "plan_generation",  # of the first logs of back-prompting
    "task_1": "plan_generation",
    "task_2": "plan_optimality",
    "task_3": "plan_verification",
    "task_4": "plan_reuse",
    "task_5": "plan_generalization",
    "task_7": "plan_execution",
    "task_8_1": "goal_shuffling",
    "task_8_2": "full_to_partial",
    "task_8_3": "partial_to_full",
}
STYLES = {"state_tracking": "state_tracking", "zero_shot": "zero_shot"}


def read(path: Path, options: Mapping[str, str]) -> Iterator[PublishedAnswer]:
    """The answered instances of one result file. The option `model` (--with model=NAME) names the model; without it the
    file's `engine` does, or the folder of the file, as in the repository.

    Raises UsageError for an unknown option, DataError if the file is not a result file or can't be imported.
    """
    unknown = set(options) - {"model"}
    if unknown:
        raise UsageError(f"format planbench: there is no {', '.join(sorted(unknown))}", "--with model=NAME")
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("instances"), list) or "domain" not in content:
        raise DataError(f"{path}: not a result file of PlanBench: it has no `domain` and `instances`")
    task, domain = str(content.get("task", path.stem)), str(content["domain"]).partition("/")[0]
    domain = "mystery_blocksworld" if domain == "mystery" else domain
    ability = next((a for name, a in sorted(ABILITIES.items(), reverse=True) if task.startswith(name)), None)
    if ability is None:
        raise DataError(f"{path}: {task} can't be imported", f"these can: {', '.join(ABILITIES)}")
    model = options.get("model") or content.get("engine") or path.resolve().parent.name
    for number, row in enumerate(content["instances"], 1):
        if not isinstance(row, dict):
            continue
        dialogue = _dialogue(row)
        if dialogue is not None or row.get("llm_raw_response"):  # without one it was not asked
            where = f"{path}, instance {row.get('instance_id', number)}"
            try:
                if dialogue is None:
                    yield _answer(str(model), task, domain, ability, row)
                else:
                    yield _after_rounds(str(model), task, domain, ability, row, dialogue)
            except HarnessError as error:
                raise DataError(f"{where}: {error.message}", error.hint) from None


def _dialogue(row: Mapping[str, Any]) -> list[Message] | None:
    """The turns of a log of back-prompting, if the model had one; None in other files."""
    turns = row.get("messages")
    if not isinstance(turns, list) or not all(isinstance(t, dict) for t in turns):
        return None
    found = [Message(str(t.get("role")), str(t.get("content") or "")) for t in turns]
    return found if any(role == "user" for role, _ in found) and any(role == "assistant" for role, _ in found) else None


def _after_rounds(
    model: str, task: str, domain: str, ability: str, row: Mapping[str, Any], dialogue: Sequence[Message]
) -> PublishedAnswer:
    """The last plan of a dialogue. A verifier helped: it never stands in one row with plans that had no second try."""
    plans = [text for role, text in dialogue if role == "assistant"]
    first = next(i for i, (role, _) in enumerate(dialogue) if role == "user")
    verdict = row.get("act_correct", row.get("correct"))
    single = {"instance_id": row.get("instance_id"), "query": dialogue[first].content, "llm_raw_response": plans[-1]}
    answer = _answer(model, task, domain, ability, single | {"llm_correct": verdict})
    sample = replace(
        answer.sample, messages=tuple(dialogue[: first + 1]), target=""
    )  # these logs have no plan of theirs
    usage = {"calls": len(plans), **_tokens(row.get("step_wise_dict"))}
    return replace(answer, sample=sample, usage=usage, strategy="backprompting", aid="verifier")


def _tokens(steps: Any) -> dict[str, int]:
    """The tokens of all rounds together; {} if a round does not say."""
    found = {"prompt_tokens": 0, "completion_tokens": 0}
    for step in steps.values() if isinstance(steps, dict) else ({},):
        said = step.get("response_object") if isinstance(step, dict) else None
        used = said.get("usage") if isinstance(said, dict) else None
        for name in found:
            count = used.get(name) if isinstance(used, dict) else None
            if not isinstance(count, int):
                return {}
            found[name] += count
    return found


@dataclass(frozen=True)
class _Asked:
    """What a prompt asks about: the params that name the world, the problem in PDDL, and the plan in question or ""."""

    params: Mapping[str, Any]
    problem: str
    plan: str = ""


def _answer(model: str, task: str, domain: str, ability: str, row: Mapping[str, Any]) -> PublishedAnswer:
    query, response = str(row.get("query", "")), str(row["llm_raw_response"])
    asked = _asked(domain, query, ability)
    kind = "mystery" if "mystery" in domain or "deceptive" in domain else "random" if "obf" in domain else "plain"
    style = next((style for name, style in STYLES.items() if name in task), "one_shot")
    prompt = "pddl" if "(define" in query else "nl"
    truth = str(row.get("ground_truth_plan") or "")
    optimal = len(re.findall(r"^\s*\(", truth, re.M)) if ability in ("plan_generation", "plan_optimality") else None
    instance = f"{re.sub('mystery_|obfuscated_randomized_|obfuscated_deceptive_', '', domain)}-{row.get('instance_id')}"
    params = {**asked.params, "ability": ability, "world": kind, "prompt": prompt, "style": style, "solvable": "yes"}
    params |= {"instance": instance, "optimal_cost": optimal or None, "problem": asked.problem}
    params |= {"plan": asked.plan} if asked.plan else {}
    condition = "/".join([ability, kind, prompt] + ([style] if style != "zero_shot" else []))
    sample = Sample(f"{instance}/{condition}", instance, condition, params, (Message("user", query),), truth or NO_PLAN)
    verdict = next((row[k] for k in ("llm_correct", "llm_correct_w_expl", "correct") if row.get(k) is not None), None)
    task_name = next((n for n in ("logistics", "depots", "sokoban") if n in domain), "blocksworld")
    return PublishedAnswer(
        task_name, model, sample, response, verdict=None if verdict is None else str(verdict) == "True"
    )


def _asked(domain: str, query: str, ability: str) -> _Asked:
    if "(define" in query:
        texts = [_balanced(query[m.start() :]) for m in re.finditer(r"\(define\b", query)]
        domains = [text for text in texts if re.match(r"\(define\s*\(domain\b", text)]
        problems = [text for text in texts if re.match(r"\(define\s*\(problem\b", text)]
        if not domains or not problems:
            raise DataError("the prompt has no domain and problem in PDDL")
        return _Asked({"domain": "own", "domain_pddl": domains[-1]}, problems[-1])
    params, world = _world(domain, query)
    statement = query.rpartition("[STATEMENT]")[2]
    start, _, goal = statement.partition("My goal is to have that")
    goal = re.split(r"\n|\. ", goal.strip() + "\n", maxsplit=1)[0]
    lexicon = _lexicon(world, statement)
    wanted, init = read_line(goal.lower(), lexicon), read_line(" ".join(start.lower().split()), lexicon)
    if not init or (not wanted and ability != "plan_execution"):
        raise DataError("the last [STATEMENT] of the prompt can't be read", "are domain and prompt of this repository?")
    instance = _instance(world, init, wanted)
    plan = ""
    if ability in ("plan_verification", "plan_execution"):
        marker = "[PLAN]" if ability == "plan_verification" else "[ACTION SEQUENCE]"
        shown = statement.rpartition(marker)[2].partition("[")[0]
        steps = read_plan_text(shown, world.lexicon(frozenset(instance.objects))).steps
        plan = "\n".join(f"({' '.join(step)})" for step in steps if "" not in step)
    return _Asked(params, instance.pddl(world.domain.name), plan)


def _balanced(text: str) -> str:
    """The first complete expression; some of the repository's problems have one closing parenthesis too many."""
    depth = 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and c == ")":
            return text[: i + 1]
    return text


def _world(domain: str, query: str) -> tuple[dict[str, Any], World]:
    """The params that name the world, and the world."""
    if "obf" in domain:
        pddl = _stated_domain(query)
        return {"domain": "own", "domain_pddl": pddl}, own(pddl)
    name = next((n for n in ("logistics", "depots", "blocksworld") if n in domain), None)
    if name is None:
        raise DataError(f"the domain {domain} is not known here")
    base = plain(name)
    return {"domain": domain_name(name, domain)}, mystery(base) if "mystery" in domain else base


def domain_name(name: str, domain: str) -> str:
    """Our name of a domain of the repository: `mystery_blocksworld` for `mystery_blocksworld_3`, for example."""
    return f"mystery_{name}" if "mystery" in domain else name


def _lexicon(world: World, statement: str) -> FactLexicon:
    """How facts about the objects of a statement are read; every word that looks like an object counts as one."""
    named = {o for o in world.wording.objects if "#" not in o}
    said = statement.lower()
    numbered = set(re.findall(r"\b(?:object|crate|pallet|hoist|truck|depot|distributor)_?\d+\b", said))
    for pattern, phrase in world.wording.objects.items():
        if "#" in pattern:
            for m in re.finditer(r"\b" + re.escape(phrase).replace(r"\#", r"(\d+)") + r"\b", said):
                numbers = iter(m.groups())
                named.add(re.sub("#", lambda _, n=numbers: next(n), pattern))  # type: ignore[misc]
    if world.domain.types.keys() - {OBJECT} or not world.wording.objects:
        named |= numbered
    return world.facts(frozenset(named))


KINDS = {"p": "package", "t": "truck", "a": "airplane", "c": "city", "l": "location"}


def _instance(world: World, init: list[Fact], wanted: list[Fact]) -> Instance:
    """The instance of these facts. Adds types, which the repository's sentences leave to the names of objects."""
    names = sorted({name for fact in (*init, *wanted) for name in fact[1:]})
    kinds = {name: name.rstrip("0123456789") for name in names}
    typed = {name: kind if kind in world.domain.types else OBJECT for name, kind in kinds.items()}
    facts = set(init)
    if world.domain.name == "logistics":
        facts |= {(KINDS[name[0]], name) for name in names if name[0] in KINDS}
    return Instance(typed, frozenset(facts), tuple(wanted))


# A domain stated in sentences -------------------------------------------------------------------------------------

_NEEDS = re.compile(r"^To perform (\S+) action, the following facts need to be true:\s*(.*)$", re.M)
_MAKES = re.compile(r"^Once (\S+)(?: action)? is performed,? the following facts will be (true|false):\s*(.*)$", re.M)


def _stated_domain(query: str) -> str:
    """The PDDL of a domain whose prompt states for each action the facts that it needs, makes true and makes false."""
    actions: dict[str, dict[str, list[list[str]]]] = {}
    for name, facts in _NEEDS.findall(query):
        actions.setdefault(name.lower(), {})["needs"] = _facts(facts)
    for name, which, facts in _MAKES.findall(query):
        actions.setdefault(name.lower(), {})[which] = _facts(facts)
    if not actions:
        raise DataError("the rules that the prompt states can't be read")
    predicates: dict[str, int] = {}
    parts = []
    for name, action in actions.items():
        every = [fact for facts in action.values() for fact in facts]
        predicates |= {fact[0]: len(fact) - 1 for fact in every}
        variables = sorted({argument for fact in every for argument in fact[1:]})
        effects = [_atom(f) for f in action.get("true", [])] + [f"(not {_atom(f)})" for f in action.get("false", [])]
        parts.append(
            f"(:action {name} :parameters ({' '.join(map(_variable, variables))})\n"
            f"  :precondition (and {' '.join(map(_atom, action.get('needs', [])))})\n"
            f"  :effect (and {' '.join(effects)}))"
        )
    declared = " ".join(f"({p}{''.join(f' ?x{i}' for i in range(n))})" for p, n in predicates.items())
    return f"(define (domain stated)\n(:predicates {declared})\n" + "\n".join(parts) + ")\n"


def _facts(text: str) -> list[list[str]]:
    """`f object_0, g object_1, and h` -> [[f, object_0], [g, object_1], [h]]"""
    pieces = re.split(r",\s*(?:and\s+)?|\s+and\s+", text.strip().rstrip(".").lower())
    return [piece.split() for piece in pieces if piece.strip()]


def _atom(fact: list[str]) -> str:
    return f"({' '.join([fact[0], *map(_variable, fact[1:])])})"


def _variable(name: str) -> str:
    return "?x" + name.rpartition("_")[2]
