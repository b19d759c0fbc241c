"""What the tests of compile share."""

import numpy as np

import udlfast as torch


def same(a, b):
    """The same structure with the same bits."""
    if isinstance(a, torch.Tensor):
        assert isinstance(b, torch.Tensor) and a.dtype is b.dtype and a.shape == b.shape
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
