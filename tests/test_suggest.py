"""models.suggest and train.compare_tabular: the kind of data, a line that makes the model, and an honest comparison on tables."""

import sys

import numpy as np
import pytest

import udlfast as torch
from udlfast import data, models, nn, train


def made(found):
    """The model of the suggestion's line of code."""
    scope = {"models": models, "nn": nn}
    exec(found.code, scope)
    return scope["model"]


IMAGES = [((300, 1, 28, 28), "LeNet"), ((20_000, 3, 32, 32), "ResNet"), ((300, 3, 2, 2), "MLP")]


@pytest.mark.parametrize("shape, family", IMAGES)
def test_images(shape, family):
    found = models.suggest(torch.zeros(1).expand(shape), np.arange(shape[0]) % 7)
    assert found.kind == "image" and found.family == family and found.why
    assert made(found)(torch.zeros(2, *shape[1:])).shape == (2, 7)


def test_large_images_and_many(monkeypatch):
    few = models.suggest(np.broadcast_to(np.float32(0), (500, 3, 224, 224)), np.arange(500) % 3)
    assert few.family == "resnet18" and any("pretrained" in s for s in few.why)
    assert made(few)(torch.zeros(1, 3, 64, 64)).shape == (1, 3)
    many = models.suggest(np.broadcast_to(np.float32(0), (2_000_000, 3, 224, 224)))
    assert many.family == "vit_b_16" and "vit_b_16" in many.code
    grey = models.suggest(np.broadcast_to(np.float32(0), (50_000, 1, 96, 96)), np.arange(50_000) % 4)
    assert grey.family == "resnet50"
    assert made(models.suggest(np.zeros((9, 1, 96, 96), np.float32)))(torch.zeros(1, 1, 96, 96)).shape == (1, 1)


def test_sequences_and_texts():
    found = models.suggest(torch.zeros(100, 2, 40), torch.arange(100) % 5)
    assert found.family == "ResNet" and made(found)(torch.zeros(3, 2, 40)).shape == (3, 5)
    ragged = models.suggest([np.zeros((n, 3)) for n in (4, 7, 9)], [0, 1, 0])
    assert ragged.family == "LSTM" and made(ragged)(torch.zeros(1, 6, 3))[0].shape == (1, 6, 128)
    few, many = (models.suggest(["good film", "bad film"] * n, [1, 0] * n) for n in (20, 1000))
    assert few.family == "SentenceEncoder" and made(few).out_features == 2 and many.family == "Bert"
    words = models.suggest(torch.arange(24).reshape(4, 6))
    assert words.kind == "text" and "24" in words.code
    net = made(words).eval()
    assert net(torch.arange(24).reshape(4, 6))[0].shape[-1] == 128
    assert models.suggest(torch.zeros(4, 6).long(), kind="sequence").kind == "sequence"


def test_graphs_are_judged_by_their_edges():
    alike = data.block_graph(nodes=300, inside=8.0, outside=1.0)
    found = models.suggest(alike)
    assert found.family == "GCN" and any("of the edges join nodes of one label" in s for s in found.why)
    graph = models.Graph(alike.edges, alike.nodes)
    assert made(found)(alike.x, graph).shape == (300, 4)
    mixed = data.block_graph(nodes=300, inside=1.0, outside=8.0)
    assert models.suggest(mixed).family == "GraphSAGE"
    assert models.suggest(graph, alike.y).family == "GCN" and models.suggest(graph).family == "GCN"
    assert models.suggest(models.Graph(torch.tensor([[0], [1]]), 200_000)).family == "GraphSAGE"


def test_generation():
    found = models.suggest(torch.zeros(10, 1, 8, 8), generate=True)
    assert found.family == "Diffusion" and made(found).sample(2, steps=2).shape == (2, 1, 8, 8) and "GAN" in found.others
    assert models.suggest(torch.zeros(10, 1, 7, 7), generate=True).family == "VAE"
    flow = models.suggest(torch.zeros(10, 5), generate=True)
    assert flow.family == "Flow" and made(flow).sample(3).shape == (3, 5)
    assert made(models.suggest(["a"], generate=True)) is not None


def stairs(n=600):
    """Steps along a single column among noise: what trees are made for."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 12))
    x[:, 6:] *= 10 ** rng.uniform(-3, 3, 6)
    return x, (np.floor(3 * x[:, 0]) % 2).astype(int)


def smooth(n=600):
    """A smooth function of all columns together: what trees cut into steps."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 8))
    return x, (np.tanh(x @ rng.standard_normal(8) / 2) + 0.02 * rng.standard_normal(n))


@pytest.mark.slow
def test_the_comparison_finds_who_is_better():
    pytest.importorskip("sklearn")
    trees = train.compare_tabular(*stairs(), folds=4, epochs=40)
    assert trees.better == "gradient boosting" and trees.difference < -2 * trees.error < 0 and trees.metric == "accuracy"
    net = train.compare_tabular(*smooth(), folds=4)
    assert net.better == "MLP" and net.difference > 0 and net.metric == "RMSE"
    assert np.mean(net.scores["MLP"]) < 0.5 * np.mean(net.scores["baseline"])
    assert "MLP is better" in net.report() and net.report().count("RMSE") == 3
    noise = np.random.default_rng(0)
    none = train.compare_tabular(noise.standard_normal((200, 5)), noise.integers(0, 2, 200), folds=4, epochs=10)
    assert none.better is None and "no clear difference" in none.report()


def test_a_table_is_compared_and_both_figures_are_shown():
    pytest.importorskip("sklearn")
    x, y = stairs(160)
    x[::7, 3] = np.nan
    names = np.array(["no", "yes"])[y]
    found = models.suggest(x, names, folds=3, epochs=5)
    assert found.kind == "tabular" and found.compared.metric == "accuracy"
    text = found.report()
    assert "MLP " in text and "gradient boosting  accuracy" in text and "baseline" in text and "standard error" in text
    again = train.compare_tabular(torch.from_numpy(x), names, folds=3, epochs=5)
    assert again.scores == found.compared.scores, "equal seeds give equal figures"
    base = found.compared.scores["baseline"]
    assert all(abs(v - max(y.mean(), 1 - y.mean())) < 0.06 for v in base), "folds keep the shares of the classes"
    assert models.suggest(x, names, compare=False).compared is None and models.suggest(x).compared is None


def test_error_of_the_comparison_allows_for_common_rows():
    found = train.TabularComparison("RMSE", {"MLP": [1.0, 2.0, 3.0], "gradient boosting": [2.0, 2.0, 5.0]}, {})
    assert found.difference == pytest.approx(1.0) and found.error == pytest.approx(1.0 * (1 / 3 + 1 / 2) ** 0.5) and found.better is None
    sure = train.TabularComparison("accuracy", {"MLP": [0.5, 0.51], "gradient boosting": [0.7, 0.71]}, {})
    assert sure.better == "gradient boosting"


@pytest.mark.parametrize("call, error, text", [
    (lambda: models.suggest("text"), TypeError, "str"), (lambda: models.suggest([1, 2]), TypeError, "list"),
    (lambda: models.suggest(torch.zeros(3, 2), kind="cat"), ValueError, "unknown kind"),
    (lambda: models.suggest(torch.zeros(3)), ValueError, "N, D"),
    (lambda: models.suggest(torch.zeros(3, 2), kind="image"), ValueError, "not image"),
    (lambda: models.suggest([], kind="graph"), TypeError, "graph"),
    (lambda: models.suggest(torch.zeros(3, 1, 9, 9), [1]), ValueError, "targets"),
    (lambda: train.compare_tabular(np.zeros((9, 2)), np.zeros(8, int)), RuntimeError, "targets"),
    (lambda: train.compare_tabular(np.zeros((9, 2)), np.zeros(9, int)), ValueError, "one class"),
    (lambda: train.compare_tabular(np.full((9, 2), "a"), np.arange(9) % 2), ValueError, "numbers"),
    (lambda: train.compare_tabular(np.zeros((4, 2)), np.arange(4) % 2), ValueError, "folds"),
    (lambda: train.compare_tabular(np.zeros((40, 2)), [0] * 39 + [1]), ValueError, "fewer"),
    (lambda: train.compare_tabular(np.full((40, 2), np.inf), np.arange(40.0)), ValueError, "infinite"),
])  # fmt: skip
def test_bad_data_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_scikit_learn_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match="scikit-learn"):
        models.suggest(*stairs(40))
