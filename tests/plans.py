"""What the tests of compile share."""

import functools

import numpy as np

import udlfast as torch


def same(a, b):
    """The same structure with the same bits."""
    if isinstance(a, torch.Tensor):
        assert isinstance(b, torch.Tensor) and a.dtype is b.dtype and a.shape == b.shape
        if a.dtype is torch.bfloat16:
            a, b = a.contiguous().view(torch.int16), b.contiguous().view(torch.int16)
        x, y = a.detach().contiguous().numpy(), b.detach().contiguous().numpy()
        np.testing.assert_array_equal(x.view(np.uint8) if x.ndim else x, y.view(np.uint8) if y.ndim else y)
    elif isinstance(a, (list, tuple)):
        assert type(a) is type(b) and len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        same(list(a.values()), list(b.values()))
    else:
        assert a == b


def state_of(net, opt=None):
    values = [t.detach().clone() for t in (*net.parameters(), *net.buffers())]
    values += [None if p.grad is None else p.grad.clone() for p in net.parameters()]
    if opt is not None:
        values += [v for p in net.parameters() for v in opt.state[p].values()]
    return [v.clone() if isinstance(v, torch.Tensor) else v for v in values], torch.default_generator.get_state()


def tensor(rng, *shape):
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))


# ---- plans for files ------------------------------------------------------------------------------------------------------------
class Apply(torch.nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def _maps(a, b, c):
    half = (a.bfloat16() @ b.bfloat16()).float()
    picked = torch.gather(a, 1, torch.ones(5, 2).long())
    return (
        torch.where(a > 0, b, c), a * 2 + b.t(), (a.int() // 2).double().exp(), torch.cumsum(a, 1), a.var(1), a.argmax(1),
        a.amax(0), torch.logsumexp(a, 1), half, picked, a.sum().sqrt(), [a.std(), None], {"all": (a > -9).all(), "n": (a > 0).sum(1)},
    )  # fmt: skip


def _pools(a, grid):
    F = torch.nn.functional
    most, where = F.max_pool2d(a, 3, 2, 1, return_indices=True)
    return {"most": most, "where": where, "adaptive": F.adaptive_max_pool2d(a, 4), "mean": F.avg_pool2d(a, 2),
            "grid": F.grid_sample(a, grid, align_corners=False), "one": F.adaptive_avg_pool2d(a, 1)}  # fmt: skip


def _heads(q, k, v, mask):
    attend = torch.nn.functional.scaled_dot_product_attention
    return attend(q, k, v, attn_mask=mask), attend(q[:, :, :1], k, v), attend(q, k, v, is_causal=True), attend(q, k, v, attn_mask=mask > 0)


def _moved(a, b):
    F = torch.nn.functional
    padded = [F.pad(a, (2, 3), "reflect"), F.pad(a, (1, 2, 3, 4), value=-1.0), F.pad(a.double(), (2, 3), "replicate")]
    turned = b.flip((0, 1)), b.int().roll((2, -3), (0, 1)), b.repeat(3, 2), (b > 0).flip(0)
    return padded, F.pad(a, (4, 1), "circular"), turned, F.rms_norm(b, (7,))


def _linear(a, w, b):
    F = torch.nn.functional
    return F.linear(a, w, b), F.linear(a[:1], w), a.double() @ w.double().t(), a.t() @ a, torch.relu(F.linear(a, w, b)) + a.sum()


def _cases():
    """name -> (module or function, arguments): together they call every kernel that a file may call, at odd sizes."""
    nn, r = torch.nn, torch.randn
    convs = nn.Sequential(
        nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 6, (3, 2), stride=(2, 3), padding=(2, 1), dilation=(1, 2), groups=2),
        nn.BatchNorm2d(6), nn.Conv2d(6, 5, 1), nn.AdaptiveAvgPool2d((3, 2)), nn.Flatten(),
    )  # fmt: skip
    back = nn.Sequential(
        nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1), nn.ConvTranspose2d(4, 4, (2, 3), groups=2, dilation=2),
        nn.ConvTranspose2d(4, 2, 2, stride=(3, 2)), nn.Softmax(1),
    )  # fmt: skip
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 1, enable_nested_tensor=False)
    norm = nn.Sequential(nn.Embedding(11, 7), nn.LayerNorm(7), nn.Linear(7, 3), nn.LogSoftmax(-1))
    return {
        "convs": (convs, r(3, 4, 9, 11)),
        "wide": (nn.Conv2d(16, 16, 3, padding=1), r(2, 16, 14, 13)),
        "double": (nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.MaxPool2d(2)).double(), r(2, 3, 9, 9).double()),
        "back": (back, r(2, 3, 5, 6)),
        "lstm": (nn.LSTM(5, 7, 2, bidirectional=True), r(3, 2, 5)),
        "projected": (nn.LSTM(5, 7, 1, proj_size=3), r(3, 2, 5)),
        "gru": (nn.GRU(5, 9), r(4, 3, 5)),
        "rnn": (nn.RNN(5, 7, nonlinearity="relu"), r(3, 2, 5)),
        "encoder": (encoder, r(2, 5, 16)),
        "norm": (norm, torch.randint(0, 11, (2, 5))),
        "maps": (Apply(_maps), r(5, 5), r(5, 5), r(5, 5)),
        "pools": (Apply(_pools), r(2, 2, 9, 11), torch.rand(2, 3, 3, 2) * 2 - 1),
        "heads": (Apply(_heads), r(1, 2, 9, 8), r(1, 2, 19, 8), r(1, 2, 19, 8), r(9, 19)),
        "groups": (nn.Sequential(nn.BatchNorm2d(6), nn.GroupNorm(3, 6), nn.Conv2d(6, 6, 3), nn.GroupNorm(2, 6)), r(2, 6, 5, 7)),
        "chain": (Apply(lambda a, b: (torch.tanh(a * 2 + b) * a.exp()).sigmoid() - b[:, :1]), r(70, 33), r(70, 33)),
        "moved": (Apply(_moved), r(3, 4, 17), r(5, 7)),
        "linear": (Apply(_linear), r(17, 33), r(19, 33), r(19)),
    }


CASES = [
    "convs",
    "wide",
    "double",
    "back",
    "lstm",
    "projected",
    "gru",
    "rnn",
    "encoder",
    "norm",
    "moved",
    "maps",
    "pools",
    "heads",
    "groups",
    "chain",
    "linear",
]


@functools.cache
def recorded(case):
    """(compiled module in eval mode, arguments, what it gives) of a case."""
    torch.manual_seed(5)
    net, *args = _cases()[case]
    net = torch.compile(net.eval(), options={"fold": case != "groups", "prepack": False})  # where batch norm stays a call of its own
    with torch.no_grad():
        return net, args, net(*args)


def steps_of(case):
    """The calls that a file would hold: save() makes folded weights itself."""
    return [c for c in recorded(case)[0].plans[0].steps if c.name != "fold_batch_norm"]
