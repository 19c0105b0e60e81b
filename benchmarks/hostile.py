"""CPU seconds of scoring hostile responses: `python benchmarks/hostile.py [MEGABYTES] [TASK...]`.

Each response repeats one piece up to that size (1 megabyte by default). Prints the time of one `task.score` for the
slowest kinds of each task. Runs with 1 and with 4 megabytes show whether time grows linearly.
"""

from __future__ import annotations

import sys
import time

from harness import plugins

NUMBERS = (
    "answer: ",
    "answer:\n",
    "\\boxed{",
    "1 ",
    "<think>",
    "</think>",
    "since ",
    "1,111",
    "M+1+",
    "has ",
    "seven-",
    "((((1)",
)
"""What a number is read from; tests/reading/test_numbers.py reads a megabyte of each."""

PIECES = (
    *NUMBERS,
    *(
        "Answer:\n\n",
        "1. ### Answer: 7 ",
        "Wait, ",
        "\nQuestion: x\nAnswer: 4",
        "the answer is 7, ",
        "**7** ",
        "| a | b |\n",
    ),
    *(
        "\n",
        " ",
        "\t",
        "\r\n",
        "<|im_start|>",
        "- <|im_end|>",
        "[THINK]",
        '"answer": "',
        '{"answer": {',
        "A A ",
        "[[7]] ",
    ),
    *(
        "is wrong; ",
        "155 in base 9, ",
        "= 3 + 4 ",
        "`",
        "```\n",
        "~~",
        "&nbsp;",
        "<b>",
        "<answer>",
        "not ",
        "no, ",
        "$",
    ),
    *(
        "actually, ",
        "\\text{",
        "\\frac{1}{",
        "٣",
        "答案是",
        "either or ",
        "if ",
        "1. x\n2. y\n",
        "###### ",
        "(",
        ")",
        "a.",
    ),
    *(
        "Option A: 7\n",
        "End with a line that says 'Answer: yes' or ",
        "Solve it. End with a line. Is it so?\n",
        "A) x\nB) y\n",
        "is not illegal ",
        "no entailment ",
        "let me check: ",
        "none of the documents ",
        "unanswerable or ",
        "x",
        "Step 1: ",
        "- ",
        "1. ",
        "#",
    ),
    *("(unstack a b)\n", "pick up the red block, ", "1. Pick up the red block\n", "1. Pick up (since it is clear ((\n"),
    *(
        "Let R = the red block. ",
        "correction: step 3 ",
        "[PLAN]",
        "[PLAN END]",
        '["unstack a b", ',
        "**Plan A:**\n",
        "→ ",
    ),
    *(
        "the red block is on the blue block. ",
        "No plan exists. ",
        "    - a\n  - b\n",
        "\\item unstack ",
        "<li>",
        "at least ",
    ),
)


def main(megabytes: float, names: list[str]) -> None:
    """Print the four slowest pieces of each task, cut off (`length`) or not."""
    for name in names:
        task = plugins.task(name, {})
        sample = next(iter(task.samples(0)))
        task.score(sample.params, "Answer: 7, wait")
        times = []
        for piece in PIECES:
            text = piece * int(megabytes * 1e6 / len(piece))
            for stop_reason in ("stop", "length"):
                start = time.process_time()
                task.score(sample.params, text, stop_reason)  # type: ignore[arg-type]
                times.append((time.process_time() - start, piece))
        times.sort(reverse=True)
        print(f"{name:12} {megabytes:g} MB:", ", ".join(f"{t:.2f} s {piece!r}" for t, piece in times[:4]), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0, sys.argv[2:] or sorted(plugins.installed("tasks")))
