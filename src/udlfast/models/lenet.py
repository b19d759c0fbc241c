"""LeNet-5 and its shapes for small images and for sequences."""
from .. import nn


class LeNet(nn.Module):
    """Two convolutions with pooling, then three fully connected layers.

    28x28 images get LeNet-5's own filters: 6 and 16 channels of 5x5. Images of at most 16x16 pixels would lose too
    many rows that way: they get 32 and 64 channels of 3x3 with padding. Sequences [N, C, L] get the latter with
    filters of 5 points. ReLU and max-pooling stand where the paper had tanh and averages.

    channels: C of the input. size: (H, W), or (L,) for sequences; each at least 4. classes: outputs.
    Input [N, C, H, W] or [N, C, L]; output [N, classes].

    Source: LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to document recognition, 1998, section II;
    Understanding Deep Learning, chapter 10.
    """

    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        size = tuple(size)
        if len(size) not in (1, 2) or min(size) < 4:
            raise ValueError(f"LeNet: expected a size (L,) or (H, W) of at least 4, got {size}")
        if len(size) == 1:
            conv, pool, c1, c2, k, pads = nn.Conv1d, nn.MaxPool1d, 32, 64, 5, (2, 2)
        elif min(size) > 16:
            conv, pool, c1, c2, k, pads = nn.Conv2d, nn.MaxPool2d, 6, 16, 5, (2, 0)
        else:
            conv, pool, c1, c2, k, pads = nn.Conv2d, nn.MaxPool2d, 32, 64, 3, (1, 1)
        features = c2
        for n in size:  # padding (k - 1) / 2 keeps n, none takes k - 1 away; each pooling halves
            features *= (n // 2 + 2 * pads[1] - k + 1) // 2
        self.features = nn.Sequential(
            conv(channels, c1, k, padding=pads[0]), nn.ReLU(), pool(2),
            conv(c1, c2, k, padding=pads[1]), nn.ReLU(), pool(2))
        self.classifier = nn.Sequential(
            nn.Linear(features, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))
