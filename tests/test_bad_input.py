"""Scripted mistakes: each raises a Python exception that names the operation, what it got and what it needs.

Nothing here may crash, hang, or take memory: sizes that overflow are refused before anything is allocated.
"""

import os

import numpy as np  # noqa: F401 (in the scripted mistakes)
import pytest
from harness import check_raises

import udlfast as torch
import udlfast.nn.functional as F
from udlfast import errors, models, nn

BAD = (ValueError, TypeError, IndexError, RuntimeError, MemoryError)
BIG = 2**62


def t(*shape):
    return torch.ones(shape)


def i(*values):
    return torch.tensor(values)


# what the user types, what the message must hold
MISTAKES = [
    # shapes that do not fit
    ("t(3) + t(4)", ["add", "[3]", "[4]"]),
    ("t(2, 3) * t(4, 3)", ["mul", "[2, 3]", "[4, 3]"]),
    ("t(2, 3) @ t(4, 5)", ["matmul", "[2, 3]", "[4, 5]"]),
    ("torch.mm(t(2, 3), t(2, 3))", ["matmul", "[2, 3]"]),
    ("torch.bmm(t(2, 3, 4), t(3, 4, 5))", ["bmm", "[2, 3, 4]", "[3, 4, 5]"]),
    ("torch.bmm(t(3, 4), t(4, 5))", ["bmm", "3"]),
    ("torch.dot(t(3), t(4))", ["matmul", "[3]", "[4]"]),
    ("torch.tensor(1.0) @ t(3)", ["matmul"]),
    ("F.linear(t(2, 3), t(5, 4))", ["linear", "[2, 3]", "[5, 4]"]),
    ("F.linear(t(2, 3), t(5, 3), t(4))", ["linear", "[4]", "5"]),
    ("F.conv2d(t(4, 1, 28, 28), t(8, 3, 5, 5))", ["conv2d", "3", "[4, 1, 28, 28]", "[8, 3, 5, 5]"]),
    ("F.conv2d(t(4, 3, 4, 4), t(8, 3, 5, 5))", ["conv2d", "4", "5"]),
    ("F.conv2d(t(28, 28), t(8, 3, 5, 5))", ["conv2d", "[28, 28]", "4"]),
    ("F.conv2d(t(1, 3, 9, 9), t(8, 3, 5, 5), t(7))", ["conv2d", "bias", "[7]", "8"]),
    ("F.conv2d(t(1, 4, 9, 9), t(8, 4, 5, 5), groups=2)", ["conv2d", "group", "4"]),
    ("F.conv2d(t(1, 4, 9, 9), t(7, 2, 5, 5), groups=2)", ["conv2d", "group", "7"]),
    ("F.conv1d(t(4, 3, 9, 9), t(8, 3, 5))", ["conv1d", "[4, 3, 9, 9]", "3"]),
    ("F.max_pool2d(t(3, 3), 2)", ["max_pool2d", "[3, 3]"]),
    ("F.max_pool2d(t(1, 1, 3, 3), 5)", ["max_pool2d", "3", "5"]),
    ("F.avg_pool2d(t(1, 1, 3, 3), 5)", ["avg_pool2d", "3", "5"]),
    ("F.max_pool2d(t(1, 1, 8, 8), 2, padding=2)", ["max_pool2d", "pad", "2"]),
    ("F.adaptive_avg_pool2d(t(2, 2), (1, 1))", ["adaptive_avg_pool2d", "[2, 2]"]),
    ("F.batch_norm(t(4, 3), t(2), t(3))", ["batch_norm", "[2]", "3"]),
    ("F.batch_norm(t(1, 3), None, None, training=True)", ["batch_norm", "1"]),
    ("F.batch_norm(t(4, 3), None, None)", ["batch_norm", "running"]),
    ("F.layer_norm(t(4, 3), (4,))", ["layer_norm", "[4]", "[4, 3]"]),
    ("F.layer_norm(t(4, 3), (3,), t(4))", ["layer_norm", "weight", "[4]", "[3]"]),
    ("F.group_norm(t(4, 3), 2)", ["group_norm", "3", "2"]),
    ("F.cross_entropy(t(4, 3), i(0, 1, 2))", ["cross_entropy", "[4, 3]", "[3]"]),
    ("torch.cartesian_prod(t(2, 2))", ["cartesian_prod", "[2, 2]"]),
    ("torch.cdist(t(2, 3), t(2, 3), p=-1)", ["cdist", "-1"]),
    ("t(3, 3).to_sparse().sum(5)", ["sparse.sum", "5"]),
    ("F.nll_loss(t(4, 3), i(0, 1, 2))", ["nll_loss", "[4, 3]", "[3]"]),
    ("F.cross_entropy(t(2, 3), i(0, 1), weight=t(4))", ["cross_entropy", "weight", "[4]", "3"]),
    ("F.binary_cross_entropy(t(3), t(4))", ["binary_cross_entropy", "[3]", "[4]"]),
    ("F.scaled_dot_product_attention(t(2, 3, 4), t(2, 3, 5), t(2, 3, 4))", ["scaled_dot_product_attention", "4", "5"]),
    ("F.scaled_dot_product_attention(t(2, 3, 4), t(2, 5, 4), t(2, 6, 4))", ["scaled_dot_product_attention", "5", "6"]),
    ("torch.cat([t(2, 3), t(2, 4)])", ["cat", "[2, 3]", "[2, 4]"]),
    ("torch.stack([t(2), t(3)])", ["stack", "[2]", "[3]"]),
    ("torch.cat([])", ["cat"]),
    ("torch.split(t(5), [2, 2])", ["split", "5", "[2, 2]"]),
    ("t(2, 3).view(4, 2)", ["view", "[2, 3]", "[4, 2]"]),
    ("t(2, 3).reshape(-1, 4)", ["reshape", "[2, 3]", "4"]),
    ("t(2, 3).view(-1, -1)", ["view", "-1"]),
    ("t(2, 3).expand(4, 3)", ["expand", "[2, 3]", "[4, 3]"]),
    ("t(2, 3).permute(0, 0)", ["permute", "0"]),
    ("t(2, 3)[5]", ["5", "2"]),
    ("torch.where(t(2) > 0, t(3), t(4))", ["where", "[3]"]),
    ("F.pad(t(2, 3), (1,))", ["pad", "1"]),
    ("F.pad(t(1, 2, 3), (3, 0), mode='reflect')", ["pad", "3"]),
    ("F.pad(t(2, 3), (-5, 0))", ["pad", "-5", "3"]),
    ("torch.gather(t(2, 3), 1, torch.zeros((3, 3), dtype=torch.int64))", ["gather", "[2, 3]", "[3, 3]"]),
    ("F.mse_loss(t(3), t(4))", ["mse_loss", "[3]", "[4]"]),
    ("t(3).copy_(t(4))", ["copy_", "[3]", "[4]"]),
    ("t(3, 3).__setitem__(0, t(4))", ["[4]", "[3]"]),
    # dimensions and indices
    ("t(2, 3).sum(2)", ["sum", "2"]),
    ("t(2, 3).sum(-3)", ["sum", "-3"]),
    ("t(2, 3).sum((0, 0))", ["sum", "0"]),
    ("F.softmax(t(2, 3), dim=2)", ["softmax", "2"]),
    ("t(2, 3).transpose(0, 5)", ["transpose", "5"]),
    ("t(2, 3).unsqueeze(4)", ["unsqueeze", "4"]),
    ("t(2, 3).argmax(7)", ["argmax", "7"]),
    ("torch.cumsum(t(2, 3), 3)", ["cumsum", "3"]),
    ("torch.sort(t(2, 3), dim=4)", ["sort", "4"]),
    ("torch.topk(t(3), 5)", ["topk", "5", "3"]),
    ("torch.topk(t(3), -1)", ["topk", "-1"]),
    ("t(2, 3)[2, 0]", ["2"]),
    ("t(2, 3)[0, 0, 0]", ["3", "2"]),
    ("t(4)[i(4)]", ["4"]),
    ("t(4)[i(-5)]", ["-5", "4"]),
    ("t(4)[torch.tensor([True, False])]", ["[2]", "[4]"]),
    ("t(4)['a']", ["str"]),
    ("t(4)[1.5]", ["float"]),
    ("t(4)[::-1]", ["step"]),
    ("t(4)[::0]", ["step"]),
    ("F.embedding(i(0, 5), t(5, 3))", ["embedding", "5"]),
    ("F.embedding(i(-1), t(5, 3))", ["embedding", "-1", "5"]),
    ("torch.gather(t(2, 3), 1, i(0, 3).view(1, 2))", ["gather", "3"]),
    ("torch.scatter(t(2, 3), 1, i(0, 3).view(1, 2), t(1, 2))", ["scatter", "3"]),
    ("torch.scatter_add(t(3), 0, i(-1), t(1))", ["scatter_add", "-1", "0 to 2"]),
    ("torch.index_select(t(2, 3), 1, i(3))", ["index_select", "3"]),
    ("F.cross_entropy(t(2, 3), i(0, 3))", ["cross_entropy", "3"]),
    ("F.cross_entropy(t(2, 3), i(-1, 0))", ["cross_entropy", "-1", "0 to 2"]),
    ("F.nll_loss(t(2, 3), i(0, 7))", ["nll_loss", "7", "0 to 2"]),
    ("t(2, 3).narrow(1, 2, 5)", ["narrow", "5", "3"]),
    ("F.one_hot(i(0, 5), 3)", ["one_hot", "5", "0 to 2"]),
    # types
    ("F.linear(t(2, 3), t(5, 3).double())", ["linear", "float32", "float64"]),
    ("F.conv2d(t(1, 1, 5, 5).long(), t(1, 1, 3, 3))", ["conv2d", "int64", "float"]),
    ("F.embedding(t(3), t(5, 3))", ["embedding", "float32", "int64"]),
    ("F.softmax(i(1, 2), dim=0)", ["softmax", "int64"]),
    ("torch.gather(t(3), 0, t(1))", ["gather", "float32", "int64"]),
    ("F.cross_entropy(t(2, 3), t(2))", ["cross_entropy", "float32"]),
    ("t(2, 3) @ t(3, 2).double()", ["matmul", "float32", "float64"]),
    ("i(1, 2) & t(2)", ["bitwise_and", "float32"]),
    ("t(3) + 'a'", ["str"]),
    ("t(3) + [1, 2]", ["list"]),
    ("torch.exp([1.0])", ["exp", "list"]),
    ("F.relu(np.ones(3))", ["relu", "ndarray"]),
    ("torch.cat([t(2), 3])", ["cat", "int"]),
    ("torch.tensor(object())", ["object"]),
    ("torch.tensor([[1, 2], [3]])", ["2"]),
    ("torch.tensor('text')", ["tensor", "text"]),
    ("torch.zeros(2, dtype='float32')", ["dtype"]),
    ("torch.zeros(2.5)", ["zeros", "2.5"]),
    ("t(2).to('cuda')", ["cuda"]),
    ("torch.zeros(2, device='cuda')", ["cuda"]),
    ("torch.zeros(2, device='toaster')", ["toaster"]),
    ("torch.arange(5).mean()", ["mean", "int64"]),
    ("torch.from_numpy(np.zeros(2, np.complex128))", ["complex128"]),
    ("torch.from_numpy(np.zeros(2, np.longdouble))", ["float128", "astype"] if np.longdouble(0).nbytes == 16 else ["astype"]),
    # parameters that make no sense
    ("F.conv2d(t(1, 1, 5, 5), t(1, 1, 3, 3), stride=0)", ["conv2d", "stride", "0"]),
    ("F.conv2d(t(1, 1, 5, 5), t(1, 1, 3, 3), stride=-1)", ["conv2d", "stride", "-1"]),
    ("F.conv2d(t(1, 1, 5, 5), t(1, 1, 3, 3), padding=-1)", ["conv2d", "padding", "-1"]),
    ("F.conv2d(t(1, 1, 5, 5), t(1, 1, 3, 3), dilation=0)", ["conv2d", "dilation", "0"]),
    ("F.conv2d(t(1, 1, 5, 5), t(1, 1, 3, 3), groups=0)", ["conv2d", "groups", "0"]),
    ("F.conv2d(t(1, 1, 5, 5), t(1, 1, 3, 3), stride=(1, 2, 3))", ["conv2d", "stride", "3"]),
    ("F.conv2d(t(1, 1, 5, 5), t(1, 1, 3, 3), padding='full')", ["conv2d", "full"]),
    ("F.conv2d(t(1, 1, 5, 5), t(1, 1, 3, 3), stride=2, padding='same')", ["conv2d", "same", "stride"]),
    ("F.max_pool2d(t(1, 1, 5, 5), 0)", ["max_pool2d", "kernel", "0"]),
    ("F.max_pool2d(t(1, 1, 5, 5), 2, stride=-2)", ["max_pool2d", "stride", "-2"]),
    ("F.avg_pool2d(t(1, 1, 5, 5), 2, divisor_override=0)", ["avg_pool2d", "divisor"]),
    ("F.adaptive_avg_pool2d(t(1, 1, 5, 5), (-1, 2))", ["adaptive_avg_pool2d", "-1"]),
    ("F.dropout(t(3), 1.5)", ["dropout", "1.5"]),
    ("F.dropout(t(3), -0.1)", ["dropout", "-0.1"]),
    ("F.cross_entropy(t(2, 3), i(0, 1), reduction='average')", ["cross_entropy", "average"]),
    ("F.cross_entropy(t(2, 3), i(0, 1), label_smoothing=2.0)", ["cross_entropy", "smoothing", "2"]),
    ("F.huber_loss(t(3), t(3), delta=0)", ["huber_loss", "delta", "0"]),
    ("F.gelu(t(3), approximate='fast')", ["gelu", "fast"]),
    ("F.pad(t(3), (1, 1), mode='mirror')", ["pad", "mirror"]),
    ("torch.split(t(5), 0)", ["split", "positive"]),
    ("torch.arange(0, 5, 0)", ["arange", "step"]),
    ("torch.arange(0, 5, -1)", ["arange", "step"]),
    ("torch.linspace(0, 1, -1)", ["linspace", "-1"]),
    ("torch.randint(5, 5, (2,))", ["randint", "5"]),
    ("torch.bernoulli(t(2) * 2)", ["bernoulli", "between 0 and 1"]),
    ("torch.zeros(-1)", ["zeros", "-1"]),
    ("torch.zeros(2, -3)", ["zeros", "-3"]),
    ("torch.manual_seed('a')", ["seed"]),
    ("nn.Linear(-1, 2)", ["Linear", "-1"]),
    ("nn.Conv2d(3, 4, 3, groups=2)", ["Conv2d", "3", "2"]),
    ("nn.Dropout(2.0)", ["Dropout", "2"]),
    ("nn.Embedding(5, 3, padding_idx=7)", ["Embedding", "7", "5"]),
    ("nn.Sequential(3)", ["int", "Module"]),
    # sizes that overflow or that no machine holds
    ("torch.zeros(BIG)", ["zeros", str(BIG)]),
    ("torch.zeros(BIG, 0, BIG)", ["zeros", str(BIG)]),
    ("torch.empty((2**40, 2**40))", ["empty"]),
    ("torch.ones(2**46)", [str(2**48), "bytes"]),
    ("t(1).expand(BIG, BIG)", ["expand"]),
    ("t(1).expand(2**46).clone()", []),
    ("t(1, 1).expand(2**31, 2**31) + 1", ["expand"]),
    ("torch.outer(t(1).expand(2**31), t(1).expand(2**31))", ["[2147483648, 2147483648]", "bytes"]),
    ("torch.linspace(0, 1, BIG)", [str(BIG), "bytes"]),
    ("F.conv2d(t(1, 1, 5, 5), t(1, 1, 3, 3), padding=2**63 - 5)", ["conv2d", "padding"]),
    ("F.conv2d(t(1, 1, 5, 5), t(1, 1, 3, 3), padding=2**40)", ["conv2d"]),
    ("F.conv2d(t(1, 1, 5, 5), t(1, 1, 3, 3), dilation=2**62)", ["conv2d", "dilation"]),
    ("F.conv2d(t(1, 1, 4, 4), t(1, 1, 3, 3), padding=2**31 - 2, stride=2**31 - 1)", ["conv2d", "memory"]),
    ("F.conv_transpose2d(t(1, 1, 2, 2), t(1, 1, 2, 2), dilation=2**31 - 1, padding=2**30)", ["conv2d_backward_input", "memory"]),
    ("F.conv_transpose3d(t(1, 1, 2, 2, 2), t(1, 1, 2, 2, 2), stride=2**31 - 1, padding=2**30)", ["conv2d_backward_input", "memory"]),
    ("F.max_pool2d(t(1, 1, 5, 5), 2**62)", ["max_pool2d"]),
    ("F.adaptive_avg_pool2d(t(1, 1, 5, 5), (2**31, 2**31))", ["adaptive_avg_pool2d"]),
    ("F.pad(t(3), (2**62, 2**62))", ["pad"]),
    ("torch.arange(0, 1e30)", ["arange"]),
    ("torch.eye(2**40)", ["eye"]),
    ("t(3).repeat(2**62)", ["repeat"]),
    ("t(4).repeat_interleave(i(BIG, BIG, BIG, BIG))", ["repeat_interleave", "memory"]),
    ("torch.segment_reduce(t(4), 'sum', lengths=i(BIG, BIG, BIG, BIG, 4))", ["memory"]),
    ("t(3).uniform_(-3e38, 3e38)", ["uniform_", "3e+38"]),
    ("torch.randint(0, 2**64, (2,))", ["randint", str(2**64)]),
    ("F.one_hot(i(0), 2**62)", ["one_hot"]),
    ("torch.tensor(2**70)", ["tensor", str(2**70)]),
    ("torch.zeros((1,) * 9)", ["zeros", "9", "8"]),
    # numbers that an integer type cannot hold
    ("torch.tensor([300], dtype=torch.uint8)", ["tensor", "300", "uint8"]),
    ("torch.tensor([2**40, 1.5], dtype=torch.int32)", ["tensor", "int32"]),
    ("torch.tensor(float('nan'), dtype=torch.int64)", ["tensor", "nan", "int64"]),
    ("torch.tensor([2.0**63], dtype=torch.int64)", ["tensor", "int64"]),
    ("torch.full((2,), 300, dtype=torch.uint8)", ["300", "uint8"]),
    ("torch.zeros(2, dtype=torch.int8).fill_(-129)", ["-129", "int8"]),
    ("torch.zeros(2, dtype=torch.int8).masked_fill(i(1, 0) > 0, 300)", ["300", "int8"]),
    ("torch.clamp(torch.zeros(2, dtype=torch.int8), -5, 300)", ["300", "int8"]),
    # complex numbers, and what is no number, where neither fits
    ("t(3) < np.ones(3) * 1j", ["<", "ComplexTensor"]),
    ("t(3).add_(np.ones(3) * 1j)", ["add_", "complex"]),
    ("t(3).mul_(torch.complex(t(3), t(3)))", ["mul_", "complex"]),
    ("t(3).sub_('a')", ["sub_", "str"]),
    ("t(3).fill_(np.complex64(1j))", ["fill_", "1j"]),
    ("torch.quantile(t(3), torch.tensor([float('nan')]))", ["quantile", "nan"]),
    # autograd
    ("t(3).backward()", ["grad"]),
    ("torch.func.jacrev(lambda x: x * 2)(t(2**20))", [str(2**42), "bytes"]),
    ("torch.autograd.functional.hessian(lambda x: (x * x).sum(), t(2**20))", [str(2**42), "bytes"]),
    ("torch.tensor([1], requires_grad=True)", ["int64"]),
    ("t(3).requires_grad_().numpy()", ["detach"]),
    ("t(3).requires_grad_().sum().backward(inputs=[[1, 2]])", ["backward", "inputs", "list"]),
    ("t(3).requires_grad_().sum().backward(None, False, False, [t(3)])", ["backward", "inputs", "gradient"]),
    ("t(3).requires_grad_().sum().backward(inputs=[])", ["backward", "inputs", "NoneType"]),
    ("t(3).requires_grad_().add_(1)", ["leaf"]),
]


@pytest.mark.parametrize("given", [lambda t: torch.ones(1), lambda t: t.double() if t.dtype is torch.float32 else t.int(), lambda t: 5])
def test_saved_tensors_come_back_as_they_were(given):
    """A kernel would read what is not there: an unpack hook gives the shape and type that were packed, or the walk stops."""
    x = torch.ones(3, 3, requires_grad=True)
    for f in (lambda: F.cross_entropy(x, i(0, 1, 2)), lambda: F.max_pool1d(x[None], 2).sum(), lambda: x.exp().sum(), lambda: (x @ x).sum()):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t, given):
            y = f()
        check_raises((RuntimeError, TypeError), ["saved_tensors_hooks"], y.backward)


@pytest.fixture(autouse=True)
def memory_limit():
    """Four GB more than now: a size that slips through raises MemoryError here and does not take the machine."""
    resource = pytest.importorskip("resource")
    if "asan" in os.environ.get("LD_PRELOAD", "") or not os.path.exists("/proc/self/statm"):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as f:
        now = int(f.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (4 << 30), hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.parametrize("typed, parts", MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistake(typed, parts):
    text = check_raises(BAD, parts, eval, typed, globals())
    assert len(text) < 600, "a message is read by people"


def test_enough_mistakes():
    assert len({m[0] for m in MISTAKES}) >= 150


def test_the_library_works_on_after_mistakes():
    for typed, _ in MISTAKES[:60]:
        with pytest.raises(BAD):
            eval(typed)
    assert ((t(64, 64) @ t(64, 64)) == 64).all()


@pytest.mark.parametrize("op", ["exp", "sum", "softmax", "matmul", "conv2d", "max_pool2d", "batch_norm", "cumsum", "sort", "cat"])
def test_zero_sizes_are_no_mistake(op):
    """Empty tensors pass or are refused in words; they never crash."""
    calls = {
        "exp": lambda s: torch.exp(torch.empty(s)),
        "sum": lambda s: torch.empty(s).sum(0),
        "softmax": lambda s: F.softmax(torch.empty(s), dim=0),
        "matmul": lambda s: torch.empty(s) @ torch.empty((s[-1], 2)),
        "conv2d": lambda s: F.conv2d(torch.empty((s[0], 3, 5, 5)), torch.ones((2, 3, 3, 3))),
        "max_pool2d": lambda s: F.max_pool2d(torch.empty((s[0], 3, 4, 4)), 2),
        "batch_norm": lambda s: F.batch_norm(torch.empty((s[0], 3, 2)), torch.zeros(3), torch.ones(3)),
        "cumsum": lambda s: torch.cumsum(torch.empty(s), 0),
        "sort": lambda s: torch.sort(torch.empty(s), dim=0)[0],
        "cat": lambda s: torch.cat([torch.empty(s), torch.empty(s)]),
    }
    for shape in ((0,), (0, 3), (3, 0), (0, 0), (2, 0, 3)):
        try:
            y = calls[op](shape)
        except BAD as error:
            assert str(error)
        else:
            assert isinstance(y, torch.Tensor)


def test_random_garbage_never_crashes(rng):
    """A thousand calls with shapes, types and parameters drawn without thought."""
    kinds = [torch.float32, torch.float64, torch.int64, torch.bool, torch.bfloat16]

    def draw():
        shape = tuple(int(n) for n in rng.integers(0, 4, rng.integers(0, 5)))
        return torch.ones(shape).to(kinds[rng.integers(5)])

    def number():
        return int(rng.choice([0, 1, 2, 3, -1, -2, 7, 2**31, -(2**40), 2**62]))

    calls = [
        lambda: F.conv2d(draw(), draw(), draw(), number(), number(), number(), number()),
        lambda: F.conv1d(draw(), draw(), None, number(), number(), number(), number()),
        lambda: F.max_pool2d(draw(), number(), number(), number(), number()),
        lambda: F.avg_pool2d(draw(), number(), number(), number()),
        lambda: F.adaptive_avg_pool2d(draw(), (number(), number())) if abs(number()) < 9 else None,
        lambda: draw() @ draw(),
        lambda: F.linear(draw(), draw(), draw()),
        lambda: draw() + draw(),
        lambda: draw().sum(number()),
        lambda: F.softmax(draw(), dim=number()),
        lambda: F.layer_norm(draw(), (number(),), draw(), draw()),
        lambda: F.batch_norm(draw(), draw(), draw(), draw(), draw(), training=True),
        lambda: F.cross_entropy(draw(), draw()),
        lambda: F.embedding(draw(), draw()),
        lambda: torch.gather(draw(), number(), draw()),
        lambda: torch.scatter(draw(), number(), draw(), draw()),
        lambda: torch.cat([draw(), draw()], number()),
        lambda: draw()[number()],
        lambda: draw()[draw()],
        lambda: draw().view(number(), number()),
        lambda: draw().transpose(number(), number()),
        lambda: draw().narrow(number(), number(), number()),
        lambda: F.pad(draw(), (number(), number())) if abs(number()) < 9 else None,
        lambda: torch.topk(draw(), number(), number()),
        lambda: torch.where(draw(), draw(), draw()),
        lambda: F.scaled_dot_product_attention(draw(), draw(), draw(), draw()),
        lambda: F.group_norm(draw(), number(), draw(), draw()),
        lambda: torch.cumsum(draw(), number()),
    ]
    passed = 0
    for _ in range(1000):
        try:
            calls[rng.integers(len(calls))]()
            passed += 1
        except (*BAD, OverflowError):
            pass
    assert 0 < passed < 1000


NUMBER = 2**62
REPEATED = {  # what makes or repeats a part: a number of parts that nobody means is refused before the first is made
    "GRU": lambda: nn.GRU(2, 3, NUMBER),
    "TransformerEncoder": lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 1, 4), NUMBER),
    "spectral_norm": lambda: nn.utils.spectral_norm(nn.Linear(2, 2), n_power_iterations=NUMBER),
    "parametrizations": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=NUMBER),
    "vander": lambda: torch.vander(torch.ones(3), NUMBER),
    "svd_lowrank": lambda: torch.svd_lowrank(torch.ones(3, 3), 2, NUMBER),
    "ResNet": lambda: models.ResNet(blocks=NUMBER),
    "DeepResNet": lambda: models.DeepResNet(layers=(1, NUMBER)),
    "GPT2": lambda: models.GPT2(5, 4, 4, NUMBER, 1),
    "Bert": lambda: models.Bert(5, 4, NUMBER, 1, 4),
    "ViT": lambda: models.ViT(8, 4, NUMBER, 1, 4, 4),
    "Flow": lambda: models.Flow(2, NUMBER),
    "KVCache": lambda: models.KVCache(NUMBER, 1, 1, 1, 1),
    "Diffusion": lambda: models.Diffusion(nn.Linear(1, 1), (1,), NUMBER),
    "VAE": lambda: models.VAE((4,), 2).log_likelihood(torch.ones(1, 4), NUMBER),
}


@pytest.mark.parametrize("name", REPEATED)
def test_a_number_of_parts_without_end_is_refused(name):
    check_raises(errors.ArgumentError, ["at most", str(NUMBER)], REPEATED[name])


def test_as_strided_counts_in_more_than_64_bits():
    x, half = torch.ones(3, 3), 2**62
    for size, stride in (((half, 2), (0, 1)), ((2**32, 2**32), (0, 0)), ((2, 2), (half, half)), ((2, 2, 2), (half, half, 1))):
        check_raises(BAD, ["as_strided"], torch.as_strided, x, size, stride)  # the third passed as sums that wrapped around
    check_raises(BAD, ["as_strided", "offset"], torch.as_strided, x, (0,), (1,), half)
    assert tuple(torch.as_strided(x, (0,), (1,), 100).shape) == (0,)


@pytest.mark.parametrize("weights", [None, (1.0, 2.0)])
def test_bincount_of_the_largest_number(weights):
    weights = None if weights is None else torch.tensor(weights)
    for most in (2**63 - 1, 2**62):  # NumPy's bincount wrote into memory that it had not got
        check_raises(MemoryError, ["bincount", str(most)], torch.bincount, i(0, most), weights)


def test_an_array_behind_a_tensor_that_wants_a_gradient():
    A, tau = torch.ones(4, 0, requires_grad=True), np.ones((0,))
    check_raises(BAD, ["Tensor"], torch.linalg.householder_product, A, tau)  # was read as if it were a tensor
