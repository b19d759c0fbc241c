"""The same bits for any number of threads: every operation large enough to be cut, and a hundred training steps."""

import threading

import numpy as np
import pytest
from harness import numbers

import udlfast as torch
import udlfast.nn.functional as F
from udlfast import nn, optim

WIDTHS = [1, 2, 3, 8]


def normal(*shape, seed=0):
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape), dtype=torch.float32)


def classes(n, c):
    return torch.tensor(np.random.default_rng(1).integers(0, c, n))


def conv(**options):
    return lambda x, w, b: F.conv2d(x, w, b, **options)


def batch_norm(x, w, b):
    return F.batch_norm(x, torch.zeros(16), torch.ones(16), w, b, training=True)


def recurrent(name, bidirectional=False, batch_sizes=None):
    """The operation on x and zeros, with weights that take gradients; its last argument is spread over them."""
    def run(x, *w):
        sizes = None if batch_sizes is None else torch.tensor(batch_sizes)
        y, *ends = getattr(torch, name)(x, None, list(w), True, 1, 0.0, True, bidirectional, batch_sizes=sizes)
        return torch.cat([y.reshape(-1)] + [e.reshape(-1) for e in ends])
    return run


def weights(gates, i, h, directions=1):
    return [(gates * h, i), (gates * h, h), (gates * h,), (gates * h,)] * directions


# name: (operation, inputs that get gradients)
OPS = {
    "add": (lambda a, b: a + b, [(700, 700), (700, 700)]),
    "broadcast": (lambda a, b: a * b, [(700, 700), (700,)]),
    "exp": (torch.exp, [(600_011,)]),
    "gelu": (F.gelu, [(600_011,)]),
    "tanh strided": (lambda x: torch.tanh(x.t()[1:, ::2]), [(900, 901)]),
    "where": (lambda a, b: torch.where(a > b, a, b), [(700, 700), (700, 700)]),
    "sum": (torch.sum, [(1_000_003,)]),
    "sum rows": (lambda x: x.sum(1), [(1001, 999)]),
    "sum columns": (lambda x: x.sum(0), [(1001, 999)]),
    "sum middle": (lambda x: x.sum(1), [(17, 301, 203)]),
    "mean": (torch.mean, [(1_000_003,)]),
    "amax": (lambda x: x.amax(1), [(1001, 999)]),
    "prod": (lambda x: (x * 1e-3 + 1).prod(1), [(300, 999)]),
    "logsumexp": (lambda x: torch.logsumexp(x, 1), [(1001, 999)]),
    "norm": (torch.norm, [(1_000_003,)]),
    "var": (lambda x: x.var(0), [(1001, 999)]),
    "cumsum": (lambda x: torch.cumsum(x, 1), [(501, 999)]),
    "logcumsumexp": (lambda x: torch.logcumsumexp(x, 1), [(501, 999)]),
    "cummax of columns": (lambda x: torch.cummax(x, 0)[0], [(501, 999)]),
    "cumsum of one row": (lambda x: torch.cumsum(x, 0), [(700_001,)]),
    "matmul": (torch.matmul, [(257, 513), (513, 301)]),
    "matmul tall": (torch.matmul, [(5003, 65), (65, 7)]),
    "matmul long sum": (torch.matmul, [(7, 50_021), (50_021, 9)]),
    "matmul batched": (torch.matmul, [(40, 65, 33), (40, 33, 67)]),
    "matvec": (torch.matmul, [(2003, 1009), (1009,)]),
    "linear": (F.linear, [(300, 401), (203, 401), (203,)]),
    "conv2d": (conv(padding=1), [(9, 8, 33, 35), (17, 8, 3, 3), (17,)]),
    "conv2d one image": (conv(), [(1, 16, 65, 67), (24, 16, 5, 5), (24,)]),
    "conv2d groups": (conv(padding=1, groups=16), [(9, 16, 33, 35), (16, 1, 3, 3), (16,)]),
    "conv2d stride": (conv(stride=2, padding=2), [(33, 3, 33, 33), (16, 3, 5, 5), (16,)]),
    "conv1d": (lambda x, w: F.conv1d(x, w, padding=2), [(33, 8, 401), (16, 8, 5)]),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), [(33, 16, 33, 33)]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2, 1), [(33, 16, 33, 33)]),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (5, 4)), [(33, 16, 33, 33)]),
    "softmax": (lambda x: F.softmax(x, 1), [(1001, 499)]),
    "log_softmax": (lambda x: F.log_softmax(x, 1), [(1001, 499)]),
    "softmax columns": (lambda x: F.softmax(x, 0), [(499, 1001)]),
    "batch_norm": (batch_norm, [(33, 16, 33, 33), (16,), (16,)]),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (385,), w, b), [(1001, 385), (385,), (385,)]),
    "group_norm": (lambda x, w, b: F.group_norm(x, 4, w, b), [(33, 16, 33, 33), (16,), (16,)]),
    "embedding": (lambda w: F.embedding(classes(20_000, 300), w), [(300, 65)]),
    "cross_entropy": (lambda x: F.cross_entropy(x, classes(20_000, 17)), [(20_000, 17)]),
    "nll_loss": (lambda x: F.nll_loss(x, classes(20_000, 17)), [(20_000, 17)]),
    "mse_loss": (F.mse_loss, [(700, 700), (700, 700)]),
    "bce_with_logits": (lambda x: F.binary_cross_entropy_with_logits(x, torch.full((700, 700), 0.3)), [(700, 700)]),
    "huber_loss": (F.huber_loss, [(700, 700), (700, 700)]),
    "attention": (F.scaled_dot_product_attention, [(4, 4, 129, 33)] * 3),
    "causal attention": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), [(4, 4, 129, 33)] * 3),
    "attention of one head": (F.scaled_dot_product_attention, [(1, 1, 1200, 16)] * 3),
    "attention with dropout": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, dropout_p=0.2), [(2, 3, 257, 16)] * 3),
    "attention of one query": (F.scaled_dot_product_attention, [(2, 4, 1, 64), (2, 4, 3001, 64), (2, 4, 3001, 64)]),
    "attention of shared keys": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
                                 [(2, 6, 130, 16), (2, 2, 300, 16), (2, 2, 300, 16)]),
    "lstm": (recurrent("lstm"), [(9, 37, 20), *weights(4, 20, 96)]),
    "lstm one sequence": (recurrent("lstm"), [(9, 1, 20), *weights(4, 20, 160)]),
    "lstm one step": (recurrent("lstm"), [(1, 70, 20), *weights(4, 20, 96)]),
    "lstm lengths": (recurrent("lstm", True, [5, 5, 4, 2, 1]), [(17, 20), *weights(4, 20, 150, 2)]),
    "gru": (recurrent("gru", True), [(9, 37, 20), *weights(3, 20, 96, 2)]),
    "gru one sequence": (recurrent("gru"), [(9, 2, 20), *weights(3, 20, 190)]),
    "rnn": (recurrent("rnn_tanh"), [(9, 37, 20), *weights(1, 20, 96)]),
    "rnn one sequence": (recurrent("rnn_relu"), [(9, 1, 20), *weights(1, 20, 300)]),
    "cat": (lambda a, b: torch.cat([a, b], 1), [(700, 300), (700, 401)]),
    "pad": (lambda x: F.pad(x, (1, 2, 3, 4)), [(33, 16, 33, 33)]),
    "gather": (lambda x: torch.gather(x, 1, classes((500, 700), 499)), [(500, 499)]),
    "scatter_add": (lambda x, s: torch.scatter_add(x, 1, classes((500, 700), 499), s), [(500, 499), (500, 700)]),
    "index_select": (lambda x: torch.index_select(x, 0, classes(5000, 300)), [(300, 99)]),
    "sort": (lambda x: torch.sort(x, 1)[0], [(500, 999)]),
    "topk": (lambda x: torch.topk(x, 7, 1)[0], [(500, 999)]),
    "dropout": (lambda x: F.dropout(x, 0.3), [(700, 700)]),
    "randn": (lambda x: x * torch.randn(600_011), [(600_011,)]),
    "clone of a transpose": (lambda x: x.t().contiguous() * 2, [(901, 902)]),
    "to float64": (lambda x: x.double() * 3, [(700, 701)]),
}


def bits(name):
    """The bytes of the output and of every gradient."""
    op, shapes = OPS[name]
    torch.manual_seed(11)
    inputs = [normal(*s, seed=i).requires_grad_() for i, s in enumerate(shapes)]
    y = op(*inputs)
    y.backward(normal(*y.shape, seed=99).to(y.dtype))
    return [y.detach().numpy().tobytes()] + [t.grad.numpy().tobytes() for t in inputs]


@pytest.mark.parametrize("name", OPS)
def test_same_bits_for_any_width(isa, threads, name):
    threads(1)
    want = bits(name)
    for width in WIDTHS[1:]:
        threads(width)
        assert bits(name) == want, f"{name}: {width} threads give other bits than one"


def test_two_runs_give_the_same_bits(threads):
    threads(2)
    for name in ("matmul", "sum", "conv2d", "batch_norm"):
        assert bits(name) == bits(name)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.2)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(self.drop(F.relu(self.fc1(x))))))


def train(steps, kind):
    torch.manual_seed(0)
    net = LeNet()
    optimizer = kind(net)
    data = np.random.default_rng(0)
    for _ in range(steps):
        x = torch.tensor(data.standard_normal((64, 1, 28, 28)), dtype=torch.float32)
        y = torch.tensor(data.integers(0, 10, 64))
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    assert np.isfinite(loss.item())
    return [loss.item()] + [v.numpy().tobytes() for v in net.state_dict().values()]


def test_a_hundred_training_steps_of_lenet(threads):
    def adam(net):
        return optim.AdamW(net.parameters(), lr=1e-3)

    threads(1)
    want = train(100, adam)
    for width in WIDTHS[1:]:
        threads(width)
        assert train(100, adam) == want, f"{width} threads end at other weights than one"


def test_sgd_of_a_large_network(threads):
    def sgd(net):
        net.fc1 = nn.Linear(400, 120)
        return optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    results = []
    for width in (1, 3):
        threads(width)
        results.append(train(5, sgd))
    assert results[0] == results[1]


def test_callers_from_several_threads(threads):
    """Eight Python threads use the pool at once; each gets what it would get alone."""
    threads(2)
    a, b = normal(257, 301), normal(301, 129, seed=1)
    want = (a @ b).softmax(1).numpy().tobytes()
    wrong = []

    def work():
        for _ in range(25):
            if (a @ b).softmax(1).numpy().tobytes() != want:
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(8)]
    [t.start() for t in workers], [t.join(120) for t in workers]
    assert not wrong and not any(t.is_alive() for t in workers)


def test_width_is_checked(threads):
    for n in (0, -1, 100_000):
        with pytest.raises((ValueError, RuntimeError), match="num_threads"):
            threads(n)
    with pytest.raises(TypeError):
        threads(1.5)
    threads(3)
    assert torch.get_num_threads() == 3


def test_pool_shrinks_and_grows(threads):
    a = normal(301, 301)
    want = numbers(a @ a)
    for width in (8, 1, 5, 2, 16, 3, 1, 8):
        threads(width)
        assert np.array_equal(numbers(a @ a), want)
