"""Tests, effects and sample sizes against other implementations, brute force and plain facts."""

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.discrete.conditional_models import ConditionalLogit
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import normal_sample_size_one_tail

from harness.statistics import odds, power, repeats, tests
from harness.statistics.intervals import Cluster, Stratum

counts = st.integers(1, 8).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs(gained: int, lost: int) -> None:
    expected = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert tests.mcnemar(gained, lost) == pytest.approx(expected)


def test_mcnemar_of_many_pairs_is_the_same_test() -> None:
    assert tests.mcnemar(700, 600) == pytest.approx(binomtest(700, 1300).pvalue)


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=14))
@settings(max_examples=30)
def test_flips_of_signs_are_mcnemar_where_differences_are_whole(differences: list[float]) -> None:
    expected = tests.mcnemar(differences.count(1.0), differences.count(-1.0))
    assert tests.sign_flips(differences) == pytest.approx(expected)


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.25, 1.0]), min_size=1, max_size=9))
def test_flips_of_few_signs_are_all_tried(differences: list[float]) -> None:
    signs = itertools.product((1, -1), repeat=len(differences))
    sums = [abs(sum(s * d for s, d in zip(row, differences, strict=True))) for row in signs]
    expected = sum(s >= abs(sum(differences)) - 1e-9 for s in sums) / len(sums)
    assert tests.sign_flips(differences) == pytest.approx(expected)


def test_flips_of_many_signs_agree_however_they_are_counted(monkeypatch) -> None:
    rng = random.Random(1)
    differences = [rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0]) + 0.05 for _ in range(400)]
    drawn = tests.sign_flips(differences)
    monkeypatch.setattr(tests, "MANY", 100)
    assert tests.sign_flips(differences) == pytest.approx(drawn, abs=0.01)
    assert 0.01 < drawn < 0.99


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_that_of_statsmodels(values: list[float]) -> None:
    expected = multipletests(values, method="holm")[1] if values else []
    assert tests.holm(values) == pytest.approx(list(expected))


def test_groups_needed_agree_with_statsmodels_and_with_what_is_detectable() -> None:
    """statsmodels has the one-tailed test; alpha / 2 makes it ours."""
    expected = normal_sample_size_one_tail(0.05, 0.8, 0.025, std_null=0.4)
    assert power.needed(0.05, 0.4) == math.ceil(expected)
    for exact in (False, True):
        groups = power.needed(0.05, 0.4, exact=exact)
        assert power.detectable(groups, 0.4, exact=exact) == pytest.approx(0.05, rel=0.01)
    assert power.needed(0.05, 0.4, exact=True) > power.needed(0.05, 0.4)


@given(counts, st.data())
def test_pass_at_k_is_the_share_of_subsets(of: tuple[int, int], data: st.DataObject) -> None:
    right, n = of
    k = data.draw(st.integers(1, n))
    subsets = list(itertools.combinations([1] * right + [0] * (n - right), k))
    assert repeats.pass_at_k(right, n, k) == pytest.approx(sum(any(s) for s in subsets) / len(subsets))
    assert repeats.pass_hat_k(right, n, k) == pytest.approx(sum(all(s) for s in subsets) / len(subsets))


@given(st.lists(st.sampled_from(["4", "5", "6", None]), min_size=1, max_size=7), st.data())
def test_the_majority_is_the_share_of_subsets_that_vote_right(answers: list[str | None], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(answers)))
    votes = {a: (answers.count(a), answers.count(a) if a == "5" else 0) for a in set(answers) if a}
    shares = []
    for subset in itertools.combinations(answers, k):
        given = [a for a in subset if a]
        most = [a for a in set(given) if given.count(a) == max(map(given.count, given))] if given else []
        shares.append(most.count("5") / len(most) if most else 0.0)
    assert repeats.majority(votes, answers.count(None), k) == pytest.approx(sum(shares) / len(shares))


def test_more_answers_than_there_are_can_not_be_drawn() -> None:
    for estimate in (repeats.pass_at_k, repeats.pass_hat_k):
        with pytest.raises(ValueError, match="5 of 4"):
            estimate(2, 4, 5)


def clusters(problems: list[list[tuple[int, int]]]) -> list[list[Cluster]]:
    return [[Cluster(*cells) for cells in problem] for problem in problems]


def test_rates_that_differ_by_chance_alone_do_not_fluctuate() -> None:
    found = repeats.fluctuation(clusters([[(15, 30), (16, 30), (14, 30), (15, 30)]]))
    assert found is not None
    assert (found.sd.value, found.sd.low) == (0, 0)
    assert found.sd.high > 0
    assert found.p > 0.5
    assert (found.variations, found.strata, found.sd.n) == (4, 1, 120)


def test_rates_of_nezhurina_2024_fluctuate() -> None:
    """A model that solves one variation nearly always and another nearly never."""
    found = repeats.fluctuation(clusters([[(28, 30), (2, 30), (20, 30), (1, 30)]]))
    assert found is not None
    assert 0.3 < found.sd.value < 0.5
    assert found.sd.low > 0.1
    assert found.p < 0.001


def test_an_estimated_spread_lies_in_its_interval_and_is_possible() -> None:
    """Two rates of 0 and 1 have an unbiased estimate of 0.7: no distribution of rates has more than 0.5."""
    found = repeats.fluctuation(clusters([[(30, 30), (0, 30)]] * 4))
    assert 0 < found.sd.low <= found.sd.value <= found.sd.high <= 0.5


def test_the_variance_between_variations_is_estimated_without_bias() -> None:
    rng, found = random.Random(5), []
    for _ in range(800):
        rates = [0.5 + rng.choice([-0.2, 0.2]) for _ in range(6)]
        cells = [(sum(rng.random() < r for _ in range(10)), 10) for r in rates]
        total = sum((k / n - sum(k for k, _ in cells) / 60) ** 2 for k, n in cells) / 5
        found.append(total - sum(k * (n - k) / n / n / (n - 1) for k, n in cells) / 6)
    assert sum(found) / len(found) == pytest.approx(0.04, abs=0.003)


def test_single_variations_or_answers_tell_nothing_about_fluctuation() -> None:
    assert repeats.fluctuation(clusters([[(3, 5)], [], [(1, 1), (0, 1), (1, 1)]])) is None


@given(st.floats(0.05, 0.95), st.floats(0.01, 0.2))
def test_a_beta_distribution_has_the_mean_and_spread_it_was_made_for(mean: float, sd: float) -> None:
    found = repeats.beta(mean, sd)
    if found:
        a, b = found
        assert a / (a + b) == pytest.approx(mean)
        assert math.sqrt(a * b / (a + b) ** 2 / (a + b + 1)) == pytest.approx(sd)


def tables(seed: int, ratio: float, groups: int, repeats: int = 1, missing: float = 0.0) -> list[Stratum]:
    rng = random.Random(seed)
    made = []
    for _ in range(groups):
        intercept = rng.gauss(0, 1.5)
        p, q = (1 / (1 + math.exp(-intercept - effect)) for effect in (math.log(ratio), 0.0))
        n, m = (0 if rng.random() < missing else repeats for _ in range(2))
        made.append(Stratum(sum(rng.random() < p for _ in range(n)), n, sum(rng.random() < q for _ in range(m)), m))
    return made


@pytest.mark.parametrize("repeats", [1, 4])
def test_the_conditional_odds_ratio_is_that_of_statsmodels(repeats: int) -> None:
    made = tables(3, 0.4, 80, repeats)
    outcome, level, group = [], [], []
    for g, (k, n, k0, n0) in enumerate(made):
        outcome += [1] * k + [0] * (n - k) + [1] * k0 + [0] * (n0 - k0)
        level += [1] * n + [0] * n0
        group += [g] * (n + n0)
    expected = ConditionalLogit(np.array(outcome), np.array(level)[:, None], groups=np.array(group)).fit(disp=False)
    found = odds.conditional_odds_ratio(made)
    assert found.value is not None
    assert math.log(found.value) == pytest.approx(expected.params[0], abs=1e-3)
    assert (math.log(found.low), math.log(found.high)) == pytest.approx(expected.conf_int()[0], abs=0.15)
    assert found.low < found.value < found.high


def test_for_pairs_the_conditional_odds_ratio_is_that_of_the_discordant_ones() -> None:
    found = odds.conditional_odds_ratio([(1, 1, 0, 1)] * 12 + [(0, 1, 1, 1)] * 4 + [(1, 1, 1, 1)] * 50)
    assert found.value == pytest.approx(3)
    assert found.strata == 16


def test_a_level_that_is_always_right_bounds_the_ratio_on_one_side() -> None:
    found = odds.conditional_odds_ratio([(1, 1, 0, 1)] * 10)
    assert found.value == math.inf
    assert found.high == math.inf
    assert 1 < found.low < 100
    assert found.p < 0.01


def test_problems_that_were_always_solved_say_nothing_about_the_ratio() -> None:
    assert odds.conditional_odds_ratio([(5, 5, 5, 5)] * 9) == odds.OddsRatio(None, 0, math.inf, 1, 0)
    assert odds.mixed_odds_ratio([Stratum(5, 5, 0, 0)] * 9).value is None


def test_a_ratio_that_is_0_or_infinite_is_not_given_as_a_small_number() -> None:
    """The likelihood has no top: the search ends wherever it gives up."""
    mixed = [(0, 5, 0, 0), (0, 0, 2, 5), (0, 5, 1, 5)] * 3
    assert odds.mixed_odds_ratio([Stratum(*t) for t in mixed]).value == 0
    assert odds.mixed_odds_ratio([Stratum(r0, n0, r1, n1) for r1, n1, r0, n0 in mixed]).value == math.inf
    wrong = [Stratum(0, 5, 0, 5), Stratum(0, 5, 0, 0)]
    assert odds.mixed_odds_ratio(wrong) == odds.OddsRatio(None, 0, math.inf, 1, 0)


def test_the_mixed_model_takes_in_problems_with_one_level_only() -> None:
    """The truth is 0.4 with a spread of 1.5 between problems; half of the cells are missing."""
    made = tables(7, 0.4, 400, 4, missing=0.5)
    mixed, conditional = odds.mixed_odds_ratio(made), odds.conditional_odds_ratio(made)
    assert mixed.low < 0.4 < mixed.high
    assert mixed.value == pytest.approx(conditional.value, rel=0.3)
    assert mixed.high / mixed.low < conditional.high / conditional.low


def test_balanced_the_two_models_agree() -> None:
    made = tables(11, 0.5, 300, 6)
    mixed, conditional = odds.mixed_odds_ratio(made), odds.conditional_odds_ratio(made)
    assert mixed.value == pytest.approx(conditional.value, rel=0.05)
    assert (mixed.low, mixed.high) == pytest.approx((conditional.low, conditional.high), rel=0.1)


def confounded(seed: int, effect: float) -> tuple[list, list, list, list]:
    """Answers that depend on the length of the prompt; at the level, prompts are longer on average."""
    rng = random.Random(seed)
    rows = []
    for group in range(400):
        intercept = rng.gauss(0, 1)
        for level in (False, True):
            length = rng.gauss(1.0 if level else 0.0, 1)
            p = 1 / (1 + math.exp(-(intercept + effect * level - 1.0 * length)))
            rows.append((rng.random() < p, level, length, group))
    return tuple(list(column) for column in zip(*rows, strict=True))


def test_what_a_confound_explains_is_taken_out_of_the_odds_ratio() -> None:
    right, level, length, group = confounded(1, 0.0)
    raw = odds.adjusted_odds_ratio(right, level, [], group)
    adjusted = odds.adjusted_odds_ratio(right, level, [length, [1.0] * len(right)], group)
    assert raw is not None
    assert adjusted is not None
    assert raw.high < 0.8
    assert adjusted.low < 1 < adjusted.high


def test_a_confound_that_goes_with_the_level_can_not_be_told_from_it() -> None:
    right, level, _, group = confounded(2, -1.0)
    assert (
        odds.adjusted_odds_ratio(right, level, [[5.0 * v + g for v, g in zip(level, group, strict=True)]], group)
        is None
    )


def test_the_adjusted_ratio_without_covariates_is_the_conditional_one() -> None:
    right, level, _, group = confounded(3, -1.0)
    pairs = [(int(right[i + 1]), 1, int(right[i]), 1) for i in range(0, len(right), 2)]
    adjusted, conditional = (
        odds.adjusted_odds_ratio(right, level, [], group),
        odds.conditional_odds_ratio(pairs),
    )
    assert adjusted is not None
    assert adjusted.value == pytest.approx(conditional.value, rel=1e-3)
    assert adjusted.strata == conditional.strata


def test_dealing_answers_anew_is_fishers_exact_test_for_one_cell() -> None:
    for k1, n1, k2, n2 in ((2, 2, 0, 2), (8, 10, 3, 10), (5, 12, 5, 7), (0, 4, 0, 4)):
        wanted = [
            math.comb(n1, k) * math.comb(n2, k1 + k2 - k) / math.comb(n1 + n2, k1 + k2)
            for k in range(max(0, k1 + k2 - n2), min(n1, k1 + k2) + 1)
            if abs(k / n1 - (k1 + k2 - k) / n2) >= abs(k1 / n1 - k2 / n2) - 1e-9
        ]
        assert tests.within_groups([Stratum(k1, n1, k2, n2)], [1.0]) == pytest.approx(sum(wanted))


def test_four_answers_of_one_group_prove_little() -> None:
    assert tests.within_groups([Stratum(2, 2, 0, 2)], [1.0]) == pytest.approx(1 / 3)


def test_dealing_answers_anew_over_cells_is_brute_force() -> None:
    cells, weights = [Stratum(2, 3, 1, 2), Stratum(1, 2, 0, 3)], [0.5, 0.5]

    def statistic(first: tuple[int, ...], second: tuple[int, ...]) -> float:
        pairs = zip(((first, cells[0]), (second, cells[1])), weights, strict=True)
        return sum(w * (sum(o[: c[1]]) / c[1] - sum(o[c[1] :]) / c[3]) for (o, c), w in pairs)

    ones = [(1, 1, 0, 1, 0), (1, 0, 0, 0, 0)]
    every = [statistic(a, b) for a in itertools.permutations(ones[0]) for b in itertools.permutations(ones[1])]
    share = sum(abs(s) >= abs(statistic(*ones)) - 1e-9 for s in every) / len(every)
    assert tests.within_groups(cells, weights) == pytest.approx(share)


def test_many_answers_are_as_good_as_normal(monkeypatch) -> None:
    cells, weights = [Stratum(30, 60, 21, 57), Stratum(41, 61, 30, 59)], [0.5, 0.5]
    exact = tests.within_groups(cells, weights)
    monkeypatch.setattr(tests, "MOST_SUMS", 10)
    assert tests.within_groups(cells, weights) == pytest.approx(exact, abs=0.01)
    monkeypatch.setattr(tests, "MOST_SUMS", 20_000)
    monkeypatch.setattr(tests, "MOST_WORK", 10)
    assert tests.within_groups(cells, weights) == pytest.approx(exact, abs=0.01)


def test_dealing_single_pairs_anew_is_mcnemars_test() -> None:
    pairs = [Stratum(1, 1, 0, 1)] * 9 + [Stratum(0, 1, 1, 1)] * 2 + [Stratum(1, 1, 1, 1)] * 7
    assert tests.within_groups(pairs, [1 / 18] * 18) == pytest.approx(tests.mcnemar(9, 2))
    uneven = [*pairs, Stratum(2, 2, 2, 2)]  # one that can't change: the general way, and the same
    assert tests.within_groups(uneven, [1 / 19] * 19) == pytest.approx(tests.mcnemar(9, 2))


@pytest.mark.parametrize("answers", [1, 3, 60, 400])
@pytest.mark.parametrize("sd", [0.3, 2.1, 5.0])
def test_the_random_intercept_is_integrated_out_as_on_a_fine_grid(answers: int, sd: float) -> None:
    """With many answers, or problems that differ much, nodes that are the same for all problems miss the likelihood."""
    z = np.linspace(-9, 9, 200_001)
    for right, base_right in ((0, answers), (answers, answers // 3), (answers // 2, answers // 2)):
        base = 0.4 + sd * z
        log_density = (
            right * (base + 0.3) - answers * np.logaddexp(0, base + 0.3) - z * z / 2 - math.log(2 * math.pi) / 2
        )
        log_density += base_right * base - answers * np.logaddexp(0, base)
        wanted = np.logaddexp.reduce(log_density) + math.log(z[1] - z[0])
        row = np.array([[right, answers, base_right, answers]], dtype=float)
        assert odds.log_likelihoods(row, 0.3, 0.4, sd)[0] == pytest.approx(wanted, abs=1e-3)
