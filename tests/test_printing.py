"""Tensors print as PyTorch prints them. The texts were written down from PyTorch 2.13."""

import pytest

import udlfast as torch

PACKAGE = repr(torch.float32).removesuffix("float32")  # types carry the name of the package: torch. or udlfast.

# what is typed, what is shown
TEXTS = [
    ("torch.tensor(1.0)", "tensor(1.)"),
    ("torch.tensor(7)", "tensor(7)"),
    ("torch.tensor(True)", "tensor(True)"),
    ("torch.tensor([])", "tensor([])"),
    ("torch.tensor([1.0, 2.0, 3.0])", "tensor([1., 2., 3.])"),
    ("torch.tensor([1, 20, -300])", "tensor([   1,   20, -300])"),
    ("torch.tensor([True, False])", "tensor([ True, False])"),
    ("torch.tensor([0.1, 0.25, -0.333333])", "tensor([ 0.1000,  0.2500, -0.3333])"),
    ("torch.tensor([1e-5, 1.0])", "tensor([1.0000e-05, 1.0000e+00])"),
    ("torch.tensor([1e6, 1.0, 0.001])", "tensor([1.0000e+06, 1.0000e+00, 1.0000e-03])"),
    ("torch.tensor([12345678.0, 1.0])", "tensor([1.2346e+07, 1.0000e+00])"),
    ("torch.tensor([123456.7891])", "tensor([123456.7891])"),
    ("torch.tensor([1e10, 1e-10])", "tensor([1.0000e+10, 1.0000e-10])"),
    ('torch.tensor([float("nan"), float("inf"), -float("inf"), 1.0])', "tensor([nan, inf, -inf, 1.])"),
    ('torch.tensor([float("nan"), 1.5])', "tensor([   nan, 1.5000])"),
    ('torch.tensor([float("inf"), 2.0])', "tensor([inf, 2.])"),
    ("torch.tensor([1.0, 2.5], dtype=torch.float64)", "tensor([1.0000, 2.5000], dtype=torch.float64)"),
    ("torch.tensor([1, 2], dtype=torch.int32)", "tensor([1, 2], dtype=torch.int32)"),
    ("torch.tensor([1, 2], dtype=torch.uint8)", "tensor([1, 2], dtype=torch.uint8)"),
    ("torch.tensor([1.0, 2.5], dtype=torch.bfloat16)", "tensor([1.0000, 2.5000], dtype=torch.bfloat16)"),
    ("torch.tensor([[1.0, 2.0], [3.0, 4.0]])",
     "tensor([[1., 2.],\n"
     "        [3., 4.]])"),
    ("torch.tensor([[1, 2], [30, 4]])",
     "tensor([[ 1,  2],\n"
     "        [30,  4]])"),
    ("torch.zeros((2, 2, 2))",
     "tensor([[[0., 0.],\n"
     "         [0., 0.]],\n"
     "\n"
     "        [[0., 0.],\n"
     "         [0., 0.]]])"),
    ("torch.zeros((0, 3))", "tensor([], size=(0, 3))"),
    ("torch.zeros((2, 0, 3))", "tensor([], size=(2, 0, 3))"),
    ("torch.ones((1, 1, 1, 1))", "tensor([[[[1.]]]])"),
    ("torch.arange(1001)", "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    ("torch.arange(2000.0).reshape(2, 1000)",
     "tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 9.9700e+02, 9.9800e+02,\n"
     "         9.9900e+02],\n"
     "        [1.0000e+03, 1.0010e+03, 1.0020e+03,  ..., 1.9970e+03, 1.9980e+03,\n"
     "         1.9990e+03]])"),
    ("torch.zeros((40, 40))",
     "tensor([[0., 0., 0.,  ..., 0., 0., 0.],\n"
     "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
     "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
     "        ...,\n"
     "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
     "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
     "        [0., 0., 0.,  ..., 0., 0., 0.]])"),
    ("torch.arange(30)",
     "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
     "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])"),
    ("torch.arange(60.0).reshape(3, 20) / 7",
     "tensor([[0.0000, 0.1429, 0.2857, 0.4286, 0.5714, 0.7143, 0.8571, 1.0000, 1.1429,\n"
     "         1.2857, 1.4286, 1.5714, 1.7143, 1.8571, 2.0000, 2.1429, 2.2857, 2.4286,\n"
     "         2.5714, 2.7143],\n"
     "        [2.8571, 3.0000, 3.1429, 3.2857, 3.4286, 3.5714, 3.7143, 3.8571, 4.0000,\n"
     "         4.1429, 4.2857, 4.4286, 4.5714, 4.7143, 4.8571, 5.0000, 5.1429, 5.2857,\n"
     "         5.4286, 5.5714],\n"
     "        [5.7143, 5.8571, 6.0000, 6.1429, 6.2857, 6.4286, 6.5714, 6.7143, 6.8571,\n"
     "         7.0000, 7.1429, 7.2857, 7.4286, 7.5714, 7.7143, 7.8571, 8.0000, 8.1429,\n"
     "         8.2857, 8.4286]])"),
    ("torch.tensor([1.0, 2.0], requires_grad=True)", "tensor([1., 2.], requires_grad=True)"),
    ("torch.tensor([1.0, 2.0], requires_grad=True, dtype=torch.float64)",
     "tensor([1., 2.], dtype=torch.float64, requires_grad=True)"),
    ("torch.tensor(3.14159)", "tensor(3.1416)"),
    ("torch.tensor(-0.0)", "tensor(-0.)"),
    ("torch.tensor(1e-8)", "tensor(1.0000e-08)"),
    ("torch.tensor(123456789)", "tensor(123456789)"),
    ("torch.tensor([[1e-3, 1e3], [1.0, 10.0]])",
     "tensor([[1.0000e-03, 1.0000e+03],\n"
     "        [1.0000e+00, 1.0000e+01]])"),
    ("torch.tensor([0.00001])", "tensor([1.0000e-05])"),
    ("torch.tensor([100000.5, 2.0])", "tensor([1.0000e+05, 2.0000e+00])"),
    ("torch.tensor([[True], [False]])",
     "tensor([[ True],\n"
     "        [False]])"),
    ("torch.tensor([-1.5, 2.25]).t()", "tensor([-1.5000,  2.2500])"),
    ("torch.full((3,), 1e30)", "tensor([1.0000e+30, 1.0000e+30, 1.0000e+30])"),
    ("torch.ones((2, 3), dtype=torch.bfloat16)",
     "tensor([[1., 1., 1.],\n"
     "        [1., 1., 1.]], dtype=torch.bfloat16)"),
    ("torch.zeros(3, dtype=torch.int64)", "tensor([0, 0, 0])"),
    ("torch.eye(3)",
     "tensor([[1., 0., 0.],\n"
     "        [0., 1., 0.],\n"
     "        [0., 0., 1.]])"),
    ("torch.arange(24).reshape(2, 3, 4)",
     "tensor([[[ 0,  1,  2,  3],\n"
     "         [ 4,  5,  6,  7],\n"
     "         [ 8,  9, 10, 11]],\n"
     "\n"
     "        [[12, 13, 14, 15],\n"
     "         [16, 17, 18, 19],\n"
     "         [20, 21, 22, 23]]])"),
    ("torch.arange(10000).reshape(10, 10, 100)",
     "tensor([[[   0,    1,    2,  ...,   97,   98,   99],\n"
     "         [ 100,  101,  102,  ...,  197,  198,  199],\n"
     "         [ 200,  201,  202,  ...,  297,  298,  299],\n"
     "         ...,\n"
     "         [ 700,  701,  702,  ...,  797,  798,  799],\n"
     "         [ 800,  801,  802,  ...,  897,  898,  899],\n"
     "         [ 900,  901,  902,  ...,  997,  998,  999]],\n"
     "\n"
     "        [[1000, 1001, 1002,  ..., 1097, 1098, 1099],\n"
     "         [1100, 1101, 1102,  ..., 1197, 1198, 1199],\n"
     "         [1200, 1201, 1202,  ..., 1297, 1298, 1299],\n"
     "         ...,\n"
     "         [1700, 1701, 1702,  ..., 1797, 1798, 1799],\n"
     "         [1800, 1801, 1802,  ..., 1897, 1898, 1899],\n"
     "         [1900, 1901, 1902,  ..., 1997, 1998, 1999]],\n"
     "\n"
     "        [[2000, 2001, 2002,  ..., 2097, 2098, 2099],\n"
     "         [2100, 2101, 2102,  ..., 2197, 2198, 2199],\n"
     "         [2200, 2201, 2202,  ..., 2297, 2298, 2299],\n"
     "         ...,\n"
     "         [2700, 2701, 2702,  ..., 2797, 2798, 2799],\n"
     "         [2800, 2801, 2802,  ..., 2897, 2898, 2899],\n"
     "         [2900, 2901, 2902,  ..., 2997, 2998, 2999]],\n"
     "\n"
     "        ...,\n"
     "\n"
     "        [[7000, 7001, 7002,  ..., 7097, 7098, 7099],\n"
     "         [7100, 7101, 7102,  ..., 7197, 7198, 7199],\n"
     "         [7200, 7201, 7202,  ..., 7297, 7298, 7299],\n"
     "         ...,\n"
     "         [7700, 7701, 7702,  ..., 7797, 7798, 7799],\n"
     "         [7800, 7801, 7802,  ..., 7897, 7898, 7899],\n"
     "         [7900, 7901, 7902,  ..., 7997, 7998, 7999]],\n"
     "\n"
     "        [[8000, 8001, 8002,  ..., 8097, 8098, 8099],\n"
     "         [8100, 8101, 8102,  ..., 8197, 8198, 8199],\n"
     "         [8200, 8201, 8202,  ..., 8297, 8298, 8299],\n"
     "         ...,\n"
     "         [8700, 8701, 8702,  ..., 8797, 8798, 8799],\n"
     "         [8800, 8801, 8802,  ..., 8897, 8898, 8899],\n"
     "         [8900, 8901, 8902,  ..., 8997, 8998, 8999]],\n"
     "\n"
     "        [[9000, 9001, 9002,  ..., 9097, 9098, 9099],\n"
     "         [9100, 9101, 9102,  ..., 9197, 9198, 9199],\n"
     "         [9200, 9201, 9202,  ..., 9297, 9298, 9299],\n"
     "         ...,\n"
     "         [9700, 9701, 9702,  ..., 9797, 9798, 9799],\n"
     "         [9800, 9801, 9802,  ..., 9897, 9898, 9899],\n"
     "         [9900, 9901, 9902,  ..., 9997, 9998, 9999]]])"),
    ("torch.tensor([1.0, 1000.0])", "tensor([   1., 1000.])"),
    ("torch.tensor([1.0, 1001.0])", "tensor([1.0000e+00, 1.0010e+03])"),
    ("torch.tensor([0.5, 501.0])", "tensor([5.0000e-01, 5.0100e+02])"),
    ("torch.tensor([99999.0, 0.12345])", "tensor([9.9999e+04, 1.2345e-01])"),
]  # fmt: skip


@pytest.mark.parametrize("typed, shown", TEXTS, ids=[t[0] for t in TEXTS])
def test_text(typed, shown):
    t = eval(typed)
    shown = shown.replace("torch.", PACKAGE)
    assert repr(t) == shown
    assert str(t) == shown


def test_grad_fn_is_named():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    assert repr(x * 2) == "tensor([2., 4.], grad_fn=<MulBackward0>)"
    assert repr((x + 1).sum()) == "tensor(5., grad_fn=<SumBackward0>)"


def test_no_grad_result_has_no_suffix():
    with torch.no_grad():
        assert repr(torch.tensor([1.0], requires_grad=True) * 2) == "tensor([2.])"


def test_printing_a_view_shows_the_view():
    t = torch.arange(6).reshape(2, 3)
    assert repr(t[:, 1]) == "tensor([1, 4])" and repr(t.t()) == "tensor([[0, 3],\n        [1, 4],\n        [2, 5]])"


def test_options():
    try:
        torch.set_printoptions(precision=2)
        assert repr(torch.tensor([1.23456])) == "tensor([1.23])"
        torch.set_printoptions(threshold=3, edgeitems=1)
        assert repr(torch.arange(5)) == "tensor([0,  ..., 4])"
        torch.set_printoptions(profile="default", sci_mode=True)
        assert repr(torch.tensor([1.5])) == "tensor([1.5000e+00])"
    finally:
        torch.set_printoptions(profile="default")


def test_device_and_size_texts():
    assert repr(torch.ones((2, 3)).shape) == PACKAGE + "Size([2, 3])"
    assert str(torch.device("cpu")) == "cpu"


def test_equals_torch_on_random_tensors(rng):
    peer = pytest.importorskip("torch")
    for _ in range(200):
        shape = tuple(int(n) for n in rng.integers(0, 5, rng.integers(0, 4)))
        scale = 10.0 ** rng.integers(-9, 9)
        a = rng.standard_normal(shape) * scale
        if rng.random() < 0.3:
            a = a.round()
        a = a.astype("float32") if rng.random() < 0.7 else a
        assert repr(torch.tensor(a)) == repr(peer.tensor(a)).replace("torch.", PACKAGE), a.tolist()


def test_a_format_specification_is_a_string():
    assert f"{torch.tensor(1.5):.2f}" == "1.50"
    with pytest.raises(TypeError, match="must be a string"):
        torch.tensor(1.5).__format__(3)
    with pytest.raises(TypeError, match="takes no format"):
        format(torch.ones(2), ".2f")
