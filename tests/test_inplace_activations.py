"""Rectifiers that write over their input: the values and gradients of those that do not, and no copy on the tape."""

import numpy as np
import pytest
from harness import numbers

import udlfast as torch
from udlfast.nn import functional as F

IN_PLACE = {"relu": (), "relu6": (), "hardtanh": (-1.0, 0.7)}


@pytest.mark.parametrize("where", ["whole", "view", "no tape"])
@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_has_the_values_and_the_gradient_of_out_of_place(isa, rng, name, where):
    function, options = getattr(F, name), IN_PLACE[name]
    start = (3 * rng.standard_normal((4, 5, 33))).astype(np.float32)
    weight = torch.from_numpy(rng.standard_normal((4, 5, 33)).astype(np.float32))
    results = []
    for inplace in (False, True):
        x = torch.from_numpy(start.copy()).requires_grad_(where != "no tape")
        y = x * 1.5
        part = y[1:3] if where == "view" else y
        z = function(part, *options, inplace=inplace)
        if inplace:
            assert z.data_ptr() == part.data_ptr() and np.array_equal(numbers(z), numbers(part))
        z = z * weight[1:3] if where == "view" else z * weight
        if where != "no tape":
            z.sum().backward()
        results.append((numbers(z), where == "no tape" or numbers(x.grad)))
    assert np.array_equal(results[0][0], results[1][0]) and np.allclose(results[0][1], results[1][1], rtol=1e-6, atol=1e-6)


def test_in_place_on_the_tape_keeps_no_copy():
    x = torch.ones(1 << 20, requires_grad=True) * 2.0
    before = torch.memory_stats()["in_use"]
    y = F.relu(x, inplace=True)
    assert y is x and torch.memory_stats()["in_use"] == before
    with pytest.raises(torch.errors.ArgumentError, match="modified in place"):
        y.mul_(y.detach())
        y.sum().backward()
    leaf = torch.ones(3, requires_grad=True)
    with pytest.raises(torch.errors.ArgumentError, match="leaf"):
        F.relu(leaf, inplace=True)
