"""Makes the mock server of benchmarks/ importable: the tests use the same one as the speed table."""

import sys
from pathlib import Path

import hypothesis

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

# A machine that is crowded makes no test fail: neither an example nor the drawing of examples has a time limit.
slow = hypothesis.HealthCheck.too_slow
hypothesis.settings.register_profile("harness", deadline=None, suppress_health_check=[slow])
hypothesis.settings.load_profile("harness")
