"""What libraries around PyTorch reach for: names they import, storages, classes that derive from Module or a distribution."""

import pathlib
import subprocess
import sys
from collections import namedtuple

import numpy as np
import pytest
from harness import check_raises, numbers

import udlfast as torch
from udlfast.errors import ArgumentError, DimError

D = torch.distributions


# ---- modules --------------------------------------------------------------------------------------------------------------------
def test_operations_as_class_attributes_stay_unbound():
    class Net(torch.nn.Module):
        act, join, run = torch.tanh, torch.conv2d, lambda self, x: self.act(x)

    x = torch.tensor([[[[0.5, -1.0]]]])
    assert np.allclose(numbers(Net().run(x)), np.tanh(numbers(x)))
    assert Net().join(x, weight=torch.full((1, 1, 1, 1), 2.0)).tolist() == [[[[1.0, -2.0]]]]


def test_a_getattr_of_its_own_sees_parameters():
    """As PyTorch's, where parameters are no plain attributes: classes write down what was read, or read something else."""
    read = []

    class Watched(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.inner, self.plain = torch.nn.Parameter(torch.ones(2)), torch.nn.Linear(2, 1), 3
            self.register_buffer("steps", torch.zeros(1))

        def __getattr__(self, name):
            read.append(name)
            found = super().__getattr__(name)
            return found * 2 if name == "weight" else found

        def forward(self, x):
            return self.inner(x * self.weight)

    class Derived(Watched):
        inside = property(lambda self: self.inner)

    for cls in (Watched, Derived):
        read.clear()
        net = cls()
        net(torch.ones(1, 2)).sum().backward()
        assert {"weight", "inner"} <= set(read) and net.plain == 3 and "plain" not in read
        assert net.weight.tolist() == [2, 2] and net.steps.item() == 0 and list(net.state_dict())[0] == "weight"
        assert np.allclose(numbers(dict(net.named_parameters())["weight"].grad), 2 * numbers(net.inner.weight)[0])
        with pytest.raises(AttributeError, match=f"'{cls.__name__}' object has no attribute 'missing'"):
            net.missing  # noqa: B018
    assert Derived().inside.weight.shape == (1, 2) and torch.nn.Linear(1, 1).bias.shape == (1,)

    class Around(torch.nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.module, name)

    assert Around(torch.nn.Linear(3, 1)).in_features == 3


def test_buffers_that_are_not_saved():
    norm = torch.nn.BatchNorm1d(2)
    norm.register_buffer("extra", torch.zeros(1), persistent=False)
    assert set(norm._non_persistent_buffers_set) == {"extra"} and "extra" not in norm.state_dict()
    norm._non_persistent_buffers_set.discard("extra")
    norm._non_persistent_buffers_set.add("running_mean")
    norm._non_persistent_buffers_set.add("weight")
    assert "extra" in norm.state_dict() and "running_mean" not in norm.state_dict() and "weight" in norm.state_dict()
    assert len(norm._non_persistent_buffers_set) == 1 and torch.nn.modules.module._EXTRA_STATE_KEY_SUFFIX == "_extra_state"


# ---- distributions --------------------------------------------------------------------------------------------------------------
def test_derived_distributions_expand():
    class Shifted(D.Normal):
        def __init__(self, loc, more):
            self.more = more
            super().__init__(loc, 1.0)

        def expand(self, batch_shape, _instance=None):
            new = self._get_checked_instance(Shifted, _instance)
            new.more = self.more.expand(*batch_shape, 3)
            return super().expand(batch_shape, _instance=new)

    wide = Shifted(torch.zeros(1), torch.ones(1, 3)).expand((4,))
    assert type(wide) is Shifted and wide.more.shape == (4, 3) and wide.loc.shape == (4,) and wide.batch_shape == (4,)

    class Mine(D.Weibull):
        pass

    assert type(Mine(1.0, 2.0).expand((2,))) is Mine and Mine(1.0, 2.0).expand((2,)).scale.shape == (2,)


def test_distributions_and_transforms_with_another_base():
    class Learned(D.transforms.Transform, torch.nn.Module):
        domain = codomain = D.constraints.real

        def __init__(self):
            super().__init__(cache_size=1)
            self.scale = torch.nn.Parameter(torch.tensor(3.0))

        def _call(self, x):
            return x * self.scale

    assert Learned()(torch.tensor(2.0)).item() == 6 and len(list(Learned().parameters())) == 1

    class Other:
        pass

    @D.register_kl(D.Exponential, Other)
    def _other(p, q):
        return torch.tensor(5.0)

    class Both(D.Exponential, Other):
        pass

    with pytest.raises(NotImplementedError):
        D.kl_divergence(D.Normal(0.0, 1.0), Other())
    assert D.kl_divergence(D.Exponential(1.0), Other()).item() == 5 and Both(1.0).rate.item() == 1
    check_raises(TypeError, ["classes of distributions"], D.register_kl, "Normal", D.Normal)


def test_a_cleared_cache_is_forgotten():
    t = D.transforms.AffineTransform(1.0, 2.0, cache_size=1)
    x = torch.tensor(3.0)
    assert t(x).item() == 7
    t.scale, t._cached_x_y = 5.0, (None, None)
    assert t(x).item() == 16


# ---- storages and arrays --------------------------------------------------------------------------------------------------------
def test_storages_of_files(tmp_path):
    file = tmp_path / "bytes"
    file.write_bytes(np.arange(6, dtype=np.float32).tobytes())
    s = torch.UntypedStorage.from_file(str(file), nbytes=24)
    assert s.nbytes() == len(s) == 24 and s[4:12].nbytes() == 8 and s[2] == np.float32(0).tobytes()[2] and len(s.untyped()) == 24
    x = torch.asarray(s[4:12], dtype=torch.uint8).view(torch.float32)
    assert x.tolist() == [1, 2]
    x[0] = 9.0
    assert torch.asarray(s).tolist() == [0, 9, 2, 3, 4, 5] and np.fromfile(file, np.float32)[1] == 1  # written to the map, not to the file
    shared = torch.UntypedStorage.from_file(str(tmp_path / "new"), shared=True, nbytes=8)
    torch.asarray(shared).fill_(2.0)
    assert np.fromfile(tmp_path / "new", np.float32).tolist() == [2, 2]
    assert torch.UntypedStorage.from_file(str(file)).nbytes() == 0
    check_raises(ArgumentError, ["24 bytes, not 25"], torch.UntypedStorage.from_file, str(file), nbytes=25)
    assert torch.tensor([1.0, 2.0]).storage()[1] == 2 and torch.tensor([1.0, 2.0]).storage()[:1] == [1]


def test_safetensors_library(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    script = tmp_path / "script.py"
    script.write_text("""
import torch
from safetensors.torch import load_file, load_model, save_file, save_model
from safetensors import safe_open
tensors = {"a": torch.arange(6.0).reshape(2, 3),
           "b": torch.tensor([1, 2]), "c": torch.ones(2, dtype=torch.bfloat16), "d": torch.zeros(0, 3)}
save_file(tensors, "x.safetensors")
found = load_file("x.safetensors")
assert all(torch.equal(found[k], v) and found[k].dtype is v.dtype for k, v in tensors.items())
with safe_open("x.safetensors", "pt") as f:
    assert f.get_slice("a")[:, 1:].tolist() == [[1, 2], [4, 5]]
a, b = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
save_model(a, "m.safetensors")
load_model(b, "m.safetensors")
assert torch.equal(a.weight, b.weight)
print(torch.float32, torch.zeros(2, 3).shape, torch.strided, torch.float8_e5m2, torch.__name__, torch.optim.__dict__["LBFGS"].__name__)
""")
    run = pathlib.Path(__file__).resolve().parent.parent / "scripts" / "as_torch.py"
    done = subprocess.run([sys.executable, run, script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout == "torch.float32 torch.Size([2, 3]) torch.strided torch.float8_e5m2 torch LBFGS\n", done.stderr


def test_asarray():
    a, x = np.array([1.0, 2.0]), torch.ones(2, requires_grad=True)
    t = torch.asarray(a)
    t[0] = 5.0
    assert a[0] == 5 and torch.asarray(a, copy=True).dtype is torch.float64 and torch.asarray(x) is x
    torch.asarray(a, copy=True).fill_(0.0)
    assert a[0] == 5 and torch.asarray([1.0], requires_grad=True).requires_grad and torch.asarray(x * 2).grad_fn is not None
    assert torch.asarray(b"abcd", dtype=torch.int16, copy=True).tolist() == [25185, 25699] and torch.asarray(3).item() == 3
    for obj, dtype in (([1, 2], None), (a, torch.float32), (torch.ones(2), torch.float64)):
        check_raises(ValueError, ["cannot share", str(dtype or torch.int64)], torch.asarray, obj, dtype=dtype, copy=False)
    assert torch.asarray(a, copy=False).tolist() == [5, 2]


# ---- names ----------------------------------------------------------------------------------------------------------------------
def test_means_of_segments_start_from_a_number():
    """PyTorch adds it once and divides by the number of elements; a segment of none is the number itself."""
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]], requires_grad=True)
    y = torch.segment_reduce(x, "mean", lengths=torch.tensor([2, 0, 1]), initial=2.0)
    assert y.tolist() == [[3, 4], [2, 2], [7, 11]]
    y.sum().backward()
    assert x.grad.tolist() == [[0.5, 0.5], [0.5, 0.5], [1, 1]]
    assert torch._segment_reduce(x, "sum", offsets=torch.tensor([0, 2, 3])).tolist() == [[4, 6], [5, 9]]


def test_rows_and_pointers():
    rows, columns = torch.tensor([0, 0, 2, 3]), torch.tensor([1, 2, 0, 1])
    starts = torch._convert_indices_from_coo_to_csr(rows, 5)
    assert starts.tolist() == [0, 2, 2, 3, 4, 4] and starts.dtype is torch.int64
    assert torch._convert_indices_from_csr_to_coo(starts, columns).tolist() == [rows.tolist(), columns.tolist()]
    turned = torch._convert_indices_from_csr_to_coo(starts, columns, transpose=True, out_int32=True)
    assert turned.tolist() == [columns.tolist(), rows.tolist()] and turned.dtype is torch.int32


def test_conjugate_transposes_of_real_matrices():
    x = torch.arange(6.0).reshape(1, 2, 3)
    assert torch.equal(x.mH, x.mT) and torch.equal(x[0].H, x[0].t()) and torch.tensor(1.0).H.item() == 1
    check_raises(DimError, ["H: expected a matrix", "3 dimensions"], lambda: x.H)


def test_operations_are_counted():
    from udlfast.utils.flop_counter import FlopCounterMode

    net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(512, 4))
    x = torch.randn(2, 3, 8, 8)
    with FlopCounterMode(display=False) as counter:
        net(x)
    assert counter.get_flop_counts() == {"Global": {"conv2d": 2 * 2 * 64 * 8 * 27, "matmul": 2 * 2 * 512 * 4}}
    assert counter.get_total_flops() == 2 * 2 * 64 * 8 * 27 + 2 * 2 * 512 * 4 and "conv2d" in counter.get_table()


def test_trees_have_node_types():
    tree = torch.utils._pytree
    Pair = namedtuple("Pair", "a b")
    assert tree._get_node_type(Pair(1, 2)) is namedtuple and tree._get_node_type([1]) is list
    assert tree.SUPPORTED_NODES[namedtuple].flatten_fn(Pair(1, 2)) == ([1, 2], Pair)
    leaves, spec = tree.tree_flatten({"x": Pair(1, [2])})
    assert tree.tree_unflatten([5, 6], spec) == {"x": Pair(5, [6])} and leaves == [1, 2] and spec.children_specs[0].type is namedtuple
    other = namedtuple("Other", "a b")
    check_raises(ValueError, ["Other", "namedtuple"], tree.tree_map, lambda x, y: x, Pair(1, 2), other(1, 2))


def test_types_as_torchscript_asks_for_them():
    ask = torch.jit.isinstance
    assert ask([1, 2], list[int]) and not ask([1, "a"], list[int]) and ask({"a": 1}, dict[str, int]) and not ask({1: 1}, dict[str, int])
    assert ask((1, "a"), tuple[int, str]) and not ask((1,), tuple[int, str]) and ask(None, int | None) and ask(3, (str, int))
    assert not ask("a", int) and torch.jit.Attribute(3, int).value == 3 and issubclass(torch.jit.Error, RuntimeError)


def test_names_that_are_imported():
    from udlfast.fx.experimental.proxy_tensor import get_proxy_mode
    from udlfast.utils.data._utils.collate import default_collate

    import udlfast._tensor_str as shown
    import udlfast.utils.data.dataloader as loaders

    assert torch.torch is torch and torch.functional.einsum is torch.einsum and loaders.DataLoader is torch.utils.data.DataLoader
    assert default_collate([1, 2]).tolist() == [1, 2] and get_proxy_mode() is None and not torch.onnx.is_in_onnx_export()
    with shown.printoptions(precision=1):
        assert shown._tensor_str(torch.tensor([1.26]), 0) == "[1.3]" and shown.PRINT_OPTS.precision == 1
    assert shown._tensor_str(torch.tensor([1.26]), 0) == "[1.2600]" and shown._tensor_str(torch.zeros(0), 0) == "[]"
    add = torch.ops.aten.add.Tensor
    assert add is torch.ops.aten.add.Tensor and {add: 1}[add] == 1 and repr(add) == "<aten.add.Tensor>"
    check_raises(ArgumentError, ["torch.ops.aten.add.Tensor", "function of torch"], add, 1, 2)
    check_raises(AssertionError, ["no"], torch._assert, False, "no")
    check_raises(RuntimeError, ["zero"], torch._assert_async, torch.tensor(0.0))
    check_raises(RuntimeError, ["why"], torch._check, False, lambda: "why")
    torch._assert_async(torch.tensor(True), "fine")
    assert torch._C._nn._parse_to("cpu", torch.float64)[1] is torch.float64 and torch._C._get_default_device() == "cpu"
    x = torch.ones(2)
    assert [p.tolist() for p in x.split(split_size=1)] == [[1], [1]] and isinstance(torch.cuda._initialized, bool)
    assert x._cdata == x._cdata and x._cdata != x.clone()._cdata and not isinstance(3, torch.SymInt)
