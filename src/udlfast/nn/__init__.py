"""Layers, losses and containers under PyTorch's names: parameters and their initial laws; the arithmetic is in ops."""
from . import functional as functional
from . import init as init
from . import utils as utils
from .activation import *
from .container import *
from .conv import *
from .dropout import *
from .linear import *
from .loss import *
from .module import Module as Module
from .normalization import *
from .padding import *
from .parameter import Parameter as Parameter
from .pooling import *
from .softmax import *
from .sparse import *
from .squash import *
from .upsampling import *
