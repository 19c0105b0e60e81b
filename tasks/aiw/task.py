from __future__ import annotations
import random
from harness.tasks.aiw.examples import examples
class AIW:
    name = "aiw"
    def training(self, rng): return examples(rng)
