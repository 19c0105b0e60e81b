"""Common ways of writing an answer, as templates: with them `harness audit T --reading` shows how a task reads each.

All text is written for this project. A style is the same in every task, world and condition, and has to be read the
same.
"""

from __future__ import annotations

import json
import re
from typing import Literal, NamedTuple

from harness.types import StopReason

Reads = Literal["answer", "nothing", "truncated", "refused"]
"""What a careful person reads: the answer given, no answer that counts, an answer that was cut, or a refusal."""


class Style(NamedTuple):
    """A way of writing: `template` holds {answer} and perhaps {other}, another answer.

    In a template for lists also {lines} (the items without numbers), {bullets}, {steps}, {bold}, {json} and {half} (the
    first half of the items, the last one broken off).
    """

    name: str
    template: str
    reads: Reads = "answer"
    stop_reason: StopReason = "stop"


_LOOP = "Let me look at the first part again. " * 40
BOTH = (
    Style("empty", "", "nothing"),
    Style("refusal", "I'm sorry, but I can't help with that.", "refused"),
    Style("refusal of an AI", "As an AI language model, I am unable to assist with this request.", "refused"),
    Style("ended by a filter", "Let me", "refused", "content_filter"),
    Style("cut before the answer", "Let me think about this step by step. First of all, we", "truncated", "length"),
    Style("cut in thinking", "<think>Let me see. Perhaps it is\n{answer}\nbut wait, let me", "truncated", "length"),
    Style("loop until cut", _LOOP, "nothing", "length"),
    Style("thinking", "<think>Could it be this?\n{other}\nNo.</think>\n\n{answer}"),
    Style("thinking never closed", "<think>Could it be this?\n{other}", "nothing"),
    Style("template tokens", "<|im_start|>assistant\n{answer}<|im_end|>\n<|im_start|>user\nThanks!<|im_end|>"),
    Style("next turn", "{answer}\n\nHuman: And now?\n\nAssistant:\n{other}"),
    Style("next question", "{answer}\n\nQuestion: What about another one?\nAnswer:\n{other}"),
    Style("code fence", "```\n{answer}\n```"),
    Style("answer tag", "<answer>\n{answer}\n</answer>"),
    Style("closing words", "{answer}\n\nLet me know if you have any questions!"),
)
"""For every task."""

LINES = (
    Style("as asked", "Answer: {answer}"),
    Style("heading", "### Answer: {answer}"),
    Style("heading above", "**Final answer**\n\n{answer}"),
    Style("hashes", "Let me see.\n#### {answer}"),
    Style("box", "$\\boxed{{\\text{{{answer}}}}}$"),
    Style("bare", "{answer}"),
    Style("bold", "**{answer}**"),
    Style("quoted", '"{answer}"'),
    Style("sentence", "So the final answer is {answer}."),
    Style("JSON", '{{"reasoning": "step by step", "answer": "{answer}"}}'),
    Style("table", "| | |\n|---|---|\n| **Answer** | **{answer}** |"),
    Style("German", "Die Antwort lautet {answer}."),
    Style("French", "Réponse : {answer}"),
    Style("Spanish", "Vamos paso a paso.\n\nRespuesta final: {answer}"),
    Style("Portuguese", "A resposta é {answer}."),
    Style("Italian", "La risposta è {answer}."),
    Style("Chinese", "最终答案：{answer}"),
    Style("Japanese", "答えは{answer}です。"),
    Style("Korean", "정답: {answer}"),
    Style("Russian", "Ответ: {answer}"),
    Style("answer first", "{answer}\n\nExplanation: I went through it step by step and checked it twice."),
    Style("mistake named", "Answer: {answer}\n\nNote: a common mistake is to answer {other}."),
    Style("corrected", "Answer: {other}\n\nWait, that's wrong. The correct answer is {answer}."),
    Style("correction", "Answer: {other}\n\nCorrection: {answer}"),
    Style("meant", "Answer: {other} - sorry, I meant {answer}."),
    Style("taken back", "Answer: {answer}\n\nHmm, that's wrong.", "nothing"),
    Style("two answers", "Answer: {answer} or {other}", "nothing"),
    Style("cut after the answer", "Answer: {answer}\n\nLet me explain: the first", "answer", "length"),
    Style("cut in the box", "The result is \\boxed{{\\text{{{answer}", "truncated", "length"),
)
"""For answers of one line."""

LISTS = (
    Style("as asked", "{answer}"),
    Style("with an introduction", "Here is a plan that reaches the goal:\n\n{answer}\n\nThis reaches the goal."),
    Style("bare lines", "{lines}"),
    Style("bullets", "{bullets}"),
    Style("bold items", "{bold}"),
    Style("steps", "{steps}"),
    Style("JSON list", "{json}"),
    Style("JSON with a key", '```json\n{{"plan": {json}}}\n```'),
    Style("corrected", "{other}\n\nWait, that does not work. Here is the corrected plan:\n\n{answer}"),
    Style("draft and final", "First attempt:\n{other}\n\nThat fails.\n\n**Final plan:**\n{answer}"),
    Style("given up", "{answer}\n\nThis does not work, and I was not able to find a plan that does.", "nothing"),
    Style("checked", "{answer}\n\nCheck: every condition holds, and the goal is reached."),
    Style("cut in the list", "{half}", "truncated", "length"),
    Style("cut after the list", "{answer}\n\nThis plan works because the first", "answer", "length"),
)
"""For answers that are lists, such as plans."""

_LIST = re.compile(r"\d+[.)] |\([a-z]")
_NUMBER = re.compile(r"^\d+[.)] ", re.M)


def is_list(answer: str) -> bool:
    """Whether an answer is written as a list: numbered, or in the notation of PDDL."""
    return bool(_LIST.match(answer))


def styles_for(answer: str, other: str) -> tuple[Style, ...]:
    """The styles that suit two answers of a sample: both lists, both of one line, or one of each ("no plan exists")."""
    if is_list(answer):
        shown = LISTS if "\n" in answer else tuple(s for s in LISTS if "{half}" not in s.template)
    else:
        shown = () if is_list(other) else LINES
    return tuple(s for s in (*BOTH, *shown) if other or "{other}" not in s.template)


def render(style: Style, answer: str, other: str) -> str:
    """A response in this style. Both answers are as the task writes them: one line, or a numbered list."""
    lines = _NUMBER.sub("", answer).split("\n")
    half = answer[: answer.rfind("\n", 0, max(1, len(answer) // 2)) + 12] if "\n" in answer else ""
    return style.template.format(
        answer=answer,
        other=other,
        half=half,
        lines="\n".join(lines),
        bullets="\n".join(f"- {line}" for line in lines),
        bold="\n".join(f"{n}. **{line}**" for n, line in enumerate(lines, 1)),
        steps="\n".join(f"Step {n}: {line}" for n, line in enumerate(lines, 1)),
        json=json.dumps(lines),
    )
