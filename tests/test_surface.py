"""Ordinary scripts (tests/surface) say the same under PyTorch and under `import udlfast as torch`."""

import inspect

import pytest
from surface import around, compare, forms, gradients, layers, modules, numbers, tensors, tools, training

import udlfast

PARTS = (around, forms, training, gradients, modules, layers, tensors, numbers, tools)
SCRIPTS = [f for part in PARTS for n, f in inspect.getmembers(part, inspect.isfunction) if f.__module__ == part.__name__ and n[0] != "_"]
NEEDS = {"tensorboard": ("tensorboard", "tensorboardX")}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda f: f.__name__)
def test_a_script_says_the_same(script):
    torch = pytest.importorskip("torch")
    for package in NEEDS.get(script.__name__, ()):
        pytest.importorskip(package)
    ours, theirs = compare.run(udlfast, script), compare.run(torch, script)
    assert theirs, "the script says something"
    found = compare.differences(ours, theirs)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("ours, theirs", [
    (1.0, 1.1), ([1], [1, 2]), ("a", "b"), (1, 1.0), (True, 1), ({"a": 1}, {"b": 1}), ({"a": 1}, {"a": 2}), (None, 0),
    (compare.Raised(ValueError()), 1), (1, compare.Raised(ValueError())), (compare.Raised(KeyError()), compare.Raised(ValueError())),
])  # fmt: skip
def test_differences_are_seen(ours, theirs):
    assert compare.differences([ours], [theirs]) and not compare.differences([theirs], [theirs])
