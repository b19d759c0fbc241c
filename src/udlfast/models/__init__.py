"""Networks ready to train: a multi-layer perceptron, LeNet-5 and a small residual network."""
from .lenet import LeNet as LeNet
from .mlp import MLP as MLP
from .resnet import ResNet as ResNet

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


__all__ = ["MLP", "NAMES", "LeNet", "ResNet", "build"]
