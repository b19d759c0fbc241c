"""Layers without a shape yet, Buffer and the uninitialized kinds, hooks of states, and PyTorch's module paths."""

import copy
import importlib
import pickle

import numpy as np
import pytest

import udlfast as torch
from udlfast import nn

LAZY = [("LazyLinear", (4,), (2, 3)), ("LazyConv1d", (4, 3), (2, 3, 5)), ("LazyConv2d", (4, 3), (2, 3, 5, 5)),
        ("LazyConv3d", (4, 3), (3, 5, 5, 5)), ("LazyConvTranspose1d", (4, 3), (2, 3, 5)), ("LazyConvTranspose2d", (4, 3), (3, 5, 5)),
        ("LazyConvTranspose3d", (4, 3), (2, 3, 5, 5, 5)), ("LazyBatchNorm1d", (), (4, 3)), ("LazyBatchNorm2d", (), (4, 3, 2, 2)),
        ("LazyBatchNorm3d", (), (4, 3, 2, 2, 2)), ("LazyInstanceNorm1d", (), (3, 5)), ("LazyInstanceNorm2d", (), (2, 3, 5, 5)),
        ("LazyInstanceNorm3d", (), (2, 3, 5, 5, 5))]  # fmt: skip


@pytest.mark.parametrize("name, args, shape", LAZY)
def test_becomes_the_plain_layer_at_the_first_call(name, args, shape):
    x = torch.randn(*shape)
    torch.manual_seed(1)
    lazy = getattr(nn, name)(*args)
    plain = getattr(nn, name[4:])
    assert lazy.has_uninitialized_params() and "Uninitialized" in repr(next(lazy.parameters()))
    with pytest.raises(RuntimeError, match="no shape yet"):
        next(lazy.parameters()).shape  # noqa: B018
    y = lazy(x)
    assert type(lazy) is plain and "_waiting" not in vars(lazy)
    options = {"affine": True, "track_running_stats": True} if "Norm" in name else {}
    torch.manual_seed(1)
    other = plain(3, *args, **options)
    assert repr(lazy) == repr(other) and list(lazy.state_dict()) == list(other.state_dict())
    for a, b in zip(lazy.parameters(), other.parameters(), strict=True):
        assert type(a) is nn.Parameter and (a == b).all(), "the initial law is that of the plain layer"
    y.sum().backward()
    assert all(p.grad is not None for p in lazy.parameters())


@pytest.mark.parametrize("name, args, shape", LAZY)
def test_state_of_a_seen_layer_gives_the_shape(name, args, shape):
    seen, fresh = (getattr(nn, name)(*args) for _ in range(2))
    seen(torch.randn(*shape))
    fresh.load_state_dict(seen.state_dict())
    assert not fresh.has_uninitialized_params() and type(fresh).__name__ == name
    x = torch.randn(*shape)
    assert (fresh.eval()(x) == seen.eval()(x)).all() and type(fresh) is type(seen)
    first, second = (getattr(nn, name)(*args) for _ in range(2))
    second.load_state_dict(first.state_dict())  # neither has seen a batch
    assert second.has_uninitialized_params()


def test_copies_of_a_waiting_layer():
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2)).double()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        y = other(torch.ones(2, 3, 5, 5, dtype=torch.float64))
        assert y.dtype == torch.float64 and type(other[0]) is nn.Conv2d and net[0].has_uninitialized_params()


def test_own_lazy_module():
    class Scale(nn.lazy.LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.UninitializedParameter()

        def initialize_parameters(self, x):
            self.weight.materialize(x.shape[-1:])
            nn.init.ones_(self.weight)

        def forward(self, x):
            return x * self.weight

    layer = Scale()
    assert layer(torch.ones(2, 3)).sum().item() == 6 and type(layer) is Scale and tuple(layer.weight.shape) == (3,)
    with pytest.raises(NotImplementedError, match="initialize_parameters"):
        type("Bare", (nn.lazy.LazyModuleMixin, nn.Module), {})()(torch.ones(1))


def test_buffer():
    net = nn.Module()
    net.kept, net.passing = nn.Buffer(torch.ones(2)), nn.Buffer(torch.ones(3), persistent=False)
    assert [n for n, _ in net.named_buffers()] == ["kept", "passing"] and list(net.state_dict()) == ["kept"]
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert list(other.state_dict()) == ["kept"] and other.kept is not net.kept and isinstance(other.kept, nn.Buffer)
    net.kept = torch.zeros(2)
    assert list(net.state_dict()["kept"].tolist()) == [0, 0]
    waiting = nn.UninitializedBuffer()
    waiting.materialize((4,))
    assert isinstance(waiting, nn.Buffer) and tuple(waiting.shape) == (4,)


def test_hooks_of_states():
    net, seen = nn.Sequential(nn.Linear(2, 2)), []
    handles = [
        net.register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append("before")),
        net.register_state_dict_post_hook(lambda module, state, prefix, meta: state.__setitem__("extra", 1)),
        net.register_load_state_dict_pre_hook(lambda module, state, *rest: state.pop("extra")),
        net.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear()),
        net._register_load_state_dict_pre_hook(lambda state, prefix, *rest: seen.append(prefix)),
    ]
    state = net.state_dict()
    assert list(state) == ["0.weight", "0.bias", "extra"] and seen == ["before"]
    del state["0.bias"]
    assert str(net.load_state_dict(state)) == "<All keys matched successfully>" and seen == ["before", ""]
    for handle in handles:
        handle.remove()
    assert list(net.state_dict()) == ["0.weight", "0.bias"]


def test_full_backward_pre_hook():
    layer = nn.Linear(2, 1, bias=False)
    layer.register_full_backward_pre_hook(lambda module, grads: (grads[0] * 3,))
    layer(torch.ones(1, 2)).sum().backward()
    assert layer.weight.grad.tolist() == [[3, 3]]


def test_sync_batch_norm_and_data_parallel():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    net(torch.randn(4, 1, 5, 5))
    state = {k: v.clone() for k, v in net.state_dict().items()}
    synced = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    assert type(synced[1]) is nn.SyncBatchNorm and all((synced.state_dict()[k] == v).all() for k, v in state.items())
    x = torch.randn(4, 1, 5, 5)
    assert (nn.DataParallel(synced.eval())(x) == synced(x)).all()


PATHS = """nn.modules.module.Module nn.modules.conv._ConvNd nn.modules.batchnorm._BatchNorm nn.modules.utils._pair nn.modules.loss._Loss
nn.modules.container.Sequential nn.modules.activation.MultiheadAttention nn.modules.linear.Linear nn.modules.pooling.MaxPool2d
nn.modules.dropout._DropoutNd nn.modules.instancenorm._InstanceNorm nn.modules.rnn.RNNBase nn.modules.transformer.Transformer
nn.modules.lazy.LazyModuleMixin nn.modules.padding.ReflectionPad3d nn.modules.sparse.EmbeddingBag nn.modules.upsampling.Upsample
nn.modules.adaptive.AdaptiveLogSoftmaxWithLoss nn.parameter.Parameter nn.parameter.UninitializedParameter nn.parallel.DataParallel
nn.common_types._size_2_t nn.grad.conv2d_input nn.utils.clip_grad.clip_grad_norm_ nn.utils.parametrize.register_parametrization
nn.utils.parametrizations.weight_norm nn.utils.stateless.functional_call nn.utils.fusion.fuse_conv_bn_eval nn.utils.init.skip_init
nn.utils.convert_parameters.parameters_to_vector nn.utils.rnn.pad_sequence nn.init.kaiming_normal_""".split()


@pytest.mark.parametrize("path", PATHS)
def test_paths_that_scripts_import_from(path):
    module, _, name = path.rpartition(".")
    assert getattr(importlib.import_module("udlfast." + module), name) is not None
    assert hasattr(pytest.importorskip("torch." + module), name)


def test_base_classes_of_the_paths_are_ours():
    assert isinstance(nn.Conv3d(1, 1, 1), nn.modules.conv._ConvNd) and isinstance(nn.BatchNorm3d(1), nn.modules.batchnorm._BatchNorm)
    assert isinstance(nn.MSELoss(), nn.modules.loss._Loss) and nn.modules.conv.Conv2d is nn.Conv2d is nn.modules.Conv2d


def test_every_class_of_torch_nn_is_there():
    peer = pytest.importorskip("torch")
    left_out = {"Container", "LinearCrossEntropyOptions"}  # deprecated; options for memory that is not saved here
    missing = {n for n in dir(peer.nn) if n[0].isupper() and not hasattr(nn, n)}
    assert missing <= left_out, missing - left_out
    theirs = peer.nn.functional
    functions = {n for n in dir(theirs) if n[0].islower() and callable(getattr(theirs, n))
                 and getattr(getattr(theirs, n), "__module__", "") in ("torch.nn.functional", "torch._C._nn", None)}  # fmt: skip
    assert not {n for n in functions if not hasattr(nn.functional, n)} - {
        "assert_int_or_pair", "boolean_dispatch", "grouped_mm", "scaled_grouped_mm", "scaled_mm", "native_channel_shuffle"
    }  # fmt: skip


def test_gradients_of_convolutions_as_functions():
    peer = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    for n in (1, 2, 3):
        x, w = rng.standard_normal((2, 4) + (5,) * n), rng.standard_normal((6, 2) + (3,) * n)
        size = (2, 6) + (3,) * n
        g = rng.standard_normal(size)
        for kind, other, shape in (("input", w, x.shape), ("weight", x, w.shape)):
            args = (shape, other, g) if kind == "input" else (other, shape, g)
            got, want = (
                getattr(lib.nn.grad, f"conv{n}d_{kind}")(
                    *(lib.tensor(a) if isinstance(a, np.ndarray) else a for a in args), stride=2, padding=1, groups=2
                )
                for lib in (torch, peer)
            )
            assert np.abs(got.numpy() - want.numpy()).max() < 1e-12
