"""What tests/test_module_db.py compares: PyTorch's own database of modules, each sample run by both libraries.

A sample is constructor arguments, forward arguments and a mode. Both modules get the same parameters; outputs, gradients of
inputs and parameters, buffers, names, reprs and the ways of copying a module are compared. `python tests/module_db.py [REGEX]`
prints a report of all samples.
"""

import copy
import functools
import pickle
import sys
import types
import unittest
import warnings

import numpy as np

import udlfast

EPS = 2.0**-23


def load():
    """(torch, module_db). PyTorch's test package asks for expecttest when imported; nothing of it is used here."""
    import torch

    if "expecttest" not in sys.modules:
        try:
            import expecttest as expecttest
        except ImportError:
            stub = types.ModuleType("expecttest")
            stub.TestCase, stub.assert_expected_inline = unittest.TestCase, None
            sys.modules["expecttest"] = stub
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_modules import module_db
    return torch, module_db


# Roundings allowed where 64 are too few, with the reason.
ROUNDINGS = {"nn.CTCLoss": 1024}  # sums of logarithms as large as the loss, about 16 here: each is off by as many roundings

# Modules that PyTorch's database lacks: arguments and inputs, T is PyTorch; r(*shape) draws a leaf of normal numbers.
EXTRA = [
    ("Identity", "()", "r(2, 3)"),
    ("Flatten", "()", "r(2, 3, 4)"),
    ("Unflatten", "(1, (3, 4))", "r(2, 12)"),
    ("Hardsigmoid", "()", "r(2, 3)"),
    ("RReLU", "(0.1, 0.4)", "r(2, 3)", "eval"),
    ("Dropout", "(0.3)", "r(2, 3)", "eval"),
    ("Dropout", "(0.3, inplace=True)", "r(2, 3)", "eval"),
    ("Dropout1d", "(0.3)", "r(2, 3, 4)", "eval"),
    ("Dropout2d", "(0.3)", "r(2, 3, 4, 4)", "eval"),
    ("Dropout3d", "(0.3)", "r(2, 3, 4, 4, 2)", "eval"),
    ("AlphaDropout", "(0.3)", "r(2, 3)", "eval"),
    ("FeatureAlphaDropout", "(0.3)", "r(2, 3, 4)", "eval"),
    ("PixelShuffle", "(2)", "r(2, 8, 3, 4)"),
    ("PixelUnshuffle", "(2)", "r(2, 3, 4, 6)"),
    ("ChannelShuffle", "(2)", "r(2, 6, 3, 4)"),
    ("Unfold", "(2, dilation=2, padding=1, stride=2)", "r(2, 3, 6, 7)"),
    ("Fold", "((4, 5), (2, 2))", "r(2, 12, 12)"),
    ("Upsample", "(scale_factor=2)", "r(2, 3, 4, 4)"),
    ("Upsample", "((5, 7), mode='bilinear', align_corners=True)", "r(2, 3, 4, 4)"),
    ("Upsample", "(scale_factor=2, mode='trilinear')", "r(2, 3, 4, 4, 3)"),
    ("UpsamplingNearest2d", "(scale_factor=2)", "r(2, 3, 4, 4)"),
    ("UpsamplingBilinear2d", "(size=(6, 5))", "r(2, 3, 4, 4)"),
    ("CosineSimilarity", "(dim=1)", "r(2, 3, 4), r(2, 3, 4)"),
    ("PairwiseDistance", "(p=3.0, keepdim=True)", "r(2, 3), r(2, 3)"),
    ("CrossMapLRN2d", "(3)", "r(2, 5, 4, 4)"),
    ("CrossMapLRN2d", "(4, alpha=0.5)", "r(2, 2, 4, 4)"),
    ("SyncBatchNorm", "(3)", "r(2, 3, 4, 4)", "eval"),
    ("LazyBatchNorm1d", "()", "r(4, 3)"),
    ("LazyBatchNorm2d", "(momentum=0.3)", "r(4, 3, 2, 2)"),
    ("LazyBatchNorm3d", "(affine=False)", "r(4, 3, 2, 2, 2)"),
    ("LazyInstanceNorm1d", "(affine=True)", "r(4, 3, 5)"),
    ("LazyInstanceNorm2d", "()", "r(4, 3, 5, 2)"),
    ("LazyInstanceNorm3d", "(track_running_stats=True)", "r(4, 3, 5, 2, 2)"),
    ("LazyLinear", "(4)", "r(2, 3)"),
    ("LazyLinear", "(4, bias=False)", "r(2, 3)"),
    ("MaxUnpool1d", "(2)", "r(2, 3, 4), T.tensor([1, 2, 4, 7]).repeat(2, 3, 1)"),
    ("MaxUnpool2d", "(2, stride=2)", "r(1, 1, 2, 2), T.tensor([[[[5, 2], [8, 15]]]])"),
    ("MaxUnpool3d", "((1, 2, 1))", "r(1, 1, 2, 1, 2), T.tensor([[[[[0, 3]], [[4, 7]]]]])"),
    ("EmbeddingBag", "(10, 3)", "T.tensor([1, 2, 4, 5, 4, 3, 2, 9]), T.tensor([0, 4])"),
    ("EmbeddingBag", "(10, 3, mode='sum', padding_idx=2)", "T.tensor([[1, 2, 4], [2, 2, 2]])"),
    ("EmbeddingBag", "(10, 3, mode='max')", "T.tensor([1, 2, 4, 5, 4, 3, 2, 9]), T.tensor([0, 0, 3])"),
    ("EmbeddingBag", "(10, 3, mode='max', padding_idx=4)", "T.tensor([[1, 2, 4], [4, 4, 4]])"),
    ("EmbeddingBag", "(10, 3, mode='sum', include_last_offset=True)", "T.tensor([1, 2, 4, 5]), T.tensor([0, 1, 4]), r(4)"),
    ("EmbeddingBag", "(10, 3, max_norm=1.0, scale_grad_by_freq=True)", "T.tensor([[1, 2, 1], [1, 2, 4]])"),
    ("AdaptiveLogSoftmaxWithLoss", "(16, 20, [5, 10, 15], div_value=2.0)", "r(6, 16), T.tensor([0, 19, 7, 4, 11, 5])"),
    ("AdaptiveLogSoftmaxWithLoss", "(16, 20, [5], head_bias=True)", "r(16), T.tensor(9)"),
    ("TripletMarginLoss", "(swap=True)", "r(4, 3), r(4, 3), r(4, 3)"),
    ("TripletMarginWithDistanceLoss", "(margin=0.5, reduction='none')", "r(4, 3), r(4, 3), r(4, 3)"),
    ("NLLLoss2d", "()", "r(2, 3, 4, 4), T.ones(2, 4, 4, dtype=T.long)"),
    ("RNNCell", "(3, 4, nonlinearity='relu')", "r(2, 3)"),
    ("ParameterList", "([T.ones(2), T.zeros(3)])", None),
    ("ParameterDict", "({'a': T.ones(2)})", None),
]


class Skip(Exception):
    """A sample that is about something udlfast leaves out."""


def ours_of(torch, value, made):
    """A PyTorch value as udlfast's: tensors (the same tensor once), types, functions, modules by name."""
    again = functools.partial(ours_of, torch, made=made)
    if isinstance(value, torch.Tensor):
        if id(value) not in made:
            if value.is_sparse or value.is_complex() or value.is_nested:
                raise Skip("sparse, complex or nested tensor")
            t = udlfast.from_numpy(value.detach().cpu().numpy().copy())
            made[id(value)] = (t.requires_grad_() if value.requires_grad else t, value)
        return made[id(value)][0]
    if isinstance(value, torch.dtype):
        return getattr(udlfast, str(value).rpartition(".")[2])
    if isinstance(value, (list, tuple)):
        return type(value)(map(again, value)) if type(value) in (list, tuple) else tuple(map(again, value))
    if isinstance(value, dict):
        return {k: again(v) for k, v in value.items()}
    if isinstance(value, torch.nn.TransformerEncoderLayer):
        return layer_of(torch, value)
    if isinstance(value, torch.nn.Module):
        raise Skip("a module as an argument")
    if callable(value) and getattr(value, "__module__", "").startswith("torch"):
        return getattr(udlfast.nn.functional, value.__name__)
    return value


def layer_of(torch, layer):
    """udlfast's TransformerEncoderLayer with the arguments of PyTorch's."""
    return udlfast.nn.TransformerEncoderLayer(
        layer.self_attn.embed_dim, layer.self_attn.num_heads, layer.linear1.out_features, layer.dropout.p,
        ours_of(torch, layer.activation, {}), layer.norm1.eps, layer.self_attn.batch_first, layer.norm_first,
        layer.linear1.bias is not None,
    )  # fmt: skip


def fresh(torch, value, made):
    """The value with every tensor copied (the same one once) and made a leaf."""
    if isinstance(value, torch.Tensor):
        if id(value) not in made:
            made[id(value)] = (value.detach().clone().requires_grad_(value.requires_grad), value)
        return made[id(value)][0]
    if type(value) in (list, tuple):
        return type(value)(fresh(torch, v, made) for v in value)
    return {k: fresh(torch, v, made) for k, v in value.items()} if isinstance(value, dict) else value


def floats(torch, value):
    """The float tensors inside a value of either library, in order."""
    if isinstance(value, (list, tuple)):
        for v in value:
            yield from floats(torch, v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from floats(torch, v)
    elif isinstance(value, (torch.Tensor, udlfast.Tensor)):
        yield value


def close(what, got, want, k, scale=0.0):
    """Both tensors hold the same numbers, to k roundings of the largest (or of scale); NaN and infinity in the same places."""
    kind, expected = (str(t.dtype).rpartition(".")[2] for t in (got, want))
    assert kind == expected, f"{what}: {kind}, torch has {expected}"
    assert tuple(got.shape) == tuple(want.shape), f"{what}: shape {tuple(got.shape)}, torch has {tuple(want.shape)}"
    got, want = got.detach().numpy(), want.detach().numpy()
    if got.dtype.kind != "f":
        assert (got == want).all(), f"{what}: differs"
        return
    fine = np.isfinite(want)
    assert (np.isfinite(got) == fine).all() and (np.isnan(got) == np.isnan(want)).all(), f"{what}: other NaN or infinity"
    with np.errstate(invalid="ignore"):
        off = np.where(fine, np.abs(got.astype(float) - want), 0)
    scale = np.abs(want[fine]).max(initial=scale)
    assert (off <= k * EPS * (scale + np.where(fine, np.abs(want), 0)) + 1e-30).all(), (
        f"{what}: off by {off.max():.3g} of {scale:.3g}, {off.max() / (EPS * scale + 1e-30):.1f} roundings"
    )


def without_device(kwargs):
    return {k: v for k, v in kwargs.items() if k != "device"}


def copy_state(theirs, ours):
    """Names and shapes of parameters and buffers are the same, in order; then ours get their values."""
    for kind in ("named_parameters", "named_buffers"):
        want = [(n, tuple(t.shape)) for n, t in getattr(theirs, kind)()]
        got = [(n, tuple(t.shape)) for n, t in getattr(ours, kind)()]
        assert got == want, f"{kind}: {got}, torch has {want}"
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state), f"state_dict: {list(ours.state_dict())}, torch has {list(state)}"
    assert str(ours.load_state_dict({k: udlfast.from_numpy(v.numpy().copy()) for k, v in state.items()}))[:4] == "<All"


def is_lazy(module):
    return "Lazy" in type(module).__name__


def run_sample(torch, info, sample, training):
    """One sample in both libraries; AssertionError (or whatever ours raises) where they differ."""
    made, k = {}, ROUNDINGS.get(info.name, 64)
    construct, forward = sample.constructor_input, sample.forward_input
    if "_random_samples" in construct.kwargs:  # the database gives float64 numbers, for its own gradient checks
        construct.kwargs["_random_samples"] = construct.kwargs["_random_samples"].float()
    cls = getattr(udlfast.nn, info.module_cls.__name__)
    torch.manual_seed(0)
    theirs = info.module_cls(*construct.args, **without_device(construct.kwargs)).train(training)
    ours = cls(*ours_of(torch, construct.args, made), **ours_of(torch, without_device(construct.kwargs), made)).train(training)
    if forward is None:
        return
    copies = {}
    their_args, their_kwargs = fresh(torch, list(forward.args), copies), fresh(torch, forward.kwargs, copies)
    our_args, our_kwargs = [ours_of(torch, v, made) for v in (their_args, their_kwargs)]
    if is_lazy(theirs):
        assert repr(ours) == repr(theirs), f"repr before the first call: {ours!r}, torch has {theirs!r}"
        theirs(*their_args, **their_kwargs), ours(*our_args, **our_kwargs)
    assert repr(ours) == repr(theirs), f"repr: {ours!r}, torch has {theirs!r}"
    assert type(ours).__name__ == type(theirs).__name__
    copy_state(theirs, ours)
    want = list(floats(torch, theirs(*their_args, **their_kwargs)))
    got = list(floats(torch, ours(*our_args, **our_kwargs)))
    assert len(got) == len(want), f"{len(got)} outputs, torch has {len(want)}"
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        close(f"output {i}", g, w, k)
        assert g.requires_grad == w.requires_grad, f"output {i}: requires_grad {g.requires_grad}, torch has {w.requires_grad}"
    compare_gradients(torch, theirs, ours, (their_args, their_kwargs), (our_args, our_kwargs), want, got, k)
    compare_copies(ours, our_args, our_kwargs)


def compare_gradients(torch, theirs, ours, their_inputs, our_inputs, want, got, k):
    rng = np.random.default_rng(0)
    ups = [rng.standard_normal(tuple(w.shape)).astype(np.float32) for w in want]
    kept = [i for i, w in enumerate(want) if w.requires_grad]
    if not kept:
        return
    leaves = list(dict.fromkeys(t for t in floats(torch, their_inputs) if t.requires_grad and t.is_leaf))
    our_leaves = list(dict.fromkeys(t for t in floats(torch, our_inputs) if t.requires_grad))
    for t in leaves:
        t.grad = None
    torch.autograd.backward([want[i] for i in kept], [torch.from_numpy(ups[i]).to(want[i].dtype) for i in kept])
    udlfast.autograd.backward([got[i] for i in kept], [udlfast.from_numpy(ups[i]).to(got[i].dtype) for i in kept])
    names = dict(theirs.named_parameters())
    pairs = [(f"gradient of input {i}", a, b) for i, (a, b) in enumerate(zip(our_leaves, leaves, strict=True))]
    pairs += [(f"gradient of {n}", p, names[n]) for n, p in ours.named_parameters()]
    # where the sums behind a gradient cancel, the size of its terms is that of the other gradients of the sample
    sizes = [b.grad.abs().max().item() for _, _, b in pairs if b.grad is not None and b.grad.numel()]
    scale = max((s for s in sizes if np.isfinite(s)), default=0.0)
    for what, a, b in pairs:
        assert (a.grad is None) == (b.grad is None), f"{what}: {a.grad is not None}, torch has {b.grad is not None}"
        if b.grad is not None:
            close(what, a.grad, b.grad, k, scale)
    for (n, a), (_, b) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        close(f"buffer {n} after forward", a, b, k)


def compare_copies(ours, args, kwargs):
    """A deepcopy, a pickle and a fresh module with the state_dict give the same state and text."""
    state = ours.state_dict()
    for what, other in (("deepcopy", copy.deepcopy(ours)), ("pickle", pickle.loads(pickle.dumps(ours)))):
        assert repr(other) == repr(ours) and list(other.state_dict()) == list(state), what
        assert all((a.numpy() == b.numpy()).all() or (a != a).any() for a, b in zip(other.state_dict().values(), state.values())), what
        assert not state or all(a is not b for a, b in zip(other.parameters(), ours.parameters(), strict=True)), what


def extra_samples(torch, name, training):
    """The samples of EXTRA of one module, in the database's form."""
    rng = torch.Generator().manual_seed(0)
    scope = {"T": torch, "r": lambda *shape: torch.randn(*shape, generator=rng).requires_grad_()}
    for entry in EXTRA:
        if "nn." + entry[0] == name and not (training and entry[3:]):
            form = lambda *args, **kwargs: types.SimpleNamespace(args=args, kwargs=kwargs)  # noqa: E731
            inputs = None if entry[2] is None else eval(f"form({entry[2]})", scope | {"form": form})
            yield types.SimpleNamespace(constructor_input=eval("form" + entry[1], scope | {"form": form}), forward_input=inputs,
                                        desc=entry[1])  # fmt: skip


def samples_of(torch, info, training):
    if info.module_inputs_func is None:
        return list(extra_samples(torch, info.name, training))
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=True, training=training))


def entries(torch, module_db):
    """The database's entries and those of EXTRA."""
    more = [types.SimpleNamespace(name="nn." + n, module_cls=getattr(torch.nn, n), module_inputs_func=None)
            for n in dict.fromkeys(e[0] for e in EXTRA)]  # fmt: skip
    return [*module_db, *more]


def report(pattern="", every=1):
    """Runs all samples whose module matches; prints a line a module and returns {name: (passed, run, first problem)}."""
    import re

    torch, module_db = load()
    out = {}
    for info in entries(torch, module_db):
        if not re.search(pattern, info.name):
            continue
        problems, n = {}, 0
        for training in (True, False):
            for sample in samples_of(torch, info, training)[::every]:
                n += 1
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        run_sample(torch, info, sample, training)
                except Exception as e:
                    text = f"{type(e).__name__}: {e}".replace("\n", " ")[:300]
                    problems.setdefault(text, []).append((sample.desc, training))
        bad = sum(map(len, problems.values()))
        out[info.name] = (n - bad, n, problems)
        print(f"{info.name:32} {n - bad:4} of {n:4}", flush=True)
        for text, where in list(problems.items())[:4]:
            print(f"      {len(where)} x {text} [{where[0]}]", flush=True)
    whole = sum(a == b for a, b, _ in out.values())
    print(f"{whole} of {len(out)} modules pass all their samples; {sum(a for a, *_ in out.values())} of "
          f"{sum(b for _, b, _ in out.values())} samples pass")  # fmt: skip
    return out


if __name__ == "__main__":
    report(*sys.argv[1:2], *map(int, sys.argv[2:3]))
