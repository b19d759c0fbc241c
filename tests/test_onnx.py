"""onnx.load: forms of input, checks, names, sizes, compile, and files that are not what they say."""

import copy
import io
import pickle
import warnings

import numpy as np
import pytest

import udlfast as torch
from udlfast.errors import ArgumentError, DTypeError, ShapeError

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def model(nodes, inputs, outputs, constants=(), opset=21, functions=(), domains=()):
    """A model from nodes; inputs and outputs as (name, type, shape); constants as (name, array)."""
    graph = helper.make_graph(
        list(nodes), "g", [helper.make_tensor_value_info(*v) for v in inputs], [helper.make_tensor_value_info(*v) for v in outputs],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in constants],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=10)


def one(op, x, *more, opset=21, outputs=1, **attributes):
    """The outputs of a single node; arrays after the first are constants."""
    names = [f"c{i}" for i in range(len(more))]
    node = helper.make_node(op, ["x", *names], [f"y{i}" for i in range(outputs)], **attributes)
    x = np.asarray(x)
    given = [("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)]
    return torch.onnx.load(model([node], given, [(f"y{i}", FLOAT, None) for i in range(outputs)], zip(names, more), opset))(x)


@pytest.fixture
def mlp(rng):
    w1, b1, w2 = (rng.standard_normal(s).astype(np.float32) for s in ((8, 4), (8,), (8, 3)))
    nodes = [
        helper.make_node("Gemm", ["x", "net.0.weight", "net.0.bias"], ["h"], transB=1),
        helper.make_node("Relu", ["h"], ["r"], name="act"),
        helper.make_node("MatMul", ["r", "net.2/weight"], ["y"]),
    ]
    proto = model(nodes, [("x", FLOAT, ["n", 4])], [("y", FLOAT, ["n", 3])],
                  [("net.0.weight", w1), ("net.0.bias", b1), ("net.2/weight", w2)])  # fmt: skip
    return proto, lambda x: np.maximum(x.astype(np.float64) @ w1.T.astype(np.float64) + b1, 0) @ w2


def test_forms_of_file(mlp, rng, tmp_path):
    proto, want = mlp
    path = tmp_path / "m.onnx"
    onnx.save(proto, path)
    x = rng.standard_normal((5, 4)).astype(np.float32)
    for source in (proto, path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes())):
        net = torch.onnx.load(source)
        assert not net.training
        for y in (net(x), net(torch.from_numpy(x)), net(x=torch.from_numpy(x))):
            np.testing.assert_allclose(y.numpy(), want(x), rtol=1e-5, atol=1e-5)


def test_weights_are_parameters_under_their_names(mlp):
    net = torch.onnx.load(mlp[0])
    assert {n for n, _ in net.named_parameters()} == {"net.0.weight", "net.0.bias", "net.2_weight"}
    assert not any(p.requires_grad for p in net.parameters())
    x = torch.ones(2, 4)
    before = net(x)
    state = {k: v * 2 for k, v in net.state_dict().items()}
    twin = copy.deepcopy(net)
    net.load_state_dict(state)
    assert torch.equal(twin(x), before) and not torch.equal(net(x), before)
    for p in net.parameters():
        p.requires_grad_(True)
    net(x).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_external_data(mlp, rng, tmp_path):
    proto, want = mlp
    onnx.save(proto, tmp_path / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    x = rng.standard_normal((2, 4)).astype(np.float32)
    np.testing.assert_allclose(torch.onnx.load(tmp_path / "m.onnx")(x).numpy(), want(x), rtol=1e-5, atol=1e-5)
    with pytest.raises(ArgumentError):
        bad = onnx.load(tmp_path / "m.onnx", load_external_data=False)
        for t in bad.graph.initializer:
            t.external_data[0].value = "../../etc/passwd"
        (tmp_path / "bad.onnx").write_bytes(bad.SerializeToString())
        torch.onnx.load(tmp_path / "bad.onnx")


def test_inputs_are_checked(mlp):
    net = torch.onnx.load(mlp[0])
    x = torch.ones(2, 4)
    for error, args, kwargs, text in [
        (ArgumentError, (), {}, "'x' is missing"),
        (ArgumentError, (x, x), {}, "takes 1 inputs"),
        (ArgumentError, (x,), {"x": x}, "given twice"),
        (ArgumentError, (), {"z": x}, "no input 'z'"),
        (DTypeError, (x.double(),), {}, "must be of type udlfast.float32"),
        (DTypeError, ([1.0],), {}, "must be a tensor"),
        (ShapeError, (torch.ones(2, 5),), {}, "must be of shape"),
        (ShapeError, (torch.ones(4),), {}, "must be of shape"),
    ]:
        with pytest.raises(error, match=text):
            net(*args, **kwargs)
    two = model([helper.make_node("Add", ["a", "b"], ["c"])], [("a", FLOAT, ["n"]), ("b", FLOAT, ["n"])], [("c", FLOAT, ["n"])])
    with pytest.raises(ShapeError, match="'b'"):
        torch.onnx.load(two)(torch.ones(3), torch.ones(1))


def test_all_missing_operators_are_named():
    nodes = [helper.make_node("StringSplit", ["x"], ["a", "b"]), helper.make_node("Magic", ["x"], ["c"], domain="org.example"),
             helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Magic", ["x"], ["d"], domain="org.example")]  # fmt: skip
    with pytest.raises(ArgumentError) as error:
        torch.onnx.load(model(nodes, [("x", FLOAT, ["n"])], [("y", FLOAT, ["n"])], domains=["org.example"]))
    assert "StringSplit (1 node), org.example.Magic (2 nodes)" in str(error.value)


def test_functions_of_the_model():
    body = [helper.make_node("Constant", [], ["k"]), helper.make_node("Mul", ["a", "k"], ["b"])]
    attribute = body[0].attribute.add()
    attribute.name, attribute.ref_attr_name, attribute.type = "value_float", "factor", onnx.AttributeProto.FLOAT
    f = helper.make_function("my", "Scale", ["a"], ["b"], body, [helper.make_opsetid("", 21)], ["factor"])
    call = helper.make_node("Scale", ["x"], ["y"], domain="my", factor=3.0)
    net = torch.onnx.load(model([call], [("x", FLOAT, ["n"])], [("y", FLOAT, ["n"])], functions=[f], domains=["my"]))
    assert net(torch.ones(2)).tolist() == [3, 3]
    f.node[0].CopyFrom(helper.make_node("Scale", ["a"], ["k"], domain="my", factor=1.0))
    with pytest.raises(ArgumentError, match="32 deep"):
        torch.onnx.load(model([call], [("x", FLOAT, ["n"])], [("y", FLOAT, ["n"])], functions=[f], domains=["my"]))


def shape_model():
    """x [n, t, 6] -> heads [n, 2, t, 3] with sizes computed by nodes, as exporters write them."""
    def c(name, *v):
        return (name, np.array(v, np.int64))

    nodes = [
        helper.make_node("Shape", ["x"], ["s"]), helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Gather", ["s", "first"], ["t"]), helper.make_node("Concat", ["n", "t", "two", "rest"], ["want"], axis=0),
        helper.make_node("Reshape", ["x", "want"], ["h"]), helper.make_node("Transpose", ["h"], ["q"], perm=[0, 2, 1, 3]),
        helper.make_node("Range", ["null", "ts", "step"], ["p"]), helper.make_node("Squeeze", ["t", "axis"], ["ts"]),
        helper.make_node("Gather", ["table", "p"], ["e"]), helper.make_node("Add", ["q", "e"], ["y"]),
    ]  # fmt: skip
    nodes[6], nodes[7] = nodes[7], nodes[6]
    table = np.arange(60, dtype=np.float32).reshape(20, 3)
    constants = [c("zero", 0), c("first", 1), c("two", 2), c("rest", -1), c("axis", 0), ("null", np.int64(0)), ("step", np.int64(1)),
                 ("table", table)]  # fmt: skip
    return model(nodes, [("x", FLOAT, ["n", "t", 6])], [("y", FLOAT, None)], constants), table


def test_shapes_are_computed_without_tensors(rng):
    """So a plan holds the model at each size; and it computes the same."""
    proto, table = shape_model()
    net = torch.onnx.load(proto)
    compiled = torch.compile(net, fullgraph=True)
    with torch.inference_mode():
        for n, t in [(2, 5), (1, 7), (2, 5)]:
            x = rng.standard_normal((n, t, 6)).astype(np.float32)
            want = x.reshape(n, t, 2, 3).transpose(0, 2, 1, 3) + table[:t]
            for _ in range(3):
                y = compiled(torch.from_numpy(x))
                np.testing.assert_array_equal(y.numpy(), want)
                np.testing.assert_array_equal(net(x).numpy(), want)
    assert len(compiled.plans) == 2


def test_plan_of_a_model_goes_into_a_file(mlp, rng, tmp_path):
    net = torch.compile(torch.onnx.load(mlp[0]))
    x = torch.from_numpy(rng.standard_normal((2, 4)).astype(np.float32))
    with torch.inference_mode():
        y = net(x)
        net(x)
    net.plans[0].save(tmp_path / "m.udl", inputs=["x"])
    assert torch.equal(torch.load_plan(tmp_path / "m.udl")(x=x), y)


def test_constants_are_folded_and_dropped():
    nodes = [helper.make_node("Transpose", ["w"], ["wt"], perm=[1, 0]), helper.make_node("Mul", ["wt", "k"], ["v"]),
             helper.make_node("MatMul", ["x", "v"], ["y"])]  # fmt: skip
    w = np.arange(6, dtype=np.float32).reshape(2, 3)
    net = torch.onnx.load(model(nodes, [("x", FLOAT, [1, 3])], [("y", FLOAT, [1, 2])], [("w", w), ("k", np.float32(2))]))
    assert [n for n, _ in net.named_parameters()] == ["v"] and "nodes=1" in repr(net)
    assert net(torch.ones(1, 3)).tolist() == [[6.0, 24.0]]


def test_large_products_become_linear_layers(rng):
    """With the constant row added in the same call; a matrix that others read stays as it is."""
    w, b, v = (rng.standard_normal(s).astype(np.float32) for s in ((256, 300), (300,), (300, 256)))
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Add", ["b", "h"], ["r"]),
             helper.make_node("Gemm", ["r", "v"], ["y"]), helper.make_node("Add", ["h", "h"], ["z"])]  # fmt: skip
    x = rng.standard_normal((9, 256)).astype(np.float32)
    h = x.astype(np.float64) @ w
    for outputs, count in [(["y"], 2), (["y", "z"], 4), (["y", "h"], 3)]:
        kept = nodes if "z" in outputs else nodes[:3]
        net = torch.onnx.load(model(kept, [("x", FLOAT, [9, 256])], [(n, FLOAT, None) for n in outputs], [("w", w), ("b", b), ("v", v)]))
        assert len(net.program.nodes) == count and net.w.shape == (300, 256) and net.v.shape == (256, 300)
        for got, want in zip(net(x) if len(outputs) > 1 else [net(x)], [(h + b) @ v, 2 * h if "z" in outputs else h]):
            np.testing.assert_allclose(got.numpy(), want, rtol=1e-4, atol=1e-3)
    shared = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Transpose", ["w"], ["t"]),
              helper.make_node("MatMul", ["h", "t"], ["y"]), helper.make_node("MatMul", ["y", "w"], ["z"])]  # fmt: skip
    net = torch.onnx.load(model(shared, [("x", FLOAT, [9, 256])], [("z", FLOAT, None)], [("w", w)]))
    np.testing.assert_allclose(net(x).numpy(), h @ w.T @ w, rtol=1e-3, atol=0.5)
    assert net.w.shape == (256, 300)


def test_older_forms():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert one("Squeeze", x[:, None], opset=11, axes=[1]).tolist() == x.tolist()
    assert one("Unsqueeze", x, opset=11, axes=[0, 3]).shape == (1, 3, 4, 1)
    assert one("Slice", x, opset=9, starts=[1], ends=[3], axes=[1]).tolist() == x[:, 1:3].tolist()
    assert one("Clip", x, opset=6, min=2.0, max=5.0).tolist() == x.clip(2, 5).tolist()
    assert one("Pad", x, opset=2, pads=[0, 1, 0, 1], value=7.0).tolist() == np.pad(x, [(0, 0), (1, 1)], constant_values=7).tolist()
    assert one("Reshape", x, opset=1, shape=[2, -1]).tolist() == x.reshape(2, -1).tolist()
    assert one("ReduceSum", x, opset=11, axes=[0], keepdims=0).tolist() == x.sum(0).tolist()
    assert one("TopK", x, opset=9, outputs=2, k=1)[1].tolist() == [[3], [3], [3]]
    assert one("Add", x, np.float32([10, 20, 30]), opset=6, broadcast=1, axis=0).tolist() == (x + np.float32([[10], [20], [30]])).tolist()
    y = one("Softmax", x.reshape(3, 2, 2), opset=11, axis=1)
    e = np.exp(x - x.max(1, keepdims=True))
    np.testing.assert_allclose(y.numpy().reshape(3, 4), e / e.sum(1, keepdims=True), rtol=1e-6)
    assert one("Upsample", x[None, None], opset=7, scales=[1.0, 1.0, 2.0, 2.0], mode="nearest").tolist() == np.repeat(
        np.repeat(x[None, None], 2, 2), 2, 3).tolist()  # fmt: skip
    y = one("Split", x, opset=11, axis=1, split=[1, 3], outputs=2)
    assert y[0].tolist() == x[:, :1].tolist() and y[1].tolist() == x[:, 1:].tolist()


def test_operators_that_onnx_does_not_try(rng):
    x = rng.standard_normal((2, 3, 4, 5)).astype(np.float32)
    got = one("GlobalLpPool", x, p=3).numpy()
    np.testing.assert_allclose(got, ((np.abs(x.astype(np.float64)) ** 3).sum((2, 3), keepdims=True)) ** (1 / 3), rtol=1e-6)
    for op, low, high in [("RandomUniformLike", 2, 5), ("RandomNormalLike", -9, 15)]:
        options, mean = ({"low": 2.0, "high": 5.0}, 3.5) if "Uniform" in op else ({"mean": 3.0, "scale": 2.0}, 3.0)
        y = one(op, np.zeros((40, 50), np.float32), **options)
        assert y.shape == (40, 50) and low <= y.min().item() <= y.max().item() <= high and abs(y.mean().item() - mean) < 0.2
    for op in ("RandomNormal", "RandomUniform"):
        net = torch.onnx.load(model([helper.make_node(op, [], ["y"], shape=[3, 2])], [], [("y", FLOAT, [3, 2])]))
        assert net().shape == (3, 2) and not torch.equal(net(), net())
    y = one("Multinomial", np.log(np.float32([[0.0001, 0.9999]])), sample_size=200)
    assert y.dtype is torch.int32 and y.shape == (1, 200) and y.sum().item() > 190
    nodes = [helper.make_node("SequenceConstruct", ["x", "x"], ["s"]), helper.make_node("SequenceInsert", ["s", "z"], ["t"]),
             helper.make_node("SequenceErase", ["t", "i"], ["u"]), helper.make_node("SequenceAt", ["u", "k"], ["a"]),
             helper.make_node("ConcatFromSequence", ["u"], ["c"], axis=0), helper.make_node("Optional", ["a"], ["o"]),
             helper.make_node("OptionalGetElement", ["o"], ["p"])]  # fmt: skip
    net = torch.onnx.load(model(nodes, [("x", FLOAT, [1])], [("p", FLOAT, [1]), ("c", FLOAT, [2])],
                                [("z", np.float32([9])), ("i", np.int64(0)), ("k", np.int64(-1))]))  # fmt: skip
    p, c = net(torch.ones(1))
    assert p.tolist() == [9] and c.tolist() == [1, 9]


def test_types_that_tensors_lack():
    x = np.array([7, 2**32 - 1], np.uint32)
    kind = TensorProto.UINT32
    add = [helper.make_node("Add", ["x", "k"], ["y"])]
    net = torch.onnx.load(model(add, [("x", kind, [2])], [("y", kind, [2])], [("k", np.array([1, 1], np.uint32))]))
    y = net(x)
    assert isinstance(y, np.ndarray) and y.dtype == np.uint32 and y.tolist() == [8, 0]
    net = torch.onnx.load(model([helper.make_node("Erf", ["x"], ["y"])], [("x", kind, [2])], [("y", kind, [2])]))
    with pytest.raises(DTypeError, match="uint32"):
        net(x)


def test_errors_name_the_node(mlp):
    proto = mlp[0]
    proto.graph.node[1].op_type = "Elu"
    a = proto.graph.node[1].attribute.add()
    a.name, a.type, a.s = "alpha", onnx.AttributeProto.STRING, b"much"
    with pytest.raises((RuntimeError, ValueError, TypeError), match="onnx node 'act' .Elu."):
        torch.onnx.load(proto)(torch.ones(1, 4))


def test_no_more_memory_than_allowed():
    def made(size, **options):
        nodes = [helper.make_node("ConstantOfShape", ["n"], ["c"]), helper.make_node("Add", ["x", "c"], ["y"])]
        return torch.onnx.load(model(nodes, [("x", FLOAT, [1])], [("y", FLOAT, None)], [("n", np.array(size, np.int64))]), **options)

    assert made([1000])(torch.ones(1)).shape == (1000,)
    for size in ([2**40], [2**31, 2**31, 2**31], [-5]):
        with pytest.raises(ArgumentError, match="max_bytes|negative"):
            made(size)
    with pytest.raises(ArgumentError, match="max_bytes"):
        made([10_000], max_bytes=10_000)
    # doubling: each concatenation is small work for the file and large for the memory
    nodes = [helper.make_node("Concat", [f"c{i}"] * 4, [f"c{i + 1}"], axis=0) for i in range(12)]
    with pytest.raises(ArgumentError, match="max_bytes"):
        torch.onnx.load(model(nodes, [], [("c12", FLOAT, None)], [("c0", np.ones(4096, np.float32))]), max_bytes=1 << 24)


def test_no_model_at_all(tmp_path):
    for data in (b"", b"no model", b"\x00" * 100, pickle.dumps([1])):
        (tmp_path / "x.onnx").write_bytes(data)
        with pytest.raises(ArgumentError):
            torch.onnx.load(tmp_path / "x.onnx")
    with pytest.raises(FileNotFoundError):
        torch.onnx.load(tmp_path / "none.onnx")
    with pytest.raises(ArgumentError, match="nothing before it makes"):
        torch.onnx.load(model([helper.make_node("Relu", ["z"], ["y"])], [("x", FLOAT, [1])], [("y", FLOAT, [1])]))


CLEAR = (RuntimeError, ValueError, TypeError, IndexError, MemoryError, ArithmeticError)


def try_file(data):
    """Load and run a file; what goes wrong must be an exception that says so."""
    try:
        net = torch.onnx.load(data, max_bytes=1 << 26)
        values = []
        for _, code, dims, _ in net.declared.inputs:
            shape = [min(d, 8) if isinstance(d, int) else 2 for d in dims or [2]]
            values.append(np.ones(shape, onnx.helper.tensor_dtype_to_np_dtype(code)))
        with torch.inference_mode():
            net(*values)
        return True
    except MemoryError as error:
        raise AssertionError("more memory than max_bytes was asked for") from error
    except CLEAR as error:
        assert str(error)
        return False


def test_a_name_without_end_does_not_fill_the_message():
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    model = helper.make_model(helper.make_graph([helper.make_node("Relu", ["a" * 100_000], ["y"])], "g", [x], [y]))
    with pytest.raises(ArgumentError, match="letters more") as found:
        torch.onnx.load(model)
    assert len(str(found.value)) < 2000


def test_damaged_files(mlp, rng):
    """Bytes changed, cut out and put in: an exception, or another model."""
    good = [mlp[0].SerializeToString(), shape_model()[0].SerializeToString()]
    ran = 0
    for i in range(1500):
        data = bytearray(good[i % 2])
        for _ in range(rng.integers(1, 4)):
            at, how = int(rng.integers(len(data))), rng.integers(4)
            if how == 0:
                data[at] = int(rng.integers(256))
            elif how == 1:
                del data[at:at + int(rng.integers(1, 9))]
            elif how == 2:
                data[at:at] = bytes(rng.integers(0, 256, 4, dtype=np.uint8))
            else:
                data[at] ^= 1 << int(rng.integers(8))
        ran += try_file(bytes(data))
    assert 50 < ran < 1400


def test_wrong_attributes(rng):
    """Every attribute of a few nodes replaced by numbers that make no sense."""
    w = rng.standard_normal((4, 3, 3, 3)).astype(np.float32)
    cases = [
        ("Conv", [w], {"strides": [1, 1], "pads": [1, 1, 1, 1], "dilations": [1, 1], "group": 1}),
        ("ConvTranspose", [w[:3]], {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1], "group": 1}),
        ("ConvTranspose", [w[:3]], {"strides": [2, 2], "output_shape": [16, 16]}),
        ("MaxPool", [], {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 0, 0], "ceil_mode": 1, "dilations": [1, 1]}),
        ("AveragePool", [], {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 0, 0], "count_include_pad": 1}),
        ("Transpose", [], {"perm": [0, 1, 2, 3]}), ("Concat", [], {"axis": 1}), ("Softmax", [], {"axis": 1}),
        ("DepthToSpace", [], {"blocksize": 1}), ("LRN", [], {"size": 3}), ("Flatten", [], {"axis": 1}),
        ("Cast", [], {"to": 1}), ("Gather", [np.array([0], np.int64)], {"axis": 1}),
    ]  # fmt: skip
    ran = 0
    for op, more, attributes in cases:
        for name, value in attributes.items():
            for bad in (-1, 0, 2**31, -(2**63), 2**63 - 1):
                for new in ([[bad] * len(value), [bad], [bad] * 9] if isinstance(value, list) else [bad]):
                    names = [f"c{i}" for i in range(len(more))]
                    node = helper.make_node(op, ["x", *names], ["y"], **{**attributes, name: new})
                    ran += try_file(model([node], [("x", FLOAT, [2, 3, 8, 8])], [("y", FLOAT, None)], zip(names, more)).SerializeToString())
    assert 0 < ran < 100


@pytest.mark.parametrize("name", ["resnet", "lstm", "encoder"])
def test_exported_by_torch(name, rng, tmp_path):
    """What PyTorch writes, against PyTorch."""
    theirs = pytest.importorskip("torch")
    theirs.manual_seed(0)
    if name == "resnet":
        class Block(theirs.nn.Module):
            def __init__(self, i, o, s):
                super().__init__()
                self.conv1, self.bn1 = theirs.nn.Conv2d(i, o, 3, s, 1, bias=False), theirs.nn.BatchNorm2d(o)
                self.conv2, self.bn2 = theirs.nn.Conv2d(o, o, 3, 1, 1, bias=False), theirs.nn.BatchNorm2d(o)
                self.down = theirs.nn.Sequential(theirs.nn.Conv2d(i, o, 1, s, bias=False), theirs.nn.BatchNorm2d(o))

            def forward(self, x):
                return theirs.relu(self.bn2(self.conv2(theirs.relu(self.bn1(self.conv1(x))))) + self.down(x))

        net = theirs.nn.Sequential(theirs.nn.Conv2d(3, 8, 7, 2, 3), theirs.nn.MaxPool2d(3, 2, 1), Block(8, 8, 1), Block(8, 16, 2),
                                   theirs.nn.AdaptiveAvgPool2d(1), theirs.nn.Flatten(), theirs.nn.Linear(16, 10))  # fmt: skip
        net(theirs.randn(4, 3, 64, 64))  # moves the running statistics
        net, args = net.eval(), (theirs.randn(1, 3, 64, 64),)
    elif name == "lstm":
        class Tagger(theirs.nn.Module):
            def __init__(self):
                super().__init__()
                self.lstm = theirs.nn.LSTM(6, 8, 2, batch_first=True, bidirectional=True)
                self.head = theirs.nn.Linear(16, 3)

            def forward(self, x):
                return self.head(self.lstm(x)[0])

        net, args = Tagger().eval(), (theirs.randn(2, 7, 6),)
    else:
        layer = theirs.nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, activation="gelu")
        net, args = theirs.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval(), (theirs.randn(2, 5, 16),)
    path = str(tmp_path / "m.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.onnx.export(net, args, path, dynamo=False, input_names=["x"])
        want = net(*args).detach().numpy()
    mine = torch.onnx.load(path)
    compiled = torch.compile(mine)
    x = torch.from_numpy(args[0].numpy())
    with torch.inference_mode():
        np.testing.assert_allclose(mine(x).numpy(), want, rtol=2e-4, atol=2e-5)
        for _ in range(2):
            np.testing.assert_allclose(compiled(x=x).numpy(), want, rtol=2e-4, atol=2e-5)
    assert len(compiled.plans) == 1
