"""Random numbers: their laws, their seeds, and their independence of threads, sizes and instruction sets."""

import math

import numpy as np
import pytest
from harness import check_raises, numbers

import udlfast as torch


def test_random_laws():
    n = 200_000
    torch.manual_seed(3)
    u, z, i, b = torch.rand(n), torch.randn(n), torch.randint(-3, 7, (n,)), torch.bernoulli(torch.full((n,), 0.3))
    u, z, i, b = (numbers(t) for t in (u, z, i, b))
    assert 0 <= u.min() and u.max() < 1 and abs(u.mean() - 0.5) < 5 / math.sqrt(12 * n)
    assert abs(np.histogram(u, 20, (0, 1))[0] / n - 0.05).max() < 5 * math.sqrt(0.05 / n)
    assert abs(z.mean()) < 5 / math.sqrt(n) and abs(z.var() - 1) < 5 * math.sqrt(2 / n) and abs((z**4).mean() - 3) < 0.15
    assert np.abs(z).max() < 7 and (np.abs(z) > 3).mean() == pytest.approx(0.0027, rel=0.25)
    assert i.min() == -3 and i.max() == 6 and abs(np.unique(i, return_counts=True)[1] / n - 0.1).max() < 0.005
    assert set(np.unique(b)) == {0.0, 1.0} and abs(b.mean() - 0.3) < 0.006
    p = torch.randperm(1000)
    assert sorted(p.tolist()) == list(range(1000)) and p.tolist() != list(range(1000))
    assert torch.randn((2, 3)).shape == (2, 3) and torch.rand(2, dtype=torch.float64).dtype == torch.float64


@pytest.mark.parametrize("low, high", [(-(2**63), 2**63 - 1), (0, 2**63), (-(2**60), 2**61), (2**53, 2**53 + 4), (2**63 - 3, 2**63 - 1)])
def test_integers_of_64_bits(low, high):
    torch.manual_seed(4)
    n = 20_000
    x = torch.randint(low, high, (n,)).tolist()
    assert min(x) >= low and max(x) < high
    share = np.bincount([(v - low) * 4 // (high - low) for v in x], minlength=4) / n
    if high - low >= 4:
        assert np.abs(share - 0.25).max() < 5 * math.sqrt(0.25 / n)
    else:
        assert sorted(set(x)) == [low, low + 1]
    assert torch.zeros(5, dtype=torch.int64).random_(low, high).tolist() != [low] * 5


def test_seed_decides_and_generators_are_apart():
    torch.manual_seed(5)
    a, b = torch.randn(9), torch.randn(9)
    torch.manual_seed(5)
    assert torch.equal(torch.randn(9), a) and torch.equal(torch.randn(9), b) and not torch.equal(a, b)
    g, h = torch.Generator().manual_seed(5), torch.Generator().manual_seed(5)
    first = torch.rand(4, generator=g)
    torch.rand(100)
    assert torch.equal(torch.rand(4, generator=h), first)
    state = torch.get_rng_state()
    x = torch.randn(3)
    torch.set_rng_state(state)
    assert torch.equal(torch.randn(3), x)


def draws():
    torch.manual_seed(9)
    return [
        torch.rand(1001), torch.randn(1001), torch.randint(0, 1000, (1001,)), torch.randperm(1001),
        torch.bernoulli(torch.full((1001,), 0.3)), torch.rand(1001, dtype=torch.float64), torch.randn(1001, dtype=torch.float64),
    ]  # fmt: skip


def test_instruction_sets_draw_the_same_numbers():
    """Uniform numbers, integers and permutations bit by bit; normal ones within the rounding of log and cos."""
    with torch.use_isa("generic"):
        want = [numbers(t) for t in draws()]
    for name in torch.isas():
        with torch.use_isa(name):
            got = [numbers(t) for t in draws()]
        for i, (a, b) in enumerate(zip(got, want, strict=True)):
            assert np.abs(a - b).max() <= (4e-6 if i in (1, 6) else 0), f"{name}, law {i}"


def test_threads_do_not_matter(threads):
    out = []
    for width in (1, 2, 7):
        threads(width)
        torch.manual_seed(1)
        out.append([torch.randn(300_001).numpy().tobytes(), torch.randperm(50_000).numpy().tobytes()])
    assert out[0] == out[1] == out[2]


def test_every_size_starts_the_same_stream(isa):
    """The first n numbers of a longer draw are those of a shorter one: element i depends on i alone."""
    torch.manual_seed(2)
    long = torch.rand(70).tolist()
    for n in (1, 3, 4, 5, 8, 16, 17, 33):
        torch.manual_seed(2)
        assert torch.rand(n).tolist() == long[:n]


def test_neighbouring_seeds_and_calls_are_unrelated():
    torch.manual_seed(1)
    a, b = numbers(torch.randn(20_000)), numbers(torch.randn(20_000))
    torch.manual_seed(2)
    c = numbers(torch.randn(20_000))
    for x, y in ((a, b), (a, c), (a[1:], a[:-1]), (a[4:], a[:-4])):
        assert abs(np.corrcoef(x, y)[0, 1]) < 5 / math.sqrt(20_000)


def test_in_place_laws():
    x = torch.empty(100_000)
    assert x.uniform_(-2, 3) is x and abs(numbers(x).mean() - 0.5) < 0.03 and -2 <= numbers(x).min() and numbers(x).max() < 3
    x.normal_(1.0, 2.0)
    assert abs(numbers(x).mean() - 1) < 0.04 and abs(numbers(x).std() - 2) < 0.03
    x.bernoulli_(0.25)
    assert abs(numbers(x).mean() - 0.25) < 0.01


def test_in_place_in_a_strided_view():
    base = torch.zeros((50, 41))
    base[:, ::2].uniform_(1, 2)
    assert (numbers(base)[:, ::2] >= 1).all() and not numbers(base)[:, 1::2].any()


@pytest.mark.parametrize("law", ["rand", "randn"])
def test_no_special_values_in_a_million(law):
    x = numbers(getattr(torch, law)(1_000_000))
    assert np.isfinite(x).all() and len(np.unique(x)) > 900_000


def test_multinomial():
    weights = torch.tensor([0.0, 1.0, 3.0, 0.0])
    share = np.bincount(torch.multinomial(weights, 20_000, replacement=True).numpy(), minlength=4) / 20_000
    assert share[0] == share[3] == 0 and abs(share[2] - 0.75) < 0.02
    assert sorted(torch.multinomial(weights, 2).tolist()) == [1, 2]
    check_raises((RuntimeError, ValueError), ["multinomial"], torch.multinomial, weights, 5)


def test_normal_with_tensors():
    mean, std = torch.tensor([0.0, 100.0]).repeat(5000), torch.tensor([1.0, 5.0]).repeat(5000)
    x = numbers(torch.normal(mean, std)).reshape(5000, 2)
    assert np.abs(x.mean(0) - [0, 100]).max() < 0.4 and np.abs(x.std(0) / [1, 5] - 1).max() < 0.06


def test_randint_takes_size_by_name():
    x = torch.randint(3, size=(400,))
    assert sorted(set(x.tolist())) == [0, 1, 2] and tuple(x.shape) == (400,)
    assert sorted(set(torch.randint(5, 7, size=(50,)).tolist())) == [5, 6]


@pytest.mark.parametrize("replacement", [False, True])
def test_one_draw_of_each_row_follows_its_weights(replacement):
    weights = torch.tensor([[1.0, 0.0, 3.0, 0.0], [0.0, 0.5, 0.0, 0.0]]).repeat(20_000, 1)
    drawn = torch.multinomial(weights, 1, replacement=replacement).reshape(-1, 2).numpy()
    assert set(drawn[:, 1]) == {1} and set(drawn[:, 0]) == {0, 2}
    assert abs((drawn[:, 0] == 2).mean() - 0.75) < 5 * (0.75 * 0.25 / 20_000) ** 0.5


def test_many_draws_of_many_weights():
    """As many draws as weights: their product must not be looked at."""
    n = 200_000
    weights = torch.ones(n)
    weights[n // 2 :] = 0.0
    drawn = torch.multinomial(weights, n, replacement=True)
    assert drawn.shape == (n,) and drawn.max().item() < n // 2
    assert abs(drawn.double().mean().item() / (n // 2) - 0.5) < 5 * (1 / 12 / n) ** 0.5


def test_the_draws_are_the_same_in_a_compiled_function():
    weights = torch.tensor([[0.1, 0.2, 0.0, 0.7]] * 50)
    torch.manual_seed(3)
    eager = [torch.multinomial(weights, 1) for _ in range(3)]
    f = torch.compile(lambda w: torch.multinomial(w, 1))
    torch.manual_seed(3)
    assert all(torch.equal(a, f(weights)) for a in eager)


def test_weights_that_cannot_be_drawn_from():
    for bad in ([0.0, 0.0], [-1.0, 2.0], [float("nan"), 1.0], [float("inf"), 1.0], []):
        for n in (1, 2):
            check_raises((RuntimeError, ValueError), ["multinomial"], torch.multinomial, torch.tensor(bad, dtype=torch.float32), n)
            check_raises((RuntimeError, ValueError), ["multinomial"], torch.multinomial, torch.tensor(bad, dtype=torch.float32), n, True)
