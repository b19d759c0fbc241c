"""Tensors that take another geometry, type or memory; results that go into tensors given by the caller; old constructors."""

import numpy as np
import pytest
from harness import check_raises

import udlfast as torch


def test_views_in_place_turn_the_tensor_itself_and_its_history():
    x = torch.arange(6.0).reshape(2, 3)
    assert x.t_() is x and x.shape == (3, 2) and x.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert x.unsqueeze_(0).shape == (1, 3, 2) and x.squeeze_(0).shape == (3, 2) and x.transpose_(0, 1).shape == (2, 3)
    w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = w * 2
    y.unsqueeze_(0)
    y.mul_(torch.tensor([[1.0], [10.0]])[:1])
    (y * torch.tensor([[1.0], [5.0]])).sum().backward()
    assert w.grad.tolist() == [12.0] * 3
    check_raises(RuntimeError, ["leaf"], w.unsqueeze_, 0)


def test_bytes_as_another_type():
    x = torch.tensor([1.0, -2.0])
    assert x.view(torch.int32).tolist() == np.array([1, -2], np.float32).view(np.int32).tolist()
    assert x.view(torch.uint8).shape == (8,) and torch.zeros(2, 4).view(torch.float64).shape == (2, 2)
    x.view(torch.int32)[0] = 0
    assert x.tolist() == [0.0, -2.0]
    check_raises(RuntimeError, ["view"], torch.zeros(3).view, torch.float64)
    check_raises(RuntimeError, ["view"], torch.zeros(4, 2).t().view, torch.float64)
    check_raises(RuntimeError, ["requires"], torch.ones(2, requires_grad=True).view, torch.int32)


def test_resize_and_set():
    x = torch.arange(4.0)
    assert x.resize_(2, 3).shape == (2, 3) and x.reshape(-1)[:4].tolist() == [0, 1, 2, 3]
    assert x.resize_((2,)).tolist() == [0, 1]
    y = torch.empty(0)
    y.set_(x)
    y[0] = 7
    assert x.tolist() == [7, 1]
    check_raises(RuntimeError, ["gradient"], torch.ones(2, requires_grad=True).resize_, 3)


def test_storage_tells_address_and_size():
    x = torch.zeros(3, 4)
    assert x.untyped_storage().nbytes() == 48 and x.storage().size() == 12
    assert x[1:].untyped_storage().data_ptr() == x.data_ptr() and x[1:].untyped_storage() == x.untyped_storage()
    assert x.clone().untyped_storage() != x.untyped_storage()


INTO = [lambda out: torch.add(torch.ones(3), 1, out=out), lambda out: torch.cat([torch.ones(1)] * 3, out=out).mul_(2),
        lambda out: torch.sum(torch.ones(2, 3), 0, out=out), lambda out: torch.full((3,), 2.0, out=out)]  # fmt: skip


@pytest.mark.parametrize("f", INTO)
def test_out_takes_the_shape_of_the_result(f):
    for out in (torch.zeros(3), torch.empty(0), torch.zeros(2, 2)):
        assert f(out).tolist() == [2.0] * 3 and out.shape == (3,)
    check_raises(RuntimeError, ["int64"], f, torch.zeros(3, dtype=torch.int64))
    check_raises(RuntimeError, ["out"], f, 3)


def test_out_refuses_to_record():
    x = torch.ones(2, requires_grad=True)
    check_raises(RuntimeError, ["out", "gradients"], lambda: torch.mul(x, 2, out=torch.zeros(2)))
    with torch.no_grad():
        assert torch.mul(x, 2, out=torch.zeros(2)).tolist() == [2.0, 2.0]


def test_sizes_by_name():
    x = torch.zeros(size=(2, 3))
    assert x.shape == (2, 3) and torch.rand(size=(4,)).shape == (4,)
    assert x.reshape(shape=(3, 2)).shape == x.view(size=(3, 2)).shape == x.permute(dims=(1, 0)).shape == (3, 2)
    assert x.flip(dims=(0,)).shape == (2, 3) and x.expand(size=(4, 2, 3)).shape == (4, 2, 3)
    check_raises(TypeError, ["foo"], lambda: torch.zeros(2, foo=1))
    check_raises(TypeError, ["foo"], lambda: x.reshape(foo=(6,)))


def test_old_constructors():
    assert torch.Tensor(2, 3).shape == (2, 3) and torch.Tensor([1, 2]).dtype == torch.float32
    assert torch.LongTensor([1, 2]).dtype == torch.int64 and torch.FloatTensor(torch.Size([2, 1])).shape == (2, 1)
    assert isinstance(torch.ones(1), torch.FloatTensor) and not isinstance(torch.ones(1), torch.LongTensor)
    check_raises(TypeError, ["int64"], torch.LongTensor, torch.ones(1))
    assert torch.ones(1).type().endswith("FloatTensor")


def test_hooks_after_accumulation():
    seen = []
    w = torch.ones(2, requires_grad=True)
    handle = w.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))
    (w * 3).sum().backward()
    (w * 3).sum().backward()
    handle.remove()
    (w * 3).sum().backward()
    assert seen == [[3.0, 3.0], [6.0, 6.0]]
    check_raises(RuntimeError, ["leaf"], (w * 1).register_post_accumulate_grad_hook, print)


def test_methods_are_on_the_class_before_their_files_are_loaded():
    assert torch.Tensor.cumsum_(torch.tensor([1.0, 2.0]), 0).tolist() == [1.0, 3.0]
    assert "exponential_" in dir(torch.Tensor) and not hasattr(torch.Tensor, "no_such_method")


def test_in_place_activations_have_their_gradients():
    F = torch.nn.functional
    for f in (F.silu, F.mish, F.hardswish, F.selu, F.celu, F.relu6, F.leaky_relu, F.elu, F.relu, F.hardtanh):
        grads = []
        for inplace in (False, True):
            w = torch.tensor([-2.0, -0.5, 0.3, 4.0], requires_grad=True)
            f(w * 1, inplace=inplace).sum().backward()
            grads.append(w.grad.tolist())
        assert grads[0] == grads[1], f


def test_extremes_and_scatter_share_gradients():
    x = torch.tensor([0.0, 2.0, 3.0], requires_grad=True)
    s = torch.tensor([4.0, 0.0, 5.0], requires_grad=True)
    index = torch.tensor([0, 0, 1])
    x.scatter_reduce(0, index, s, "prod").sum().backward()  # [0 * 4 * 0, 2 * 5, 3]
    assert x.grad.tolist() == [0.0, 5.0, 1.0] and s.grad.tolist() == [0.0, 0.0, 2.0]
    x, s = (torch.tensor(v, requires_grad=True) for v in ([3.0, 1.0], [3.0, 0.0]))
    x.scatter_reduce(0, torch.tensor([0, 0]), s, "amax").sum().backward()
    assert x.grad.tolist() == [0.5, 1.0] and s.grad.tolist() == [0.5, 0.0]
