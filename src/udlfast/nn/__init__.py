"""Layers, losses and containers under PyTorch's names: parameters and their initial laws; the arithmetic is in ops."""

from . import functional as functional
from . import init as init
from . import utils as utils
from .activation import *  # noqa: F403
from .attention import *  # noqa: F403
from .container import *  # noqa: F403
from .conv import *  # noqa: F403
from .dropout import *  # noqa: F403
from .feed_forward import *  # noqa: F403
from .lazy import *  # noqa: F403
from .linear import *  # noqa: F403
from .loss import *  # noqa: F403
from .loss_layers import *  # noqa: F403
from .margin_loss import *  # noqa: F403
from .module import Module as Module
from .more_pooling import *  # noqa: F403
from .normalization import *  # noqa: F403
from .padding import *  # noqa: F403
from .parallel import DataParallel as DataParallel
from .parameter import Buffer as Buffer
from .parameter import Parameter as Parameter
from .parameter import UninitializedBuffer as UninitializedBuffer
from .parameter import UninitializedParameter as UninitializedParameter
from .pooling import *  # noqa: F403
from .positions import *  # noqa: F403
from .rearrange import *  # noqa: F403
from .recurrent import *  # noqa: F403
from .softmax import *  # noqa: F403
from .sparse import *  # noqa: F403
from .squash import *  # noqa: F403
from .transformer import *  # noqa: F403
from .transformer_layers import *  # noqa: F403
from .upsampling import *  # noqa: F403
from .volumes import *  # noqa: F403


def __getattr__(name):
    if name in ("modules", "common_types", "grad"):
        import importlib

        return importlib.import_module("." + name, __name__)
    raise AttributeError(f"module 'udlfast.nn' has no attribute {name!r}")
