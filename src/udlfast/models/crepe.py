"""CREPE: the pitch of a voice or an instrument, under the parameter names of torchcrepe's model."""
from .. import nn
from ..nn import functional as F

SIZES = {"full": (1024, 128, 128, 128, 256, 512), "tiny": (128, 16, 16, 16, 32, 64)}


class Crepe(nn.Module):
    """Six convolutions over 64 ms of sound, and 360 bins of 20 cents: how likely the pitch lies in each.

        x = maxpool2(norm(relu(conv(x))))  six times;  y = sigmoid(W x + b)

    size: "full" (22 M parameters) or "tiny" (0.5 M).
    Input [N, 1024]: frames at 16 kHz, each with mean 0 and variance 1. Output [N, 360].

    >>> import udlfast as torch
    >>> tuple(Crepe("tiny").eval()(torch.randn(2, 1024)).shape)
    (2, 360)

    Source: Kim, Salamon, Li, Bello, CREPE: a convolutional representation for pitch estimation, 2018.
    """

    def __init__(self, size="full"):
        super().__init__()
        if size not in SIZES:
            raise ValueError(f"Crepe: unknown size {size!r}; known: {', '.join(SIZES)}")
        channels = 1
        for i, filters in enumerate(SIZES[size], 1):
            length, stride = (512, 4) if i == 1 else (64, 1)
            setattr(self, f"conv{i}", nn.Conv2d(channels, filters, (length, 1), (stride, 1)))
            setattr(self, f"conv{i}_BN", nn.BatchNorm2d(filters, eps=1e-3, momentum=0.0))
            channels = filters
        self.classifier = nn.Linear(4 * channels, 360)

    def forward(self, x):
        x = x.reshape(x.shape[0], 1, -1, 1)
        for i in range(1, 7):
            x = F.pad(x, (0, 0, 254, 254) if i == 1 else (0, 0, 31, 32))
            x = getattr(self, f"conv{i}_BN")(F.relu(getattr(self, f"conv{i}")(x)))
            x = F.max_pool2d(x, (2, 1), (2, 1))
        return self.classifier(x.squeeze(3).transpose(1, 2).flatten(1)).sigmoid()
