"""generate and KVCache: the same tokens with and without a cache, the laws of drawing, beams against all continuations."""

import itertools

import numpy as np
import pytest
from harness import check_raises, numbers

import udlfast as torch
from udlfast import models
from udlfast.models import generate


@pytest.fixture(scope="module")
def gpt():
    torch.manual_seed(1)
    net = models.GPT2(23, 24, 16, 2, 2, dropout=0.1)
    for p in net.parameters():
        torch.nn.init.normal_(p, 0.0, 0.5)  # far from even: otherwise all choices would be alike
    return net


IDS = [[3, 1, 4], [1, 5, 9]]


@pytest.mark.parametrize("new", [0, 1, 12, 40])
@pytest.mark.parametrize("how", [{}, {"num_beams": 3}, {"num_beams": 30}, {"temperature": 0.9}, {"top_k": 4}, {"top_p": 0.7},
                                 {"temperature": 1.5, "top_k": 9, "top_p": 0.9}], ids=str)  # fmt: skip
def test_the_cache_changes_nothing(gpt, how, new):
    """40 new tokens go beyond the model's 24 positions."""
    out = []
    for use_cache in (True, False):
        torch.manual_seed(5)
        out.append(generate(gpt, torch.tensor(IDS), new, use_cache=use_cache, **how).tolist())
    assert out[0] == out[1] and len(out[0][0]) == 3 + new and [r[:3] for r in out[0]] == IDS
    assert gpt.training  # the mode is put back


def test_logits_with_the_cache(gpt):
    gpt.eval()
    ids = torch.tensor(np.arange(40).reshape(2, 20) % 23)
    with torch.no_grad():
        want, cache = numbers(gpt(ids)), gpt.new_cache(2)
        got = [numbers(gpt(part, cache=cache)) for part in ids.split([5, 1, 6, 8], 1)]
    gpt.train()
    assert cache.used == 20 and np.abs(np.concatenate(got, 1) - want).max() < 1e-5 * np.abs(want).max()


def test_greedy_takes_the_most_probable(gpt):
    gpt.eval()
    ids = torch.tensor([IDS[0]])
    for _ in range(6):
        ids = torch.cat([ids, gpt(ids)[:, -1].argmax(-1, keepdim=True)], 1)
    gpt.train()
    assert generate(gpt, torch.tensor(IDS[0]), 6).tolist() == ids[0].tolist()


def table(probabilities):
    """A model whose next token depends on the last one only: rows of probabilities."""
    logits = torch.tensor(np.log(np.asarray(probabilities)))
    return lambda ids: logits[ids]


def test_drawing_follows_the_law():
    p = np.array([[0.5, 0.25, 0.15, 0.1]] * 4)
    start = torch.zeros((4000, 1), dtype=torch.int64)

    def shares(**how):
        return np.bincount(generate(table(p), start, 1, **how).numpy()[:, 1], minlength=4) / 4000

    sigma = 4 * (0.25 / 4000) ** 0.5  # four standard deviations of a share
    assert np.abs(shares(temperature=1.0) - p[0]).max() < sigma
    assert np.abs(shares(temperature=0.5) - p[0] ** 2 / (p[0] ** 2).sum()).max() < sigma
    for how, kept in (({"top_k": 2}, 2), ({"top_p": 0.7}, 2), ({"top_p": 0.76}, 3), ({"top_p": 0.1}, 1), ({"top_k": 9}, 4)):
        want = np.where(np.arange(4) < kept, p[0], 0)
        got = shares(**how)
        assert np.abs(got - want / want.sum()).max() < sigma and not got[kept:].any(), how
    a, b = (generate(table(p), start[:9], 5, temperature=1.0, generator=torch.Generator().manual_seed(7)).tolist() for _ in "ab")
    assert a == b


def test_enough_beams_find_the_best_of_all(rng):
    """With as many beams as there are continuations the search is exact."""
    p = rng.dirichlet(np.ones(3) * 0.5, 3)
    log = np.log(p)
    for start, new in itertools.product(range(3), (1, 2, 4)):
        best = max(itertools.product(range(3), repeat=new), key=lambda s: sum(log[a, b] for a, b in zip((start, *s), s)))
        assert generate(table(p), torch.tensor([start]), new, num_beams=81).tolist() == [start, *best]


def test_beams_see_further_than_greedy():
    p = [[0.01, 0.55, 0.44], [0.34, 0.33, 0.33], [0.01, 0.01, 0.98]]
    assert generate(table(p), torch.tensor([0]), 2).tolist() == [0, 1, 0]
    assert generate(table(p), torch.tensor([0]), 2, num_beams=2).tolist() == [0, 2, 2]


def test_the_end(gpt):
    steps = torch.tensor(np.eye(6)[[1, 2, 3, 4, 5, 0]] * 9)
    count = lambda ids: steps[ids]  # noqa: E731 - after k comes k + 1
    out = generate(count, torch.tensor([[0], [2]]), 5, eos_token_id=3, pad_token_id=0)
    assert out.tolist() == [[0, 1, 2, 3], [2, 3, 0, 0]]
    assert generate(count, torch.tensor([[0], [2]]), 9, eos_token_id=3).tolist() == [[0, 1, 2, 3], [2, 3, 3, 3]]
    ended = generate(gpt, torch.tensor(IDS), 15, num_beams=4, eos_token_id=generate(gpt, torch.tensor(IDS), 3).tolist()[0][4])
    assert ended.shape[1] <= 18


def test_beams_against_transformers(gpt):
    peer, hf = pytest.importorskip("torch"), pytest.importorskip("transformers")
    config = hf.GPT2Config(vocab_size=23, n_positions=24, n_embd=16, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
    theirs = hf.GPT2LMHeadModel(config).eval()
    theirs.load_state_dict({k: peer.from_numpy(v.numpy()) for k, v in gpt.state_dict().items()})
    for eos, beams in itertools.product((None, 0, 7, 19), (1, 2, 5)):
        want = theirs.generate(peer.tensor(IDS), max_new_tokens=12, do_sample=False, num_beams=beams, eos_token_id=eos, pad_token_id=2)
        got = generate(gpt, torch.tensor(IDS), 12, num_beams=beams, eos_token_id=eos, pad_token_id=2)
        assert got.tolist() == want.tolist(), (eos, beams)


def test_the_cache_itself():
    cache = models.KVCache(2, 1, 1, 4, 2)
    one = torch.ones(1, 1, 3, 2)
    k, _ = cache.append(1, one, one * 2)
    cache.advance(3)
    assert k.data_ptr() == cache.keys[1].data_ptr() and cache.used == 3  # a view: nothing is copied twice
    check_raises(ValueError, ["3 of 4 positions", "3 more"], cache.append, 1, one, one)
    check_raises(RuntimeError, ["[1, 1, 1, 2]", "[2, 1, 1, 2]"], cache.append, 0, torch.ones(2, 1, 1, 2), torch.ones(2, 1, 1, 2))


def test_errors(gpt):
    ids = torch.tensor(IDS)
    for words, args, how in [
        (["int64", "float32"], (torch.ones(1, 2), 3), {}), (["at least one token"], (ids[:, :0], 3), {}),
        (["max_new_tokens", "-1"], (ids, -1), {}), (["temperature", "above 0"], (ids, 3), {"temperature": 0}),
        (["top_k", "at least 1"], (ids, 3), {"top_k": 0}), (["top_p", "1.5"], (ids, 3), {"top_p": 1.5}),
        (["not both"], (ids, 3), {"num_beams": 2, "top_k": 3}),
    ]:  # fmt: skip
        check_raises(ValueError, ["generate", *words], generate, gpt, *args, **how)
    check_raises(ValueError, ["25 tokens", "24 positions"], gpt, torch.zeros((1, 25), dtype=torch.int64))
