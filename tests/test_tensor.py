"""The Tensor: views and their memory, copies, creation, NumPy and DLPack, conversion, promotion."""

import copy
import math

import numpy as np
import pytest
from harness import check_raises, numbers

import udlfast as torch

FLOAT32, FLOAT64 = torch.float32, torch.float64
DTYPES = ["bool", "uint8", "int32", "int64", "bfloat16", "float32", "float64"]


def grid(*shape):
    return torch.tensor(np.arange(math.prod(shape), dtype=np.float32).reshape(shape))


VIEWS = {
    "view": (lambda t: t.view(6, 4), lambda a: a.reshape(6, 4)),
    "view -1": (lambda t: t.view(-1, 2), lambda a: a.reshape(-1, 2)),
    "reshape": (lambda t: t.reshape(2, 12), lambda a: a.reshape(2, 12)),
    "permute": (lambda t: t.permute(2, 0, 1), lambda a: a.transpose(2, 0, 1)),
    "transpose": (lambda t: t.transpose(0, -1), lambda a: a.swapaxes(0, -1)),
    "t": (lambda t: t[0].t(), lambda a: a[0].T),
    "mT": (lambda t: t.mT, lambda a: a.swapaxes(-1, -2)),
    "squeeze": (lambda t: t[:1].squeeze(0), lambda a: a[0]),
    "unsqueeze": (lambda t: t.unsqueeze(1), lambda a: a[:, None]),
    "flatten": (lambda t: t.flatten(1), lambda a: a.reshape(2, 12)),
    "unflatten": (lambda t: t.unflatten(2, (2, 2)), lambda a: a.reshape(2, 3, 2, 2)),
    "narrow": (lambda t: t.narrow(1, 1, 2), lambda a: a[:, 1:3]),
    "select": (lambda t: t.select(2, 3), lambda a: a[:, :, 3]),
    "index": (lambda t: t[1], lambda a: a[1]),
    "negative index": (lambda t: t[-1, -2], lambda a: a[-1, -2]),
    "slice": (lambda t: t[:, 1:3, ::2], lambda a: a[:, 1:3, ::2]),
    "ellipsis": (lambda t: t[..., 1], lambda a: a[..., 1]),
    "none": (lambda t: t[:, None, 1], lambda a: a[:, None, 1]),
    "empty slice": (lambda t: t[:, 2:2], lambda a: a[:, 2:2]),
    "slice beyond the end": (lambda t: t[:, 1:100], lambda a: a[:, 1:100]),
    "expand": (lambda t: t[:, :1].expand(2, 5, 4), lambda a: np.broadcast_to(a[:, :1], (2, 5, 4))),
    "movedim": (lambda t: t.movedim(0, 2), lambda a: np.moveaxis(a, 0, 2)),
    "detach": (lambda t: t.detach(), lambda a: a),
    "chunk": (lambda t: t.chunk(2, 2)[1], lambda a: a[:, :, 2:]),
    "unbind": (lambda t: t.unbind(1)[2], lambda a: a[:, 2]),
    "diagonal": (lambda t: t.diagonal(0, 1, 2), lambda a: a.diagonal(0, 1, 2)),
    "view of a view": (lambda t: t[1:].transpose(1, 2)[0, 1:3], lambda a: a[1:].swapaxes(1, 2)[0, 1:3]),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_show_the_same_memory(name):
    view, want = VIEWS[name]
    a = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    t = torch.tensor(a)
    v = view(t)
    assert tuple(v.shape) == want(a).shape and np.array_equal(v.numpy(), want(a))
    if v.numel():
        t.add_(100)
        assert np.array_equal(v.numpy(), want(a + 100)), "a write to the base is not seen in the view"
    if v.numel() and name != "expand":
        v.zero_()
        assert (numbers(t) == 0).sum() == v.numel(), "a write to the view is not seen in the base"


@pytest.mark.parametrize("name", VIEWS)
def test_gradients_go_through_views(name, rng):
    view, want = VIEWS[name]
    a = rng.standard_normal((2, 3, 4))
    t = torch.tensor(a, requires_grad=True)
    v = view(t)
    if name == "detach":
        assert not v.requires_grad
        return
    weight = rng.standard_normal(tuple(v.shape))
    (v * torch.tensor(weight)).sum().backward()
    index = want(np.arange(24).reshape(2, 3, 4))
    g = np.zeros(24)
    np.add.at(g, index.ravel(), weight.ravel())
    assert np.allclose(numbers(t.grad), g.reshape(2, 3, 4), rtol=1e-14)


def test_shape_stride_and_offset():
    t = grid(2, 3, 4)
    assert t.shape == (2, 3, 4) and t.size() == (2, 3, 4) and t.size(1) == 3 and t.shape[-1] == 4
    assert t.stride() == (12, 4, 1) and t.stride(0) == 12 and t.ndim == 3 and t.dim() == 3 and t.numel() == 24 and len(t) == 2
    v = t[1, :, 1::2]
    assert v.stride() == (4, 2) and v.storage_offset() == 13 and not v.is_contiguous()
    assert v.contiguous().is_contiguous() and v.contiguous().data_ptr() != v.data_ptr()
    assert t.contiguous() is t or t.contiguous().data_ptr() == t.data_ptr()
    assert t.data_ptr() + 13 * 4 == v.data_ptr() and t.element_size() == 4 and t.nbytes == 96
    assert isinstance(t.shape, tuple) and t.shape.numel() == 24 and list(t.shape) == [2, 3, 4]


def test_reshape_copies_only_when_it_must():
    t = grid(3, 4)
    assert t.reshape(4, 3).data_ptr() == t.data_ptr()
    assert t.t().reshape(12).data_ptr() != t.data_ptr()
    assert t.t().reshape(12).tolist() == numbers(t).T.ravel().tolist()
    with pytest.raises(RuntimeError, match="view"):
        t.t().view(12)
    assert grid(2, 3, 4).transpose(0, 1).view(3, 2, 2, 2).shape == (3, 2, 2, 2)


def test_in_place_operations():
    t = grid(2, 3)
    at = t.data_ptr()
    results = [t.add_(1), t.mul_(2), t.sub_(1), t.div_(2), t.clamp_(0, 3), t.neg_(), t.abs_(), t.sqrt_(), t.fill_(4), t.zero_(),
               t.copy_(torch.ones(3)), t.exp_()]  # fmt: skip
    assert all(r is t for r in results) and t.data_ptr() == at
    assert np.allclose(numbers(t), math.e)
    t += 1
    t *= 2
    assert t.data_ptr() == at and np.allclose(numbers(t), 2 * (math.e + 1))
    with pytest.raises(RuntimeError):
        torch.ones(3).add_(torch.ones((2, 3)))
    with pytest.raises(RuntimeError):
        torch.ones(3, dtype=torch.int64).add_(0.5)


def test_in_place_counts_versions():
    t = grid(2, 3)
    before = t._version
    t.add_(1)
    assert t._version > before
    v = t[0]
    now = t._version
    v.mul_(2)
    assert t._version > now and v._version == t._version, "a view counts with its base"


def test_broadcasting():
    a, b = torch.ones((3, 1)), torch.ones(4)
    assert (a + b).shape == (3, 4)
    assert torch.broadcast_shapes((3, 1), (4,), (1, 1, 1)) == (1, 3, 4)
    assert torch.broadcast_to(b, (2, 4)).stride() == (0, 1)
    check_raises((RuntimeError, ValueError), ["3", "4"], lambda: torch.ones(3) + torch.ones(4))


# float wins over int, int over bool; inside a category the wider; bfloat16 with any integer stays bfloat16
ORDER = ["bool", "uint8", "int32", "int64", "bfloat16", "float32", "float64"]


@pytest.mark.parametrize("b", DTYPES)
@pytest.mark.parametrize("a", DTYPES)
def test_promotion(a, b):
    want = max(a, b, key=ORDER.index)
    x, y = torch.ones(2, dtype=getattr(torch, a)), torch.ones(2, dtype=getattr(torch, b))
    assert (x * y).dtype == getattr(torch, want) and torch.promote_types(x.dtype, y.dtype) == getattr(torch, want)
    assert torch.result_type(x, y) == getattr(torch, want)


@pytest.mark.parametrize("a", DTYPES)
def test_scalars_promote_by_category_only(a):
    """A number, or a tensor without dimensions, changes the category but not the width."""
    x = torch.ones(2, dtype=getattr(torch, a))
    whole, floating = a in ("bool", "uint8", "int32", "int64"), a in ("bfloat16", "float32", "float64")
    assert (x * 2).dtype == (torch.int64 if a == "bool" else x.dtype)
    assert (x * 2.0).dtype == (torch.float32 if whole else x.dtype)
    assert (x + True).dtype == x.dtype
    if floating:
        assert (x * torch.tensor(2.0, dtype=torch.float64)).dtype == x.dtype
    else:
        assert (x * torch.tensor(2.0, dtype=torch.float64)).dtype == torch.float64
    assert (x / 2).dtype == (torch.float32 if whole else x.dtype)


@pytest.mark.parametrize("a", DTYPES)
@pytest.mark.parametrize("b", DTYPES)
def test_promotion_equals_torch(a, b):
    peer = pytest.importorskip("torch")
    for x, y in (((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())):
        want = peer.result_type(peer.ones(x, dtype=getattr(peer, a)), peer.ones(y, dtype=getattr(peer, b)))
        ours = torch.ones(x, dtype=getattr(torch, a)) + torch.ones(y, dtype=getattr(torch, b))
        assert str(ours.dtype).split(".")[1] == str(want).split(".")[1]


def test_types_from_python():
    assert torch.tensor(1).dtype == torch.int64 and torch.tensor(1.0).dtype == torch.float32
    assert torch.tensor(True).dtype == torch.bool and torch.tensor([1, 2.5]).dtype == torch.float32
    assert torch.tensor([[1, 2], [3, 4]]).shape == (2, 2) and torch.tensor([]).shape == (0,)
    assert torch.tensor([[], []]).shape == (2, 0)
    assert torch.tensor(np.float32(2)).dtype == torch.float32 and torch.tensor(np.arange(3)).dtype == torch.int64
    assert torch.tensor([torch.tensor(1.0), torch.tensor(2.0)]).tolist() == [1.0, 2.0]
    assert torch.tensor([1, 2], dtype=torch.float64).dtype == torch.float64
    with pytest.raises(ValueError):
        torch.tensor([[1, 2], [3]])
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        torch.tensor(["a"])


def test_creation():
    assert torch.zeros(2, 3).tolist() == [[0.0] * 3] * 2 and torch.ones((2,)).tolist() == [1.0, 1.0]
    assert torch.full((2,), 7).dtype == torch.int64 and torch.full((2,), 7.0).tolist() == [7.0, 7.0]
    assert torch.arange(3).tolist() == [0, 1, 2] and torch.arange(1, 2, 0.25).tolist() == [1, 1.25, 1.5, 1.75]
    assert torch.arange(5, 0, -2).tolist() == [5, 3, 1] and torch.arange(3.0).dtype == torch.float32
    assert torch.linspace(0, 1, 5).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert torch.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    x = torch.ones((2, 3), dtype=torch.float64)
    assert torch.zeros_like(x).dtype == torch.float64 and torch.empty_like(x).shape == (2, 3)
    assert torch.full_like(x, 2).tolist() == [[2.0] * 3] * 2 and x.new_zeros(2).dtype == torch.float64
    assert torch.tril(torch.ones((3, 3))).tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert torch.triu(torch.ones((2, 3)), 1).tolist() == [[0, 1, 1], [0, 0, 1]]
    assert torch.empty((0, 3)).shape == (0, 3) and torch.zeros(()).item() == 0.0


def test_from_numpy_shares_memory():
    a = np.arange(6, dtype=np.float64).reshape(2, 3)
    t = torch.from_numpy(a)
    a[0, 0] = 9
    assert t[0, 0].item() == 9
    t[1, 2] = -1
    assert a[1, 2] == -1
    b = torch.from_numpy(a[:, ::2])
    assert b.stride() == (3, 2) and b.tolist() == a[:, ::2].tolist()
    back = t.numpy()
    assert back.base is not None and back.__array_interface__["data"][0] == a.__array_interface__["data"][0]
    assert np.shares_memory(t[:, 1:].numpy(), a) and t.t().numpy().strides == a.T.strides


def test_numpy_outlives_the_tensor():
    a = (torch.ones(1000) * 3).numpy()
    for _ in range(50):
        torch.ones(1000)
    assert (a == 3).all()
    t = torch.from_numpy(np.full(1000, 4.0))
    for _ in range(50):
        np.zeros(1000)
    assert (numbers(t) == 4).all()


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "bfloat16"])
def test_array_protocol(dtype):
    t = torch.tensor([[0, 1], [2, 3]]).to(getattr(torch, dtype))
    a = np.asarray(t)
    assert a.dtype == np.dtype(dtype) and a.shape == (2, 2) and np.array_equal(a, t.numpy())
    assert np.asarray(t, dtype=np.float64).dtype == np.float64
    assert torch.tensor(a).dtype == t.dtype and torch.as_tensor(a).data_ptr() == a.ctypes.data
    assert np.array_equal(np.stack([t, t])[1], a)


def test_numpy_refuses_what_it_cannot_show():
    x = torch.ones(2, requires_grad=True)
    check_raises(RuntimeError, ["detach"], x.numpy)
    check_raises((TypeError, RuntimeError), ["bfloat16"], torch.ones(2, dtype=torch.bfloat16).numpy)
    check_raises((TypeError, ValueError), ["str"], lambda: torch.from_numpy(np.array(["a"])))
    check_raises(TypeError, ["list"], lambda: torch.from_numpy([1, 2]))


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "bfloat16"])
def test_dlpack_round_trip(dtype):
    t = torch.tensor([[0, 1, 2], [3, 4, 5]]).to(getattr(torch, dtype))
    a = np.from_dlpack(t)
    assert np.array_equal(a, t.numpy())
    back = torch.from_dlpack(t)
    assert back.data_ptr() == t.data_ptr() and torch.equal(back, t)
    if dtype != "bool":
        b = np.arange(6, dtype=dtype).reshape(2, 3)[:, ::2]
        assert np.array_equal(torch.from_dlpack(b).numpy(), b)


def test_dlpack_keeps_memory_alive():
    a = np.from_dlpack(torch.full((1000,), 5.0))
    for _ in range(50):
        torch.zeros(1000)
    assert (a == 5).all()


def test_dlpack_with_torch():
    peer = pytest.importorskip("torch")
    t = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float32)
    theirs = peer.from_dlpack(t)
    theirs[0, 0] = 9
    assert t[0, 0].item() == 9
    back = torch.from_dlpack(peer.ones((2, 3), dtype=peer.bfloat16))
    assert back.dtype == torch.bfloat16 and back.float().tolist() == [[1.0] * 3] * 2


def test_python_protocols():
    t = torch.tensor([3.0])
    assert float(t) == 3.0 and int(t) == 3 and bool(t) and t.item() == 3.0
    assert [10, 20, 30][torch.tensor(1)] == 20 and f"{t.item():.1f}" == "3.0" and f"{torch.tensor(2.5):.2f}" == "2.50"
    assert torch.tensor([[1, 2]]).tolist() == [[1, 2]] and torch.tensor(2).tolist() == 2
    for f in (bool, float, lambda x: x.item()):
        with pytest.raises((RuntimeError, ValueError)):
            f(torch.ones(2))
    with pytest.raises(TypeError):
        len(torch.tensor(1.0))
    with pytest.raises(TypeError):
        hash_free = {}
        hash_free[[t]] = 1
    assert {t: 1}[t] == 1 and 3.0 in torch.tensor([1.0, 3.0]) and 4.0 not in torch.tensor([1.0, 3.0])


def test_copies():
    t = torch.tensor([1.0, 2.0], requires_grad=True)
    c = t.clone()
    assert c.grad_fn is not None and c.data_ptr() != t.data_ptr()
    d = copy.deepcopy(t)
    assert d.requires_grad and d.is_leaf and d.data_ptr() != t.data_ptr() and d.tolist() == [1.0, 2.0]
    assert copy.copy(t).data_ptr() == t.data_ptr()


def test_to_and_casts():
    t = torch.ones(2)
    assert t.to(torch.float32) is t and t.float() is t and t.double().dtype == torch.float64
    assert t.to(torch.float32, copy=True) is not t and t.to("cpu") is t and t.cpu() is t
    assert t.type_as(torch.ones(1, dtype=torch.float64)).dtype == torch.float64
    assert t.to(torch.ones(1, dtype=torch.int64)).dtype == torch.int64
    assert [getattr(t, m)().dtype for m in ("long", "int", "bool", "bfloat16")] == [
        torch.int64, torch.int32, torch.bool, torch.bfloat16]  # fmt: skip
    assert str(t.device) == "cpu" and not t.is_cuda


def test_cast_gradient_returns_in_the_source_type():
    x = torch.ones(3, dtype=torch.bfloat16, requires_grad=True)
    (x.float() * 2).sum().backward()
    assert x.grad.dtype == torch.bfloat16 and x.grad.float().tolist() == [2.0] * 3


def test_dtype_objects():
    assert repr(torch.float32).endswith(".float32") and torch.float32 is torch.float and torch.int64 is torch.long
    assert torch.float32.is_floating_point and not torch.int64.is_floating_point
    assert torch.float64.itemsize == 8 and torch.bfloat16.itemsize == 2 and torch.bool.itemsize == 1
    assert torch.float32 != torch.float64 and len({torch.float32, torch.float64, torch.float32}) == 2
    assert copy.deepcopy(torch.float32) is torch.float32


def test_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.tensor(1.0).dtype == torch.float64 and torch.zeros(2).dtype == torch.float64
        assert (torch.tensor(1) / 2).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.get_default_dtype() == torch.float32


def test_many_dimensions():
    t = torch.ones((1, 2, 1, 2, 1, 2, 1, 2))
    assert t.squeeze().shape == (2, 2, 2, 2) and (t + t.transpose(1, 7)).sum().item() == 32.0


def test_nonzero_and_counting():
    a = np.array([[0, 1, 0], [2, 0, 3]])
    t = torch.tensor(a)
    assert torch.nonzero(t).tolist() == np.argwhere(a).tolist()
    assert [i.tolist() for i in torch.nonzero(t, as_tuple=True)] == [i.tolist() for i in a.nonzero()]
    assert torch.count_nonzero(t).item() == 3
    assert torch.bincount(torch.tensor([0, 2, 2, 5])).tolist() == [1, 0, 2, 0, 0, 1]
    assert torch.unique(torch.tensor([3, 1, 3, 2])).tolist() == [1, 2, 3]


def test_repeat_and_roll_and_flip(rng):
    a = rng.standard_normal((2, 3))
    t = torch.tensor(a)
    assert np.array_equal(t.repeat(2, 2).numpy(), np.tile(a, (2, 2)))
    assert np.array_equal(torch.repeat_interleave(t, 2, dim=1).numpy(), np.repeat(a, 2, 1))
    assert np.array_equal(torch.roll(t, 1, 1).numpy(), np.roll(a, 1, 1))
    assert np.array_equal(torch.flip(t, [0, 1]).numpy(), np.flip(a))
    assert np.array_equal(torch.tile(t, (2, 1)).numpy(), np.tile(a, (2, 1)))


def test_a_subclass_that_never_makes_its_tensor():
    """Without super().__init__ there are no elements, and nothing to trip over."""

    class Careless(torch.Tensor):
        def __init__(self, _):
            pass

    for x in (Careless([1.0, 2.0]), torch.Tensor.__new__(torch.Tensor), torch.Tensor.__new__(Careless)):
        assert x.shape == (0,) and x.sum().item() == 0 and (x + 1).shape == (0,) and "[]" in repr(x)
    x.resize_(3).fill_(2)
    assert x.tolist() == [2, 2, 2] and torch.Tensor.__new__(Careless).shape == (0,)


def test_numbers_at_the_limits_of_integer_types():
    for kind in (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64):
        info = torch.iinfo(kind)
        for v in (info.min, info.max):
            assert torch.tensor([v], dtype=kind).item() == v and torch.full((2,), v, dtype=kind).tolist() == [v, v]
        if info.min == 0:
            assert torch.tensor([-1], dtype=kind).item() == info.max  # as in PyTorch
