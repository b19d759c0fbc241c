"""Networks ready to train or to load: perceptron, LeNet-5, a residual network, BERT, GPT-2, T5, a vision transformer."""
from .bert import Bert as Bert
from .bert import mean_pooling as mean_pooling
from .crepe import Crepe as Crepe
from .generation import generate as generate
from .gpt2 import GPT2 as GPT2
from .kv_cache import KVCache as KVCache
from .lenet import LeNet as LeNet
from .mlp import MLP as MLP
from .mtcnn import ONet as ONet
from .mtcnn import PNet as PNet
from .mtcnn import RNet as RNet
from .resnet import ResNet as ResNet
from .sentence import SentenceEncoder as SentenceEncoder
from .speaker import SpeakerEncoder as SpeakerEncoder
from .speaker import mel_energies as mel_energies
from .t5 import T5 as T5
from .vit import ViT as ViT
from .voice import VoiceDetector as VoiceDetector

NAMES = ("mlp", "lenet", "resnet")


def build(name, input_shape, classes=10):
    """The model called `name` (mlp, lenet, resnet) for inputs [N, *input_shape] and `classes` outputs.

    input_shape: (C, L) for sequences or (C, H, W) for images. Raises ValueError for an unknown name or shape.

    >>> build("mlp", (1, 8, 8)).layers[0].in_features
    64
    """
    import math

    channels, *size = input_shape
    if name == "mlp":
        return MLP((math.prod(input_shape), 256, 128, classes))
    if name == "lenet":
        return LeNet(channels, size, classes)
    if name == "resnet":
        return ResNet(channels, classes, dims=len(size))
    raise ValueError(f"build: unknown model {name!r}; known: {', '.join(NAMES)}")


__all__ = ["GPT2", "MLP", "NAMES", "T5", "Bert", "Crepe", "KVCache", "LeNet", "ONet", "PNet", "RNet", "ResNet", "SentenceEncoder",
           "SpeakerEncoder", "ViT", "VoiceDetector", "build", "generate", "mean_pooling", "mel_energies"]
