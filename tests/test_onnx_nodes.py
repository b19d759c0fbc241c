"""ONNX's own tests: the cases of every operator, PyTorch's models converted, and the light models; data come with the onnx package."""

import glob
import os
import re
import warnings

import numpy as np
import pytest

import udlfast as torch

onnx = pytest.importorskip("onnx")
from onnx import numpy_helper  # noqa: E402
from onnx.backend.test.loader import load_model_tests  # noqa: E402

from udlfast.onnx._types import to_array  # noqa: E402

DATA = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")
# strings, trees, optimisers, images, Fourier transforms of audio, and previews: no part of what onnx.load is for
NOT_THERE = set("""ai.onnx.ml.ArrayFeatureExtractor ai.onnx.ml.Binarizer ai.onnx.ml.LabelEncoder ai.onnx.ml.TreeEnsemble
    ai.onnx.preview.FlexAttention ai.onnx.preview.training.Adagrad ai.onnx.preview.training.Adam ai.onnx.preview.training.Gradient
    ai.onnx.preview.training.Momentum DFT ImageDecoder MelWeightMatrix RegexFullMatch STFT StringNormalizer StringSplit
    TfIdfVectorizer""".split())
# another generator's numbers: shapes and types are compared
RANDOM = re.compile("bernoulli|training_dropout(_default)?(_mask)?$")


def same(got, want, rtol, atol, values=True):
    """Shapes, types and numbers, also inside lists."""
    if isinstance(want, list):
        assert isinstance(got, list) and len(got) == len(want)
        for g, w in zip(got, want):
            same(g, w, rtol, atol, values)
        return
    if want is None:
        assert got is None
        return
    got, want = to_array(got), np.asarray(want)
    assert got.shape == want.shape and got.dtype == want.dtype, (got.shape, want.shape, got.dtype, want.dtype)
    if not values:
        return
    if want.dtype == object:
        assert (got == want).all()
        return
    # float16 and bfloat16: two roundings of the last place, as the onnx package allows for bfloat16
    rtol = max(rtol, {"float16": 2.0**-9, "bfloat16": 2.0**-6}.get(want.dtype.name, 0))
    kind = np.float64 if want.dtype.kind not in "iub" else want.dtype
    np.testing.assert_allclose(got.astype(kind), want.astype(kind), rtol=rtol, atol=atol)


def run(proto, inputs, wanted, rtol, atol, values=True):
    net = torch.onnx.load(proto)
    with torch.inference_mode():
        results = net(*inputs)
    results = (results,) if len(net.output_names) == 1 else results
    assert len(results) == len(wanted)
    for got, want in zip(results, wanted):
        same(got, want, rtol, atol, values)


def needs(proto, known):
    """Operators of a model, graphs inside included, that are neither in `known` nor functions of the model."""
    functions = {f.name for f in proto.functions}
    found, todo = set(), [*proto.graph.node]
    while todo:
        node = todo.pop()
        domain = node.domain.replace("ai.onnx", "", 1) if node.domain == "ai.onnx" else node.domain
        name = f"{domain}.{node.op_type}" if domain else node.op_type
        if name not in known and node.op_type not in functions:
            schema = None if domain else onnx.defs.get_schema(node.op_type)
            if schema is None or not schema.has_function:
                found.add(name)
        for a in node.attribute:
            todo += a.g.node
    return found


def array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


@pytest.fixture(scope="module")
def cases():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cases divide by zero on purpose
        return load_model_tests(kind="node")


@pytest.mark.parametrize("first", ["a[a-m]", "a[n-z]", "[b-c]", "[d-f]", "[g-k]", "l", "[m-n]", "[o-q]", "r", "s[a-h]", "s[i-z]",
                                   "[t-z]"])  # fmt: skip
def test_nodes(cases, first):
    """The cases of the operators whose names begin so; every one runs whose operators are there."""
    known, failed, ran, missing = set(torch.onnx.operators()), [], 0, set()
    for case in cases:
        if not re.match("test_" + first, case.name):
            continue
        lacking = needs(case.model, known)
        missing |= lacking
        if lacking:
            with pytest.raises(torch.errors.ArgumentError, match="does not have"):
                torch.onnx.load(case.model)
            continue
        ran += 1
        try:
            for inputs, wanted in case.data_sets:
                run(case.model, map(array, inputs), [*map(array, wanted)], case.rtol, case.atol, not RANDOM.search(case.name))
        except Exception as error:  # noqa: B902
            failed.append(f"{case.name}: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
    assert not failed, "\n".join(failed)
    assert ran > 20 and missing <= NOT_THERE


def test_every_operator_has_a_case(cases):
    """Nothing is claimed that ONNX's tests do not try, but for those named here, which test_onnx.py tries."""
    tried = {node.op_type for case in cases for node in case.model.graph.node}
    assert set(torch.onnx.operators()) - tried <= {
        "ConcatFromSequence", "GlobalLpPool", "Multinomial", "Optional", "RandomNormal", "RandomNormalLike", "RandomUniform", "SequenceAt",
        "SequenceConstruct", "SequenceErase",
    }  # fmt: skip


def stored(path, kind):
    """A value in a file of the kind that the graph declares."""
    with open(path, "rb") as f:
        data = f.read()
    proto = onnx.SequenceProto() if kind.HasField("sequence_type") else onnx.TensorProto()
    proto.ParseFromString(data)
    return numpy_helper.to_list(proto) if kind.HasField("sequence_type") else numpy_helper.to_array(proto)


@pytest.mark.parametrize("kind", ["simple", "pytorch-converted", "pytorch-operator"])
def test_models(kind):
    known, failed, ran = set(torch.onnx.operators()), [], 0
    for folder in sorted(glob.glob(os.path.join(DATA, kind, "test_*"))):
        proto = onnx.load(os.path.join(folder, "model.onnx"))
        if needs(proto, known):
            assert needs(proto, known) <= NOT_THERE
            continue
        for data in glob.glob(os.path.join(folder, "test_data_set*")):
            values = {}
            for what, declared in (("input", proto.graph.input), ("output", proto.graph.output)):
                count = len(glob.glob(os.path.join(data, what + "_*.pb")))
                values[what] = [stored(os.path.join(data, f"{what}_{i}.pb"), declared[i].type) for i in range(count)]
            try:
                run(os.path.join(folder, "model.onnx"), values["input"], values["output"], 1e-3, 1e-7)
            except Exception as error:  # noqa: B902
                failed.append(f"{os.path.basename(folder)}: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
        ran += 1
    assert not failed, "\n".join(failed)
    assert ran > 10


LIGHT = "bvlc_alexnet densenet121 inception_v1 inception_v2 resnet50 shufflenet squeezenet vgg19 zfnet512".split()


@pytest.mark.parametrize("name", LIGHT)
def test_light_models(name):
    """Whole networks whose weights are made by ConstantOfShape: against the stored output, and compiled."""
    path = os.path.join(DATA, "light", f"light_{name}.onnx")
    proto = onnx.load(path)
    given = {t.name for t in proto.graph.initializer}
    (value,) = (v for v in proto.graph.input if v.name not in given)
    shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
    count = int(np.prod(shape))
    x = (np.arange(count).reshape(shape) / count).astype(np.float32)  # the input that the stored output belongs to
    want = stored(path[:-5] + "_output_0.pb", proto.graph.output[0].type)
    net = torch.onnx.load(path)
    compiled = torch.compile(net)
    with torch.inference_mode():
        got = net(x)
        same(got, want, 1e-3, 1e-7)
        for _ in range(2):
            again = compiled(torch.from_numpy(x))
    assert len(compiled.plans) == 1
    torch.testing.assert_close(again, got, rtol=1e-5, atol=1e-6)
