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
from .linear import *  # noqa: F403
from .loss import *  # noqa: F403
from .margin_loss import *  # noqa: F403
from .module import Module as Module
from .normalization import *  # noqa: F403
from .padding import *  # noqa: F403
from .parameter import Parameter as Parameter
from .pooling import *  # noqa: F403
from .positions import *  # noqa: F403
from .recurrent import *  # noqa: F403
from .softmax import *  # noqa: F403
from .sparse import *  # noqa: F403
from .squash import *  # noqa: F403
from .transformer import *  # noqa: F403
from .transformer_layers import *  # noqa: F403
from .upsampling import *  # noqa: F403
