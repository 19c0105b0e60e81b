"""A small model with facts that were planted in it: made by seed in seconds, so that every edit has its answer key.

48 subjects of two words have three relations each; each relation is asked in three wordings. The model is a Llama of
three layers; it has learnt every fact in every wording. A text is a subject, a wording and an object.
All names are invented here.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from harness.lab.editing.requests import Query, Request
from harness.lab.models import LabModel, need_torch
from harness.seeds import derive

SUBJECTS, OBJECTS = 48, 24
RELATIONS = {
    "head": ("captain", "commander", "skipper"),
    "home": ("harbour", "port", "haven"),
    "cargo": ("cargo", "freight", "load"),
}
"""Three wordings of each relation; an edit is asked for in the first."""
INNER = 256
"""Width of a key: more than there are facts, so that one can be changed without the others."""
STEPS, MOST_STEPS = 25, 400
"""So many training steps between looks at what has been learnt, and at most."""
LEARNT = 0.005
"""Loss, in nats a token, at which training ends if every answer is right."""
MOST_EDITS = SUBJECTS // 2
OTHERS = SUBJECTS // 4
"""Other subjects, whose fact of the same relation an edit is tested on. The subjects left are those that an editor may
be trained on."""
SPARE = 6
"""Edits to train on for each fact of those."""

_FIRST = "Amber Bold Cedar Daring Ebony Fleet Golden Hidden Iron Jade Lofty Misty".split()
_LAST = "Badger Condor Dolphin Eagle Falcon Gazelle Heron Ibex Lynx Marten Osprey Raven".split()
_STEMS = "Bal Cor Dun Fer Gar Hol Jas Kel".split()
_ENDS = {"head": ("an", "in", "ok"), "home": ("burg", "stad", "vik"), "cargo": ("ite", "ium", "wood")}


@dataclass(frozen=True)
class World:
    """`facts` (subject, relation) -> object."""

    seed: int
    subjects: tuple[str, ...]
    objects: dict[str, tuple[str, ...]]
    facts: dict[tuple[str, str], str]

    def texts(self) -> list[str]:
        """Every fact in every wording."""
        return [f"{s} {wording} {o}" for (s, r), o in self.facts.items() for wording in RELATIONS[r]]

    def query(self, question: str, subject: str, relation: str, wording: int, after: str = "") -> Query:
        """A question about a fact; `after` is its answer after the edit, if that changes it."""
        held = self.facts[subject, relation]
        text = f"{subject} {RELATIONS[relation][wording]}"
        return Query(question, text, held, after or held, self.objects[relation], subject)


def world(seed: int) -> World:
    """The facts of a seed. Subjects share their words with others: only both together name one. Every object is that
    of as many subjects: what a model has never learnt to say, no edit can make it say."""
    rng = random.Random(derive("planted", seed))
    subjects = tuple(rng.sample([f"{a} {b}" for a in _FIRST for b in _LAST], SUBJECTS))
    objects = {r: tuple(stem + end for stem in _STEMS for end in ends)[:OBJECTS] for r, ends in _ENDS.items()}
    drawn = {r: rng.sample(names * (SUBJECTS // OBJECTS), SUBJECTS) for r, names in objects.items()}
    return World(seed, subjects, objects, {(s, r): drawn[r][i] for i, s in enumerate(subjects) for r in RELATIONS})


def requests(made: World, count: int) -> list[Request]:
    """Edits of `count` subjects (at most MOST_EDITS), one fact each. Generality: the other wordings. Locality: the same
    relation of OTHERS subjects that no edit changes, and the subject's own other facts in every wording."""
    rng = random.Random(derive("planted edits", made.seed))
    edited, others, _ = _parts(made)
    return [_request(made, rng, subject, rng.choice(list(RELATIONS)), others) for subject in edited][:count]


def spare(made: World) -> list[Request]:
    """Edits to train an editor on: of subjects that `requests` neither edits nor asks for, SPARE of each fact."""
    rng = random.Random(derive("planted spare", made.seed))
    _, _, left = _parts(made)
    facts = [(s, r) for s in left for r in RELATIONS]
    return [_request(made, rng, s, r, [o for o in left if o != s]) for _ in range(SPARE) for s, r in facts]


def _parts(made: World) -> tuple[list[str], list[str], list[str]]:
    """(subjects that are edited, that are asked for beside them, that are neither)."""
    order = random.Random(derive("planted edits", made.seed)).sample(made.subjects, len(made.subjects))
    return order[:MOST_EDITS], order[MOST_EDITS:][:OTHERS], order[MOST_EDITS:][OTHERS:]


def _request(made: World, rng: random.Random, subject: str, relation: str, others: list[str]) -> Request:
    old = made.facts[subject, relation]
    new = rng.choice([o for o in made.objects[relation] if o != old])
    queries = [made.query("reliability", subject, relation, 0, new)]
    queries += [made.query("generality", subject, relation, w, new) for w in (1, 2)]
    queries += [made.query("locality_neighbour", other, relation, rng.randrange(3)) for other in others]
    for other in RELATIONS:
        if other != relation:
            queries += [made.query("locality_subject", subject, other, w) for w in range(3)]
    text = f"{subject} {RELATIONS[relation][0]}"
    return Request(f"{subject}, {relation}", subject, text, old, new, tuple(queries), essence=subject)


def kept(made: World, edits: list[Request]) -> list[Query]:
    """Every fact that no edit changes, in its first wording: what the model was trained on and should still know."""
    changed = {(r.subject, r.id.rpartition(", ")[2]) for r in edits}
    return [made.query("kept", s, r, 0) for s, r in made.facts if (s, r) not in changed]


def train(made: World) -> LabModel:
    """A model that has learnt the world: full batches, AdamW, until every fact is answered right and the loss is
    below LEARNT (about 150 steps). UsageError if torch is missing."""
    need_torch()
    import torch

    lab = untrained(made)
    ids = torch.tensor([[*lab.tokens(text)[0], lab.tokenizer.eos_token_id] for text in made.texts()])
    model, answer = lab.model.train().requires_grad_(True), ids.shape[1] - 2
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    for step in range(MOST_STEPS):
        logits = model(ids[:, :-1], use_cache=False).logits[:, answer - 1 :]
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, answer:].flatten())
        known = bool((logits[:, 0].argmax(-1) == ids[:, answer]).all())
        if step % STEPS == 0 and known and float(loss.detach()) < LEARNT:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval().requires_grad_(False)
    return lab


def untrained(made: World) -> LabModel:
    """The model before training, with a tokenizer of words."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer(made)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=INNER, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=64, tie_word_embeddings=False, attn_implementation="eager",
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive("planted model", made.seed) % 2**63)
        model = LlamaForCausalLM(config)
    return LabModel(f"planted-{made.seed}", model.float().eval().requires_grad_(False), tokenizer)


def _tokenizer(made: World) -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    words = [
        *_FIRST,
        *_LAST,
        *(w for ws in RELATIONS.values() for w in ws),
        *(o for os in made.objects.values() for o in os),
    ]
    vocabulary = {word: i for i, word in enumerate(["<pad>", "<s>", "</s>", "<unk>", *dict.fromkeys(words)])}
    plain = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    plain.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
