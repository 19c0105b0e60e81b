"""A model whose circuit is known because it was built by hand: two layers, two heads each, no MLP.

Head 0.0 looks at the place before and copies its token into a space of its own; head 1.0 looks for a place whose
predecessor is the current token, and writes that place's token to the logits: induction. 0.1 and 1.1 are decoys.
"""

from __future__ import annotations

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from harness.lab.models import LabModel

TOKENS = 24
"""Token 0 begins a sequence."""
SIZE = 64
"""Of a head. HF's rotation turns dimensions i and i + 32 together, by BASE ** (-i / 32) a place: 0 to 2 turn fast
enough to tell places apart, from 8 on they stand still."""
BASE = 1e30
WIDTH = 128
HERE, BEFORE, OUT, ONE = 0, 24, 48, 72
"""Where the stream holds the token, the token before it, what is to be said, and a constant 1."""
STILL = [*range(8, 32), *range(40, 64)]
KNOWN = ("embed -> 0.0.v", "0.0 -> 1.0.k", "embed -> 1.0.q", "embed -> 1.0.v", "1.0 -> logits")


class Ids:
    """The least of a tokenizer: token i is the text `i`."""

    all_special_ids = (0,)
    chat_template = None

    def decode(self, ids: list[int]) -> str:
        return " ".join(map(str, ids))


def induction_model() -> LabModel:
    config = LlamaConfig(
        vocab_size=TOKENS, hidden_size=WIDTH, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, head_dim=SIZE, max_position_embeddings=256, tie_word_embeddings=False, bos_token_id=0,
        rope_parameters={"rope_type": "default", "rope_theta": BASE}, attn_implementation="eager",
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).float().eval().requires_grad_(False)
    for p in model.parameters():
        p.zero_()
    base = model.model
    for norm in (base.norm, *(block.input_layernorm for block in base.layers)):
        norm.weight.fill_(1.0)
    for token in range(TOKENS):
        base.embed_tokens.weight[token, HERE + token] = 1.0
        base.embed_tokens.weight[token, ONE] = 1.0
        model.lm_head.weight[token, OUT + token] = 2.0
    first, second = (block.self_attn for block in base.layers)
    # 0.0: keys and queries are the constant, turned so that the best match is one place back.
    for i in range(3):
        angle = torch.tensor(BASE ** (-i / 32.0))
        first.q_proj.weight[i, ONE] = 30.0
        first.k_proj.weight[i, ONE] = 30.0 * torch.cos(angle)
        first.k_proj.weight[i + 32, ONE] = 30.0 * torch.sin(angle)
    for token in range(TOKENS):
        first.v_proj.weight[STILL[token], HERE + token] = 0.2
        first.o_proj.weight[BEFORE + token, STILL[token]] = 1.0
        # 1.0: the current token is looked for among the tokens before; what stands there is said.
        second.q_proj.weight[STILL[token], HERE + token] = 40.0
        second.k_proj.weight[STILL[token], BEFORE + token] = 8.0
        second.v_proj.weight[STILL[token], HERE + token] = 1.0
        second.o_proj.weight[OUT + token, STILL[token]] = 0.2
    # The decoys look everywhere alike and write a little noise.
    for attention in (first, second):
        attention.v_proj.weight[SIZE:] = 0.01 * torch.randn(SIZE, WIDTH)
        attention.o_proj.weight[:, SIZE:] = 0.01 * torch.randn(WIDTH, SIZE)
    return LabModel("built", model, Ids())
