from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from avgdt.evaluation.probes import Labelled, ProbeResult, joined, knn_probe, linear_probe, standardise, within_rows
from avgdt.evaluation.scores import score

PROBES: list[Callable[..., ProbeResult]] = [linear_probe, knn_probe]


def blobs(seed: int, n: int, classes: int = 3, dim: int = 6, spread: float = 1.5) -> Labelled:
    """Gaussian clouds around fixed centres, with features of wildly different sizes."""
    centres = np.random.default_rng(7).normal(size=(classes, dim))
    generator = np.random.default_rng(seed)
    targets = np.arange(n) % classes
    size = 10.0 ** np.arange(-2, dim - 2)
    return Labelled((centres[targets] + spread * generator.normal(size=(n, dim))) * size + 5, targets)


def test_standardise_uses_the_train_split_only() -> None:
    train, test = blobs(0, 60), blobs(1, 30)
    a, b = standardise(train, test)
    np.testing.assert_allclose(a.features.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(a.features.std(axis=0), 1, atol=1e-9)
    expected = (test.features - train.features.mean(axis=0)) / train.features.std(axis=0)
    np.testing.assert_allclose(b.features, expected, atol=1e-9)


def test_standardise_silences_constant_features() -> None:
    features = np.full((7, 2), 0.1, dtype=np.float32)
    features[:, 1] = np.arange(7)
    train, test = standardise(Labelled(features, np.zeros(7, int)), Labelled(features + 3, np.zeros(7, int)))
    assert (train.features[:, 0] == 0).all()
    assert (test.features[:, 0] == 0).all()


def test_linear_probe_is_the_best_of_slow_searches() -> None:
    train, val, test = blobs(0, 90), blobs(1, 45), blobs(2, 60)
    result = linear_probe(train, val, test, 3, strengths=(1e-3, 1e-1, 1e1))
    mean, deviation = train.features.mean(axis=0), train.features.std(axis=0)
    fits = {
        c: LogisticRegression(C=c, max_iter=1000).fit((train.features - mean) / deviation, train.targets)
        for c in (1e-3, 1e-1, 1e1)
    }
    on_val = {c: float((m.predict((val.features - mean) / deviation) == val.targets).mean()) for c, m in fits.items()}
    assert result.val_accuracies == on_val
    proba = {c: m.predict_proba((val.features - mean) / deviation) for c, m in fits.items()}
    likelihood = {c: sum(np.log(p[i, t]) for i, t in enumerate(val.targets)) for c, p in proba.items()}
    best = max(on_val, key=lambda c: (on_val[c], likelihood[c]))
    assert result.chosen == best
    assert result.val_accuracy == on_val[best]
    guess = fits[best].predict((test.features - mean) / deviation)
    assert result.score.accuracy == (guess == test.targets).mean()
    assert 0.5 < result.score.accuracy < 1.0  # not so easy that everything would pass


def test_equal_validation_accuracies_are_decided_by_likelihood() -> None:
    # Far apart, so that all are right: then the least regularised is the surest ...
    split = blobs(0, 60, spread=0.01)
    result = linear_probe(split, split, split, 3, strengths=(0.1, 10.0, 1.0))
    assert set(result.val_accuracies.values()) == {1.0}
    assert result.chosen == 10.0
    # ... and where a third of validation is wrong under every strength, the least sure of it.
    wrong = Labelled(split.features, np.where(np.arange(60) % 9 < 3, 1, split.targets))
    result = linear_probe(split, wrong, split, 3, strengths=(1e6, 1e2, 1e-1))
    assert len(set(result.val_accuracies.values())) == 1
    assert result.chosen == 1e-1


@pytest.mark.filterwarnings("error")
def test_a_truth_of_no_probability_at_all_is_compared_all_the_same() -> None:
    train, val = blobs(0, 90), blobs(1, 45)
    far = Labelled(val.features.copy(), val.targets)
    far.features[0] = train.features[train.targets == (val.targets[0] + 1) % 3].mean(axis=0) * 1e6
    assert linear_probe(train, far, val, 3, strengths=(1e-1, 1e1)).val_accuracy < 1


def test_running_out_of_iterations_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from avgdt.evaluation import probes

    split = blobs(0, 60)
    assert linear_probe(split, split, split, 3).converged
    monkeypatch.setattr(probes, "LogisticRegression", lambda **options: LogisticRegression(**options, max_iter=1))
    assert not linear_probe(split, split, split, 3).converged


def flat(seed: int, n: int, dim: int = 120, classes: int = 5) -> Labelled:
    """Clouds of which a few directions hold most of the variance, as of a network's features."""
    generator = np.random.default_rng(3)
    size = np.arange(1.0, dim + 1) ** -1.5
    turn, _ = np.linalg.qr(generator.normal(size=(dim, dim)))
    centres = generator.normal(size=(classes, dim)) * size
    generator, targets = np.random.default_rng(seed), np.arange(n) % classes
    return Labelled((0.8 * centres[targets] + size * generator.normal(size=(n, dim))) @ turn, targets)


@pytest.mark.parametrize("strengths", [(100.0,), (1e-3, 1e-1, 1e1, 100.0)])
def test_the_linear_probe_comes_to_its_optimum(strengths: tuple[float, ...]) -> None:
    # Flat valleys: of these 1000, L-BFGS with scikit-learn's own tolerance misses 13 that its optimum has.
    train, test = flat(0, 150), flat(1, 1000)
    result = linear_probe(train, train, test, 5, strengths)
    assert result.converged
    assert result.chosen == 100.0  # the surest of train, and the last on the way from strong regularisation to weak
    train, test = standardise(train, test)
    exact = LogisticRegression(C=100.0, tol=1e-9, max_iter=100_000).fit(train.features, train.targets)
    expected = score(exact.predict(test.features), test.targets, 5)
    assert 0.9 < expected.accuracy < 0.99
    assert (result.score.confusion == expected.confusion).all()


@pytest.mark.parametrize("probe", PROBES)
def test_poisoned_test_split_does_not_change_the_choice(probe: Callable[..., ProbeResult]) -> None:
    train, val, test = blobs(0, 90), blobs(1, 45), blobs(2, 60)
    clean = probe(train, val, test, 3)
    rolled = probe(train, val, Labelled(test.features, (test.targets + 1) % 3), 3)
    huge = probe(train, val, Labelled(test.features * 1e6, test.targets), 3)
    for poisoned in (rolled, huge):
        assert poisoned.chosen == clean.chosen
        assert poisoned.val_accuracies == clean.val_accuracies
    assert rolled.score.accuracy != clean.score.accuracy


@pytest.mark.parametrize("probe", PROBES)
def test_the_choice_follows_the_validation_split(probe: Callable[..., ProbeResult]) -> None:
    # Train labels flipped near the border: few neighbours and weak regularisation fit that noise.
    generator = np.random.default_rng(0)
    train, test = blobs(0, 120), blobs(2, 60)
    noisy = np.where(generator.random(120) < 0.35, generator.integers(0, 3, 120), train.targets)
    train = Labelled(train.features, noisy)
    honest = probe(train, blobs(1, 90), test, 3)
    fitted = probe(train, train, test, 3)
    assert honest.chosen != fitted.chosen


@pytest.mark.parametrize("probe", PROBES)
def test_constant_features_give_no_more_than_chance(probe: Callable[..., ProbeResult]) -> None:
    def same(n: int) -> Labelled:
        return Labelled(np.full((n, 4), 0.3, dtype=np.float32), np.arange(n) % 4)

    assert probe(same(80), same(40), same(40), 4).score.accuracy == pytest.approx(0.25)


def slow_knn(train: Labelled, queries: np.ndarray, k: int) -> list[int]:
    guesses = []
    for query in queries:
        cosines = [float(query @ x / np.linalg.norm(query) / np.linalg.norm(x)) for x in train.features]
        nearest = sorted(range(len(cosines)), key=lambda i: -cosines[i])[:k]
        votes = Counter(int(train.targets[i]) for i in nearest)
        near = {c: sum(cosines[i] for i in nearest if train.targets[i] == c) for c in votes}
        guesses.append(max(votes, key=lambda c: (votes[c], near[c])))
    return guesses


def test_knn_agrees_with_a_slow_loop() -> None:
    train, val, test = blobs(0, 40), blobs(1, 30), blobs(2, 50)
    result = knn_probe(train, val, test, 3, neighbours=(1, 4, 9, 1000))
    train, val, test = standardise(train, val, test)
    expected = {float(k): float(np.mean(slow_knn(train, val.features, k) == val.targets)) for k in (1, 4, 9)}
    assert result.val_accuracies == expected  # 1000 neighbours are more than there are: left out
    guess = slow_knn(train, test.features, int(result.chosen))
    assert result.score.accuracy == pytest.approx(np.mean(guess == test.targets))


def test_equal_votes_go_to_the_nearer_class() -> None:
    # Zero-mean train so that standardising keeps directions; the query is nearest to class 1.
    train = Labelled(np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]), np.array([0, 1, 2, 2]))
    query = Labelled(np.array([[0.5, 0.6], [0.6, 0.5]]), np.array([1, 0]))
    assert knn_probe(train, query, query, 3, neighbours=(2,)).score.accuracy == 1.0


@pytest.mark.parametrize("probe", PROBES)
def test_refit_chooses_on_val_and_tests_what_both_taught(probe: Callable[..., ProbeResult]) -> None:
    train, val, test = blobs(0, 30), blobs(1, 45), blobs(2, 90)
    once, again = probe(train, val, test, 3), probe(train, val, test, 3, refit=True)
    assert (again.chosen, again.val_accuracies) == (once.chosen, once.val_accuracies)
    both = joined(train, val)
    assert len(both.targets) == 75
    parameter = [again.chosen] if probe is linear_probe else [int(again.chosen)]
    taught = probe(both, both, test, 3, parameter)
    assert (again.score.confusion == taught.score.confusion).all()
    assert (again.score.confusion != once.score.confusion).any()


def test_fewer_rows_than_features_cost_less_and_say_the_same() -> None:
    train, test = blobs(0, 24, dim=40), blobs(2, 60, dim=40)
    train, test = standardise(train, test)
    small, seen = within_rows(train, test)
    assert small.features.shape == (24, 24)
    slow = LogisticRegression(C=0.1, max_iter=1000, tol=1e-8).fit(train.features, train.targets)
    fast = LogisticRegression(C=0.1, max_iter=1000, tol=1e-8).fit(small.features, train.targets)
    expected = slow.predict_proba(test.features)
    np.testing.assert_allclose(fast.predict_proba(seen.features), expected, atol=1e-4)
    assert within_rows(test, train)[0] is test
