"""Modules: names, reprs, state, modes, hooks, initial laws, and each layer against the operation it wraps."""

import math
from pathlib import Path

import numpy as np
import pytest
from harness import check_close, check_raises, numbers

import udlfast as torch
import udlfast.nn.functional as F
from udlfast import nn


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.ReLU(),
            nn.AvgPool2d(2, stride=2),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(400, 120), nn.Dropout(0.1), nn.Linear(120, 10, bias=False))

    def forward(self, x):
        return self.head(self.features(x))


def test_state_dict_keys_and_shapes():
    shapes = {k: tuple(v.shape) for k, v in LeNet().state_dict().items()}
    assert list(shapes.items()) == [
        ("features.0.weight", (6, 1, 5, 5)),
        ("features.0.bias", (6,)),
        ("features.3.weight", (16, 6, 5, 5)),
        ("features.3.bias", (16,)),
        ("features.4.weight", (16,)),
        ("features.4.bias", (16,)),
        ("features.4.running_mean", (16,)),
        ("features.4.running_var", (16,)),
        ("features.4.num_batches_tracked", ()),
        ("head.1.weight", (120, 400)),
        ("head.1.bias", (120,)),
        ("head.3.weight", (10, 120)),
    ]
    assert [k for k, _ in LeNet().named_parameters()] == [k for k in shapes if "running" not in k and "num_" not in k]
    assert [k for k, _ in LeNet().named_buffers()] == [k for k in shapes if "running" in k or "num_" in k]


def test_repr_of_a_network():
    assert repr(LeNet()) == """LeNet(
  (features): Sequential(
    (0): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))
    (1): ReLU()
    (2): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    (3): Conv2d(6, 16, kernel_size=(5, 5), stride=(1, 1))
    (4): BatchNorm2d(16, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    (5): ReLU()
    (6): AvgPool2d(kernel_size=2, stride=2, padding=0)
  )
  (head): Sequential(
    (0): Flatten(start_dim=1, end_dim=-1)
    (1): Linear(in_features=400, out_features=120, bias=True)
    (2): Dropout(p=0.1, inplace=False)
    (3): Linear(in_features=120, out_features=10, bias=False)
  )
)"""


REPRS = [
    ("nn.Identity()", "Identity()"),
    ("nn.Conv1d(2, 4, 3, stride=2, padding=1, dilation=2, groups=2, bias=False)",
     "Conv1d(2, 4, kernel_size=(3,), stride=(2,), padding=(1,), dilation=(2,), groups=2, bias=False)"),
    ("nn.Conv2d(2, 4, 3, padding='same', padding_mode='reflect')",
     "Conv2d(2, 4, kernel_size=(3, 3), stride=(1, 1), padding=same, padding_mode=reflect)"),
    ("nn.ConvTranspose2d(2, 4, 3, stride=2, output_padding=1)",
     "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), output_padding=(1, 1))"),
    ("nn.Embedding(5, 3, padding_idx=0)", "Embedding(5, 3, padding_idx=0)"),
    ("nn.LayerNorm(5)", "LayerNorm((5,), eps=1e-05, elementwise_affine=True, bias=True)"),
    ("nn.GroupNorm(2, 4)", "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)"),
    ("nn.BatchNorm1d(3, affine=False)", "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=True)"),
    ("nn.AdaptiveAvgPool2d((1, None))", "AdaptiveAvgPool2d(output_size=(1, None))"),
    ("nn.LeakyReLU(0.2)", "LeakyReLU(negative_slope=0.2)"),
    ("nn.GELU(approximate='tanh')", "GELU(approximate='tanh')"),
    ("nn.ReLU(inplace=True)", "ReLU(inplace=True)"),
    ("nn.ELU()", "ELU(alpha=1.0)"),
    ("nn.Softplus()", "Softplus(beta=1.0, threshold=20.0)"),
    ("nn.Hardtanh()", "Hardtanh(min_val=-1.0, max_val=1.0)"),
    ("nn.Softmax(dim=1)", "Softmax(dim=1)"),
    ("nn.LogSoftmax(dim=-1)", "LogSoftmax(dim=-1)"),
    ("nn.CrossEntropyLoss()", "CrossEntropyLoss()"),
    ("nn.MSELoss()", "MSELoss()"),
    ("nn.HuberLoss()", "HuberLoss()"),
    ("nn.BCEWithLogitsLoss()", "BCEWithLogitsLoss()"),
    ("nn.Flatten()", "Flatten(start_dim=1, end_dim=-1)"),
    ("nn.Unflatten(1, (2, 3))", "Unflatten(dim=1, unflattened_size=(2, 3))"),
    ("nn.ZeroPad2d(1)", "ZeroPad2d((1, 1, 1, 1))"),
    ("nn.ModuleList([nn.ReLU(), nn.ReLU()])", "ModuleList(\n  (0-1): 2 x ReLU()\n)"),
    ("nn.ModuleDict({'a': nn.Tanh()})", "ModuleDict(\n  (a): Tanh()\n)"),
    ("nn.Sequential()", "Sequential()"),
    ("nn.Upsample(scale_factor=2)", "Upsample(scale_factor=2.0, mode='nearest')"),
    ("nn.PReLU()", "PReLU(num_parameters=1)"),
    ("nn.Dropout2d(0.3)", "Dropout2d(p=0.3, inplace=False)"),
]  # fmt: skip


@pytest.mark.parametrize("typed, shown", REPRS, ids=[r[0] for r in REPRS])
def test_repr(typed, shown):
    assert repr(eval(typed)) == shown


def test_load_state_dict_round_trip(rng):
    a, b = LeNet(), LeNet()
    x = torch.tensor(rng.standard_normal((4, 1, 28, 28)), dtype=torch.float32)
    a.train()(x)  # moves the running statistics
    assert str(b.load_state_dict(a.state_dict())) == "<All keys matched successfully>"
    assert torch.equal(a.eval()(x), b.eval()(x))
    for k, v in b.state_dict().items():
        assert v.data_ptr() != a.state_dict()[k].data_ptr() and torch.equal(v, a.state_dict()[k])


def test_load_state_dict_names_what_is_wrong():
    state = dict(LeNet().state_dict())
    del state["features.0.bias"]
    state["head.9.weight"] = torch.ones(2)
    check_raises(RuntimeError, ["missing", "features.0.bias", "unexpected", "head.9.weight"], LeNet().load_state_dict, state)
    result = LeNet().load_state_dict(state, strict=False)
    assert result.missing_keys == ["features.0.bias"] and result.unexpected_keys == ["head.9.weight"]
    wrong = dict(LeNet().state_dict(), **{"head.1.weight": torch.ones((3, 4))})
    check_raises(RuntimeError, ["head.1.weight", "size mismatch", "3, 4", "120, 400"], LeNet().load_state_dict, wrong)


def test_a_failed_load_changes_nothing():
    net = LeNet()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    state = {k: v * 0 + 7 for k, v in net.state_dict().items()}
    del state["head.3.weight"]
    with pytest.raises(RuntimeError):
        net.load_state_dict(state)
    same = [torch.equal(v, before[k]) for k, v in net.state_dict().items()]
    assert all(same) or not any(same[:-1]), "half of the weights loaded"


def test_training_and_evaluation_reach_every_module():
    net = LeNet()
    assert all(m.training for m in net.modules())
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert all(m.training for m in net.train().modules())


def test_modules_and_children():
    net = LeNet()
    assert [n for n, _ in net.named_children()] == ["features", "head"]
    assert [n for n, _ in net.named_modules()][:3] == ["", "features", "features.0"]
    assert net.get_submodule("head.1") is net.head[1] and net.get_parameter("head.1.weight") is net.head[1].weight
    assert len(net.head) == 4 and net.head[-1].out_features == 10 and [type(m).__name__ for m in net.head[1:3]] == ["Linear", "Dropout"]
    assert sum(p.numel() for p in net.parameters()) == 6 * 26 + 16 * 151 + 32 + 401 * 120 + 1200


def test_assignment_registers_and_replaces():
    m = nn.Module()
    m.w = nn.Parameter(torch.ones(2))
    m.register_buffer("b", torch.zeros(2))
    m.register_buffer("hidden", torch.zeros(2), persistent=False)
    m.plain = torch.ones(2)
    assert list(m.state_dict()) == ["w", "b"] and m.w.requires_grad and not m.b.requires_grad
    m.w = nn.Parameter(torch.zeros(3))
    assert m.state_dict()["w"].shape == (3,)
    m.w = None
    assert list(m.state_dict()) == ["b"]
    del m.b
    assert list(m.state_dict()) == []
    check_raises(TypeError, ["w"], lambda: setattr(m, "w", torch.ones(2)))
    check_raises(AttributeError, ["nothing"], lambda: m.nothing)


def test_forgotten_init_is_named():
    class Broken(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

    check_raises(AttributeError, ["__init__"], Broken)


def test_shared_parameters_are_listed_once():
    m = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    m[1].weight = m[0].weight
    assert len(list(m.parameters())) == 3
    m(torch.ones((1, 3))).sum().backward()
    assert m[0].weight.grad is m[1].weight.grad


def test_hooks():
    layer, seen = nn.Linear(2, 2), []
    first = layer.register_forward_pre_hook(lambda m, args: (args[0] * 2,))
    second = layer.register_forward_hook(lambda m, args, out: seen.append(args[0].tolist()) or out + 100)
    y = layer(torch.ones((1, 2)))
    assert seen == [[[2.0, 2.0]]] and (y > 50).all()
    first.remove(), second.remove()
    check_close(layer(torch.ones((1, 2))), numbers(F.linear(torch.ones((1, 2)), layer.weight, layer.bias)), "removed")


def test_full_backward_hook():
    layer, seen = nn.Linear(3, 2), []
    handle = layer.register_full_backward_hook(lambda m, gi, go: seen.append((tuple(gi[0].shape), go[0].tolist())))
    layer(torch.ones((1, 3), requires_grad=True)).sum().backward()
    assert seen == [((1, 3), [[1.0, 1.0]])]
    handle.remove()


def test_apply_zero_grad_and_requires_grad():
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
    net.apply(lambda m: nn.init.constant_(m.weight, 0.5) if isinstance(m, nn.Linear) else None)
    assert set(numbers(net[0].weight).ravel()) == {0.5}
    net(torch.ones((1, 2))).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not net(torch.ones((1, 2))).requires_grad


def test_to_another_type():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).double()
    assert net[0].weight.dtype == torch.float64 and net[1].running_mean.dtype == torch.float64
    assert net[1].num_batches_tracked.dtype == torch.int64
    assert net.to(torch.float32)[0].weight.dtype == torch.float32 and isinstance(net[0].weight, nn.Parameter)


def test_wrong_input_names_the_layer():
    net = LeNet()
    check_raises((RuntimeError, ValueError), ["conv2d", "1", "3", "features.0"], net, torch.ones((2, 3, 28, 28)))
    check_raises((RuntimeError, ValueError), ["400", "576", "head.1"], net, torch.ones((2, 1, 32, 32)))


# layer, input shape, the same computed by hand from its parameters
LAYERS = [
    ("nn.Linear(5, 3)", (4, 5), lambda m, x: F.linear(x, m.weight, m.bias)),
    ("nn.Conv1d(3, 4, 3, padding=1)", (2, 3, 9), lambda m, x: F.conv1d(x, m.weight, m.bias, padding=1)),
    ("nn.Conv2d(3, 4, 3, stride=2)", (2, 3, 9, 8), lambda m, x: F.conv2d(x, m.weight, m.bias, stride=2)),
    ("nn.LayerNorm(7)", (2, 7), lambda m, x: F.layer_norm(x, (7,), m.weight, m.bias)),
    ("nn.GroupNorm(2, 4)", (2, 4, 5), lambda m, x: F.group_norm(x, 2, m.weight, m.bias)),
    ("nn.BatchNorm2d(3)", (2, 3, 4, 4), lambda m, x: F.batch_norm(x, None, None, m.weight, m.bias, training=True)),
    ("nn.MaxPool2d(2)", (2, 3, 4, 6), lambda m, x: F.max_pool2d(x, 2)),
    ("nn.AvgPool2d(2)", (2, 3, 4, 6), lambda m, x: F.avg_pool2d(x, 2)),
    ("nn.AdaptiveAvgPool2d(1)", (2, 3, 4, 6), lambda m, x: x.mean(dim=(2, 3), keepdim=True)),
    ("nn.Softmax(dim=1)", (2, 5), lambda m, x: F.softmax(x, dim=1)),
    ("nn.GELU()", (2, 5), lambda m, x: F.gelu(x)),
    ("nn.SiLU()", (2, 5), lambda m, x: x * torch.sigmoid(x)),
    ("nn.Tanh()", (2, 5), lambda m, x: torch.tanh(x)),
    ("nn.Sigmoid()", (2, 5), lambda m, x: torch.sigmoid(x)),
    ("nn.Flatten()", (2, 3, 4), lambda m, x: x.reshape(2, 12)),
    ("nn.Unflatten(1, (2, 3))", (4, 6), lambda m, x: x.reshape(4, 2, 3)),
    ("nn.ZeroPad2d((1, 2, 0, 1))", (1, 2, 3, 3), lambda m, x: F.pad(x, (1, 2, 0, 1))),
    ("nn.PReLU(3)", (2, 3, 4), lambda m, x: F.prelu(x, m.weight)),
    ("nn.Identity()", (2, 3), lambda m, x: x),
]


@pytest.mark.parametrize("layer, shape, by_hand", LAYERS, ids=[layer[0] for layer in LAYERS])
def test_layer_is_its_operation(rng, layer, shape, by_hand):
    m = eval(layer)
    x = torch.tensor(rng.standard_normal(shape), dtype=torch.float32)
    check_close(m(x), numbers(by_hand(m, x)), layer, k=4)


def test_padding_mode_of_convolution(rng):
    x = torch.tensor(rng.standard_normal((1, 2, 6, 6)), dtype=torch.float32)
    m = nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect")
    check_close(m(x), numbers(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), m.weight, m.bias)), "reflect", k=4)


def test_batch_norm_layer_state(rng):
    m = nn.BatchNorm1d(3, momentum=0.5)
    x = torch.tensor(rng.standard_normal((8, 3)), dtype=torch.float32)
    m(x), m(x)
    assert m.num_batches_tracked.item() == 2
    check_close(m.running_mean, 0.75 * numbers(x).mean(0), "running_mean", k=8)
    before = m.running_mean.clone()
    m.eval()(x)
    assert torch.equal(m.running_mean, before)
    average = nn.BatchNorm1d(3, momentum=None)
    average(x), average(x * 3)
    check_close(average.running_mean, 2 * numbers(x).mean(0), "cumulative", k=16)


def test_initial_laws():
    """Linear and Conv: uniform in +-1/sqrt(fan_in), weight and bias, as PyTorch's defaults."""
    for m, fan_in in ((nn.Linear(64, 300), 64), (nn.Conv2d(16, 64, 3), 144), (nn.Conv1d(20, 64, 5), 100)):
        bound = 1 / math.sqrt(fan_in)
        w, b = numbers(m.weight), numbers(m.bias)
        assert np.abs(w).max() <= bound and np.abs(b).max() <= bound
        assert abs(w.std() / (bound / math.sqrt(3)) - 1) < 0.05 and np.abs(w).max() > 0.99 * bound
    assert abs(numbers(nn.Embedding(500, 40).weight).std() - 1) < 0.05
    assert numbers(nn.BatchNorm2d(3).weight).tolist() == [1.0] * 3 and not numbers(nn.LayerNorm(3).bias).any()


# initialiser, its standard deviation for a [200, 100] matrix
INITS = [
    ("xavier_uniform_", {}, math.sqrt(2 / 300)),
    ("xavier_normal_", {"gain": 2.0}, 2 * math.sqrt(2 / 300)),
    ("kaiming_uniform_", {"nonlinearity": "relu"}, math.sqrt(2 / 100)),
    ("kaiming_normal_", {"nonlinearity": "relu", "mode": "fan_out"}, math.sqrt(2 / 200)),
    ("kaiming_normal_", {"a": 1.0}, math.sqrt(1 / 100)),
    ("normal_", {"std": 0.3}, 0.3),
    ("uniform_", {"a": -1.0, "b": 1.0}, 1 / math.sqrt(3)),
]


@pytest.mark.parametrize("name, options, deviation", INITS)
def test_initialisers(name, options, deviation):
    w = torch.empty((200, 100))
    assert getattr(nn.init, name)(w, **options) is w
    assert abs(numbers(w).std() / deviation - 1) < 0.03 and abs(numbers(w).mean()) < 0.05 * deviation


def test_orthogonal_and_constant_initialisers():
    w = nn.init.orthogonal_(torch.empty((20, 50)))
    check_close(w @ w.t(), np.eye(20), "orthogonal", k=64)
    assert numbers(nn.init.eye_(torch.empty((2, 3)))).tolist() == [[1, 0, 0], [0, 1, 0]]
    w = nn.init.trunc_normal_(torch.empty(10_000), std=1.0, a=-1.0, b=2.0)
    assert -1 <= numbers(w).min() and numbers(w).max() <= 2


def test_clip_grad_norm(rng):
    ps = [nn.Parameter(torch.zeros((3, 4))), nn.Parameter(torch.zeros(5)), nn.Parameter(torch.zeros(2))]
    gs = [rng.standard_normal((3, 4)), rng.standard_normal(5)]
    for p, g in zip(ps, gs):
        p.grad = torch.tensor(g, dtype=torch.float32)
    total = nn.utils.clip_grad_norm_(ps, 1.0)
    norm = math.sqrt(sum((g**2).sum() for g in gs))
    assert abs(total.item() - norm) < 1e-5 * norm
    check_close(ps[0].grad, gs[0] / norm, "clipped", k=16)
    nn.utils.clip_grad_norm_(ps, 1e6)
    check_close(ps[0].grad, gs[0] / norm, "left alone", k=16)
    nn.utils.clip_grad_value_(ps, 0.1)
    assert all(np.abs(numbers(p.grad)).max() <= np.float32(0.1) for p in ps[:2])


def test_parameters_to_vector():
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    v = nn.utils.parameters_to_vector(net.parameters())
    assert v.shape == (13,)
    nn.utils.vector_to_parameters(v * 0 + 2, net.parameters())
    assert set(numbers(net[1].weight).ravel()) == {2.0}


def test_losses_wrap_their_operations(rng):
    x, t = torch.tensor(rng.standard_normal((4, 3))), torch.tensor(rng.uniform(0, 1, (4, 3)))
    for layer, op in ((nn.MSELoss, F.mse_loss), (nn.L1Loss, F.l1_loss), (nn.BCEWithLogitsLoss, F.binary_cross_entropy_with_logits),
                      (nn.SmoothL1Loss, F.smooth_l1_loss), (nn.HuberLoss, F.huber_loss)):  # fmt: skip
        for reduction in ("mean", "sum", "none"):
            assert torch.equal(layer(reduction=reduction)(x, t), op(x, t, reduction=reduction))
    y = torch.tensor([0, 2, 1, -100])
    assert torch.equal(nn.CrossEntropyLoss(label_smoothing=0.1)(x, y), F.cross_entropy(x, y, label_smoothing=0.1))


def test_containers():
    m = nn.ModuleList([nn.Linear(2, 2)])
    m.append(nn.Linear(2, 3)), m.extend([nn.Linear(3, 1)]), m.insert(0, nn.Tanh())
    assert len(m) == 4 and [n for n, _ in m.named_parameters()] == [f"{i}.{k}" for i in (1, 2, 3) for k in ("weight", "bias")]
    d = nn.ModuleDict({"a": nn.ReLU()})
    d["b"] = nn.Tanh()
    assert list(d) == ["a", "b"] and "a" in d and d.pop("a") and len(d) == 1
    p = nn.ParameterList([torch.ones(2), torch.zeros(3)])
    assert [tuple(q.shape) for q in p] == [(2,), (3,)] and all(isinstance(q, nn.Parameter) for q in p)
    s = nn.Sequential(nn.Linear(2, 2))
    s.append(nn.ReLU())
    assert len(s) == 2 and s(torch.ones((1, 2))).shape == (1, 2)


def test_gradients_reach_every_parameter(rng):
    net = LeNet()
    loss = F.cross_entropy(net(torch.tensor(rng.standard_normal((4, 1, 28, 28)), dtype=torch.float32)), torch.tensor([0, 1, 2, 3]))
    loss.backward()
    for name, p in net.named_parameters():
        assert p.grad is not None and numbers(p.grad).any(), name


def test_copy_and_pickle(tmp_path):
    import copy

    net = LeNet()
    twin = copy.deepcopy(net)
    assert all(torch.equal(a, b) and a.data_ptr() != b.data_ptr() for a, b in zip(net.parameters(), twin.parameters()))
    assert all(isinstance(p, nn.Parameter) for p in twin.parameters())


def test_a_module_whose_hooks_are_gone_is_as_before():
    net = nn.Linear(2, 2)
    first, second = net.register_forward_hook(lambda *a: None), net.register_forward_pre_hook(lambda *a: second.remove())
    net(torch.zeros(1, 2))  # one removes itself while it is called
    assert net._hooks is not None
    first.remove()
    first.remove()
    assert net._hooks is None
    with net.register_forward_hook(lambda m, i, o: o + 1) as _:
        pass
    assert net._hooks is None


def test_type_checkers_see_that_a_parameter_is_a_tensor():
    stub = Path(nn.__file__).with_suffix(".pyi").read_text()
    assert "class Parameter(udlfast._core.Tensor):" in stub and "class Buffer(udlfast._core.Tensor):" in stub


def test_parameter_dict_has_a_dicts_methods_and_pytorchs_order():
    made = nn.ParameterDict({"b": torch.ones(1), "a": torch.zeros(1), "n": 5})
    assert list(made) == ["a", "b", "n"] == list(reversed(list(reversed(made))))  # of a plain dict: by name
    assert [name for name, _ in made.named_parameters()] == ["a", "b"]
    assert list(nn.ParameterDict([("b", torch.ones(1)), ("a", torch.ones(1))])) == ["b", "a"]
    assert made.setdefault("a", 3) is made["a"] and made.setdefault("m", 3) == 3 and made.popitem() == ("m", 3)
    other = made | {"c": torch.ones(2)}
    assert list(other) == ["a", "b", "n", "c"] and other["a"] is made["a"] and "c" not in made
    assert list({"z": 1} | made) == ["z", "a", "b", "n"]
    made |= {"d": 1}
    assert list(made.copy()) == ["a", "b", "n", "d"] and list(made.fromkeys(["u", "v"], 1).values()) == [1, 1]
    made.clear()
    assert len(made) == 0
    with pytest.raises(KeyError):
        made.popitem()


def test_sequential_insert_out_of_range():
    with pytest.raises(IndexError):
        nn.Sequential(nn.ReLU()).insert(2, nn.Tanh())
