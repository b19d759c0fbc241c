"""batch_invariant(): row i of a result has the same bits alone and in any batch, on every instruction set."""

import numpy as np
import pytest

import udlfast as torch
from udlfast import nn

BATCHES = (1, 2, 3, 6, 7, 8, 9, 13, 31, 32, 33, 64)
# what the number of rows would choose: a product with a vector, a few rows, a small product, a large one; long sums; tiles of 3 x 3
LAYERS = {
    "linear": (lambda: nn.Linear(64, 64), (64,)),
    "linear of 784": (lambda: nn.Linear(784, 17), (784,)),
    "linear, packed at its second use": (lambda: nn.Linear(300, 260), (300,)),
    "linear of one output": (lambda: nn.Linear(100, 1), (100,)),
    "linear of a long sum": (lambda: nn.Linear(5000, 40), (5000,)),
    "linear of sequences": (lambda: nn.Linear(64, 96), (17, 64)),
    "conv2d in tiles": (lambda: nn.Conv2d(64, 64, 3, padding=1), (64, 14, 14)),
    "conv2d of 7 x 7": (lambda: nn.Conv2d(128, 128, 3, padding=1), (128, 7, 7)),
    "conv2d of groups": (lambda: nn.Conv2d(32, 48, 5, padding=2, groups=4), (32, 9, 9)),
    "lstm": (lambda: nn.LSTM(20, 150, batch_first=True), (7, 20)),
    "gru": (lambda: nn.GRU(20, 48, batch_first=True, bidirectional=True), (5, 20)),
    "lstm of two steps": (lambda: nn.LSTM(20, 48, batch_first=True), (2, 20)),
    "transformer": (lambda: nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), (17, 64)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("name", LAYERS)
def test_rows(isa, rng, name, dtype):
    make, shape = LAYERS[name]
    if dtype == "bfloat16" and not name.startswith(("linear", "conv2d")):
        pytest.skip("recurrent layers and transformers in bfloat16 are products in bfloat16 and these layers")
    kind = getattr(torch, dtype)
    net = make().to(kind).eval()
    x = torch.tensor(rng.standard_normal((max(BATCHES), *shape))).to(kind)

    def rows(n):
        y = net(x[:n])
        return [row.tobytes() for row in (y[0] if isinstance(y, tuple) else y).double().numpy()]
    with torch.no_grad(), torch.batch_invariant():
        alone = [rows_of(net, x[i : i + 1]) for i in range(max(BATCHES))]
        for n in BATCHES:
            assert rows(n) == alone[:n], f"{name}: rows of a batch of {n}"


def rows_of(net, x):
    y = net(x)
    return (y[0] if isinstance(y, tuple) else y).double().numpy()[0].tobytes()


def test_values_are_right(isa, rng):
    """The mode changes roundings only."""
    for m, k, n in ((1, 300, 40), (3, 70, 1), (5, 2500, 9), (40, 784, 17)):
        a, b = rng.standard_normal((m, k)), rng.standard_normal((n, k))
        with torch.batch_invariant():
            got = torch.tensor(a) @ torch.tensor(b).t()
        assert np.allclose(got.numpy(), a @ b.T, rtol=0, atol=1e-12 * k)


def test_switch():
    assert not torch.is_batch_invariant()
    with torch.batch_invariant():
        assert torch.is_batch_invariant()
        with torch.batch_invariant(False):
            assert not torch.is_batch_invariant()
        assert torch.is_batch_invariant()
    assert not torch.is_batch_invariant()
    with pytest.raises(TypeError, match="True or False"):
        torch.set_batch_invariant(1)
