"""Makes the mock server of benchmarks/ importable: the tests use the same one as the speed table."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
