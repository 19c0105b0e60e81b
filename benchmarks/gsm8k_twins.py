"""How many items of GSM8K have a twin, and why others have none.

`python benchmarks/gsm8k_twins.py FILE [--show N]`. FILE has rows in the set's columns, such as the published
test.jsonl. --show prints N items beside their twins, to be read: no program can say whether a word problem makes sense.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter

from harness import plugins
from harness.tasks.hub import chains
from harness.tasks.hub.chains import NoTwinError
from harness.tasks.hub.twins import marks_of, question_of
from harness.text import align, percent

NO_DRAW = "no other numbers that go through the marks alike"


def main() -> None:
    """Prints the table, and pairs if they are wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    counts: Counter[str] = Counter()
    made = []
    for sample in plugins.task("hub/gsm8k", {"file": asked.file}).published(0):
        try:
            item = chains.chain(question_of(sample), marks_of(sample), sample.target)
        except NoTwinError as reason:
            counts[str(reason)] += 1
            continue
        twin = chains.twin(item, random.Random(f"{asked.seed} {sample.group}"))
        counts["has a twin" if twin else NO_DRAW] += 1
        if twin:
            made.append((item, twin))
    total = sum(counts.values())
    print(
        align(["", "items", "share"], [[why, f"{n:,}", percent(n / total)] for why, n in counts.most_common()], left=1)
    )
    for item, twin in random.Random(asked.seed).sample(made, min(asked.show, len(made))):
        for text, marks in ((item.question, item.marks), (twin.question, twin.marks)):
            print(f"\n{text}\n{'; '.join(map(str, marks))}")


if __name__ == "__main__":
    main()
