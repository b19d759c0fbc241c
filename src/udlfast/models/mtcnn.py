"""MTCNN's three networks that find faces, under the parameter names of facenet-pytorch."""
from .. import nn


class _Net(nn.Module):
    """Convolutions with PReLU and max-pooling, under the names conv1, prelu1, pool1, ...; filters: (channels, kernel, pool or None)."""

    def __init__(self, *filters):
        super().__init__()
        channels = 3
        self.steps = []
        for i, (out, kernel, pool) in enumerate(filters, 1):
            setattr(self, f"conv{i}", nn.Conv2d(channels, out, kernel))
            setattr(self, f"prelu{i}", nn.PReLU(out))
            self.steps += [f"conv{i}", f"prelu{i}"]
            if pool:
                setattr(self, f"pool{i}", nn.MaxPool2d(pool, 2, ceil_mode=True))
                self.steps.append(f"pool{i}")
            channels = out

    def features(self, x):
        for name in self.steps:
            x = getattr(self, name)(x)
        return x


class PNet(_Net):
    """Proposes faces anywhere in an image: for each place, how its box must move [N, 4, h, w], and no face or face [N, 2, h, w].

    Input [N, 3, H, W], at least 12 x 12, values (x - 127.5) / 128.
    """

    def __init__(self):
        super().__init__((10, 3, 2), (16, 3, None), (32, 3, None))
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(self, x):
        x = self.features(x)
        return self.conv4_2(x), self.conv4_1(x).softmax(1)


class RNet(_Net):
    """Judges proposals: boxes [N, 4] and no face or face [N, 2]. Input [N, 3, 24, 24]."""

    def __init__(self):
        super().__init__((28, 3, 3), (48, 3, 3), (64, 2, None))
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)

    def forward(self, x):
        x = self.features(x).permute(0, 3, 2, 1).flatten(1)  # the weights come from a library that has W before H
        x = self.prelu4(self.dense4(x))
        return self.dense5_2(x), self.dense5_1(x).softmax(1)


class ONet(_Net):
    """The last word: boxes [N, 4], five points of the face [N, 10], no face or face [N, 2]. Input [N, 3, 48, 48].

    >>> import udlfast as torch
    >>> [tuple(y.shape) for y in ONet()(torch.randn(2, 3, 48, 48))]
    [(2, 4), (2, 10), (2, 2)]

    Source (all three): Zhang, Zhang, Li, Qiao, Joint face detection and alignment using multitask cascaded convolutional
    networks, 2016.
    """

    def __init__(self):
        super().__init__((32, 3, 3), (64, 3, 3), (64, 3, 2), (128, 2, None))
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2, self.dense6_3 = nn.Linear(256, 2), nn.Linear(256, 4), nn.Linear(256, 10)

    def forward(self, x):
        x = self.features(x).permute(0, 3, 2, 1).flatten(1)
        x = self.prelu5(self.dense5(x))
        return self.dense6_2(x), self.dense6_3(x), self.dense6_1(x).softmax(1)
