"""grid_sample in every mode, for images and volumes: values and both gradients; affine_grid."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_raises, check_reference, gradcheck

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import grid_sample as ref

MODES = [(dims, mode, padding, align) for dims in (2, 3) for mode in ("bilinear", "nearest", "bicubic")
         for padding in ("zeros", "border", "reflection") for align in (False, True) if (dims, mode) != (3, "bicubic")]  # fmt: skip


def arrays_of(rng, dims, channels=3, places=(5, 7)):
    size = (4, 5, 6)[-dims:]
    places = places if dims == 2 else (2, *places)
    return rng.standard_normal((2, channels, *size)), rng.uniform(-2.3, 2.3, (2, *places, dims))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("dims, mode, padding, align", MODES)
def test_grid_sample(isa, rng, dims, mode, padding, align, dtype):
    x, grid = arrays_of(rng, dims)
    # a position of about 10 pixels is off by as many roundings, and so are weights and their slopes
    check_gradient(
        lambda x, g: F.grid_sample(x, g, mode, padding, align), lambda x, g: ref.grid_sample(x, g, mode, padding, align),
        lambda gy, x, g: ref.grid_sample_backward(gy, x, g, mode, padding, align), x, grid, rng=rng, dtype=dtype, k=64, n=16,
    )  # fmt: skip


@pytest.mark.parametrize("places", [(1, 1), (1, 63), (8, 8), (5, 13), (3, 43)], ids=str)
def test_blocks_of_places(isa, rng, places):
    x, grid = arrays_of(rng, 2, channels=11, places=places)
    check_gradient(F.grid_sample, ref.grid_sample, ref.grid_sample_backward, x, grid, rng=rng, k=64, n=65)


@pytest.mark.parametrize("layout", ["strided", "transposed", "offset"])
def test_layouts(rng, layout):
    check_gradient(F.grid_sample, ref.grid_sample, ref.grid_sample_backward, *arrays_of(rng, 2), rng=rng, layout=layout, k=64, n=16)


@pytest.mark.parametrize("dims, mode, padding, align", [m for m in MODES if m[1] != "nearest"])
def test_reference_and_tape_against_central_differences(rng, dims, mode, padding, align):
    x, grid = arrays_of(rng, dims, 2, (2, 2))
    options = (mode, padding, align)
    check_reference(lambda x, g: ref.grid_sample(x, g, *options), lambda gy, x, g: ref.grid_sample_backward(gy, x, g, *options),
                    x, grid, rng=rng)
    gradcheck(lambda x, g: F.grid_sample(x, g, *options), x, grid, rng=rng)


def test_what_lies_outside_adds_nothing(rng):
    x = np.full((1, 1, 2, 2), np.inf)
    y = F.grid_sample(torch.tensor(x), torch.tensor([[[[3.0, 3.0], [-1.0, np.nan]]]], dtype=torch.float64), align_corners=False)
    assert y.flatten().tolist()[0] == 0.0


def test_same_bits_for_any_width(rng, threads):
    x, grid = rng.standard_normal((3, 20, 9, 9)), rng.uniform(-1, 1, (3, 30, 30, 2))
    results = []
    for width in (1, 2):
        threads(width)
        a, b = (torch.tensor(v, dtype=torch.float32, requires_grad=True) for v in (x, grid))
        F.grid_sample(a, b).sum().backward()
        results.append((a.grad.numpy(), b.grad.numpy()))
    assert all((p == q).all() for p, q in zip(*results, strict=True))


@pytest.mark.parametrize("align", [False, True])
def test_affine_grid(rng, align):
    theta = rng.standard_normal((2, 2, 3))
    grid = F.affine_grid(torch.tensor(theta), (2, 3, 4, 5), align)
    ends = [1.0 if align else (n - 1) / n for n in (4, 5)]
    for p, q in np.ndindex(4, 5):
        y, x = (-e + 2 * e * i / (n - 1) for e, i, n in zip(ends, (p, q), (4, 5), strict=True))
        check_close(grid[:, p, q], theta @ np.array([x, y, 1.0]), "place", k=8)
    gradcheck(lambda t: F.affine_grid(t, (2, 3, 2, 2, 3), align), rng.standard_normal((2, 3, 4)), rng=rng)


def test_identity_gives_the_image_back(rng):
    x = torch.tensor(rng.standard_normal((2, 3, 5, 7)), dtype=torch.float32)
    identity = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]] * 2)
    for align in (False, True):
        y = F.grid_sample(x, F.affine_grid(identity, x.shape, align), align_corners=align)
        check_close(y, x.numpy(), "identity", k=32)


def test_bad_input():
    x, grid = torch.ones(1, 2, 3, 4), torch.zeros(1, 5, 5, 2)
    check_raises(RuntimeError, ["grid_sample", "[1, 5, 5, 3]"], F.grid_sample, x, torch.zeros(1, 5, 5, 3))
    check_raises(ValueError, ["grid_sample", "trilinear"], F.grid_sample, x, grid, "trilinear")
    check_raises(TypeError, ["grid_sample", "float64"], F.grid_sample, x, grid.double())
    check_raises(RuntimeError, ["bicubic", "4D"], F.grid_sample, torch.ones(1, 2, 3, 4, 5), torch.zeros(1, 5, 5, 5, 3), "bicubic")
    check_raises(RuntimeError, ["non-empty"], F.grid_sample, torch.ones(1, 2, 0, 4), grid)
    check_raises(RuntimeError, ["affine_grid", "[2, 2, 3]"], F.affine_grid, torch.ones(2, 2, 3), (1, 1, 4, 4))
