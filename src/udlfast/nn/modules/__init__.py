"""torch.nn.modules: the paths under which PyTorch keeps its layers, for scripts that import from there.

`nn.modules.conv` and so on are made here from a table; the layers are in the files of nn. A name with "=" is PyTorch's name of a
base class, followed by ours.

>>> from udlfast.nn.modules.batchnorm import _BatchNorm
>>> import udlfast as torch
>>> isinstance(torch.nn.BatchNorm2d(3), _BatchNorm)
True
"""

import sys as _sys
import types as _types

from .. import _hooks, _state, activation, container, conv, dropout, loss, normalization, padding, pooling, recurrent, softmax
from .. import functional as functional
from .. import lazy as _lazy
from .. import linear as _linear
from .. import loss_layers as _loss_layers
from .. import module as _module
from .. import more_pooling as _more_pooling
from . import utils as utils

_PLACES = (activation, container, conv, dropout, loss, _loss_layers, normalization, padding, pooling, _more_pooling, recurrent,
           softmax, _lazy, _linear, _module, _state, _hooks)  # fmt: skip

_TABLE = {
    "activation": "ReLU ReLU6 LeakyReLU ELU SELU CELU GELU SiLU Mish Hardswish Hardsigmoid Hardtanh RReLU PReLU Sigmoid Tanh Softplus "
    "Softsign Softshrink Hardshrink Tanhshrink Threshold LogSigmoid GLU Softmax Softmax2d LogSoftmax Softmin MultiheadAttention",
    "adaptive": "AdaptiveLogSoftmaxWithLoss",
    "batchnorm": "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d "
    "_BatchNorm=BatchNorm _NormBase=RunningNorm",
    "channelshuffle": "ChannelShuffle",
    "container": "Sequential ModuleList ModuleDict ParameterList ParameterDict",
    "conv": "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d LazyConv1d LazyConv2d LazyConv3d "
    "LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d _ConvNd=Convolution",
    "distance": "PairwiseDistance CosineSimilarity",
    "dropout": "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout _DropoutNd=DropoutBase",
    "flatten": "Flatten Unflatten",
    "fold": "Fold Unfold",
    "instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d "
    "_InstanceNorm=InstanceNorm",
    "lazy": "LazyModuleMixin",
    "linear": "Identity Linear Bilinear LazyLinear NonDynamicallyQuantizableLinear",
    "loss": "L1Loss MSELoss HuberLoss SmoothL1Loss CrossEntropyLoss NLLLoss NLLLoss2d BCELoss BCEWithLogitsLoss KLDivLoss PoissonNLLLoss "
    "GaussianNLLLoss HingeEmbeddingLoss MarginRankingLoss CosineEmbeddingLoss TripletMarginLoss TripletMarginWithDistanceLoss "
    "SoftMarginLoss MultiMarginLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss CTCLoss LinearCrossEntropyLoss "
    "_Loss=Loss _WeightedLoss=WeightedLoss",
    "module": "Module _IncompatibleKeys register_module_forward_hook register_module_forward_pre_hook register_module_backward_hook "
    "register_module_full_backward_hook register_module_full_backward_pre_hook _EXTRA_STATE_KEY_SUFFIX=EXTRA",
    "normalization": "LayerNorm GroupNorm RMSNorm LocalResponseNorm CrossMapLRN2d",
    "padding": "ConstantPad1d ConstantPad2d ConstantPad3d ZeroPad1d ZeroPad2d ZeroPad3d ReflectionPad1d ReflectionPad2d ReflectionPad3d "
    "ReplicationPad1d ReplicationPad2d ReplicationPad3d CircularPad1d CircularPad2d CircularPad3d",
    "pixelshuffle": "PixelShuffle PixelUnshuffle",
    "pooling": "MaxPool1d MaxPool2d MaxPool3d AvgPool1d AvgPool2d AvgPool3d LPPool1d LPPool2d LPPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d "
    "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d "
    "FractionalMaxPool2d FractionalMaxPool3d _MaxPoolNd=MaxPool",
    "rnn": "RNN LSTM GRU RNNCell LSTMCell GRUCell RNNBase",
    "sparse": "Embedding EmbeddingBag",
    "transformer": "Transformer TransformerEncoder TransformerDecoder TransformerEncoderLayer TransformerDecoderLayer",
    "upsampling": "Upsample UpsamplingNearest2d UpsamplingBilinear2d",
}


def _find(name):
    """A layer or base class by our name."""
    from ... import nn

    for place in (nn, *_PLACES):
        if hasattr(place, name):
            return getattr(place, name)
    return None


def _fill():
    for file, names in _TABLE.items():
        module = _types.ModuleType(f"{__name__}.{file}", f"The layers that torch.nn.modules.{file} has.")
        for entry in names.split():
            name, _, ours = entry.partition("=")
            value = _find(ours or name)
            if value is not None:
                setattr(module, name, value)
                if not ours:
                    globals()[name] = value
        _sys.modules[module.__name__] = globals()[file] = module


_fill()
