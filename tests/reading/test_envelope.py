"""What is taken off a response before it is read: thinking, template tokens, markup, and what it goes on with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reading import envelope


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("<think>6?</think>7", "7"),
        ("<think>6?</think>\n\n7", "7"),
        ("6?</think>7", "7"),
        ("<think>6?", ""),
        ("[THINK]6?[/THINK]7", "7"),
        ("[THINK]6?", ""),
        ("◁think▷6?◁/think▷7", "7"),
        ("<seed:think>6?</seed:think>7", "7"),
        ("<seed:think>6?", ""),
        ("<thinking>6?</thinking><reflection>8?</reflection>7", "7"),
        ("<|channel|>analysis<|message|>6?<|end|><|start|>assistant<|channel|>final<|message|>7<|return|>", "7"),
        ("<|im_start|>assistant\n7<|im_end|>", "7"),
        ("7</s>", "7"),
        ("7<|eot_id|>", "7"),
        ("\u200b7\ufeff", "7"),
        ("７", "7"),
    ],
)
def test_what_is_left_of_a_response(text: str, visible: str) -> None:
    assert envelope.clean(text).strip() == visible


def test_only_tags_that_models_emit_by_themselves_are_split_off_at_the_server() -> None:
    assert envelope.split_thinking("<think>6?</think>7", native=True) == ("7", "6?")
    assert envelope.split_thinking("<reasoning>6?</reasoning>7", native=True)[0] == "<reasoning>6?</reasoning>7"


@pytest.mark.parametrize(
    "more",
    [
        "\n\nQuestion: Bob has 2 brothers.\nAnswer: 3",
        "\n\nQ: Bob has 2 brothers.\nA: 3",
        "\n\nUser: And Bob?\nAssistant: 3",
        "\n\nHuman: And Bob?\n\nAssistant: 3",
        "<|im_end|>\n<|im_start|>user\nAnd Bob?<|im_end|>",
        "\n\n### Instruction:\nAnd Bob?\n\n### Response:\n3",
        "[INST] And Bob? [/INST] 3",
        "\n\nFrage: Und Bob?\nAntwort: 3",
        "\n\n问题：小明呢？\n答案：3",
    ],
)
def test_what_a_model_goes_on_with_is_cut(more: str) -> None:
    part, _ = next(iter(envelope.cuts(envelope.clean("The answer is 7." + more))))
    assert part.strip() == "The answer is 7."


@given(st.text(st.sampled_from("<>[]|/think imsartuser\n◁▷{}\"'`$\\#*:1"), max_size=200))
def test_any_text_has_a_visible_part(text: str) -> None:
    shown = envelope.clean(text)
    assert envelope.clean(shown) is not None
    for part, _ in envelope.cuts(shown):
        envelope.open_notations(part)
