"""GoogLeNet (Inception, first version, with batch norm), under torchvision's parameter names."""
from collections import namedtuple

from .. import nn
from ..nn import functional as F
from ._images import check_images, named

GoogLeNetOutputs = namedtuple("GoogLeNetOutputs", "logits aux_logits2 aux_logits1")
GoogLeNetOutputs.__doc__ = """What GoogLeNet gives while training: its own scores and those of its two side branches."""

# (1x1, 3x3 after a 1x1, "5x5" after a 1x1, 1x1 after pooling) of each inception block
BLOCKS = {"3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
          "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64),
          "4d": (112, 144, 288, 32, 64, 64), "4e": (256, 160, 320, 32, 128, 128),
          "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128)}


class ConvNorm(nn.Module):
    """relu(bn(conv(x)))"""

    def __init__(self, channels, outputs, kernel, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(channels, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    """Four views of the same input side by side. As in torchvision, the branch the paper gives 5x5 filters has 3x3."""

    def __init__(self, channels, one, before3, three, before5, five, pooled):
        super().__init__()
        self.branch1 = ConvNorm(channels, one, 1)
        self.branch2 = nn.Sequential(ConvNorm(channels, before3, 1), ConvNorm(before3, three, 3, padding=1))
        self.branch3 = nn.Sequential(ConvNorm(channels, before5, 1), ConvNorm(before5, five, 3, padding=1))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), ConvNorm(channels, pooled, 1))

    def forward(self, x):
        from ..ops.joining import cat

        return cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class SideBranch(nn.Module):
    """A classifier in the middle of the network, for its gradient."""

    def __init__(self, channels, num_classes, dropout):
        super().__init__()
        self.conv = ConvNorm(channels, 128, 1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = self.conv(F.adaptive_avg_pool2d(x, 4)).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(x), inplace=True)))


class GoogLeNet(nn.Module):
    """Nine inception blocks, 22 layers deep, with two side classifiers that are used in training only.

    num_classes: outputs. aux_logits: with side classifiers: in training mode the output is GoogLeNetOutputs.
    transform_input: inputs normalised with ImageNet's means are brought to -1..1 (of the first three channels).
    init_weights: start from normal weights of deviation 0.01. dropout, dropout_aux: probabilities.
    channels: C of the input. Input [N, C, H, W] of at least 15 pixels, made for 224; output [N, num_classes].

    Source: Szegedy et al., Going deeper with convolutions, 2015; Understanding Deep Learning, section 10.5.1.
    """

    def __init__(self, num_classes=1000, aux_logits=True, transform_input=False, init_weights=True, dropout=0.2,
                 dropout_aux=0.7, channels=3):
        super().__init__()
        self.aux_logits, self.transform_input, self.channels = aux_logits, transform_input, channels
        self.conv1 = ConvNorm(channels, 64, 7, 2, 3)
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = ConvNorm(64, 64, 1)
        self.conv3 = ConvNorm(64, 192, 3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        inputs = 192
        for name, widths in BLOCKS.items():
            self.add_module(f"inception{name}", Inception(inputs, *widths))
            inputs = widths[0] + widths[2] + widths[4] + widths[5]
        self.maxpool3 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.maxpool4 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.aux1 = SideBranch(512, num_classes, dropout_aux) if aux_logits else None
        self.aux2 = SideBranch(528, num_classes, dropout_aux) if aux_logits else None
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, num_classes)
        if init_weights:
            for layer in self.modules():
                if isinstance(layer, (nn.Conv2d, nn.Linear)):
                    nn.init.normal_(layer.weight, 0.0, 0.01)  # torchvision cuts at 2, which is 200 deviations away

    def forward(self, x):
        check_images("GoogLeNet", x, self.channels, 15)
        x = _recentred(x) if self.transform_input else x
        x = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(x)))))
        x = self.inception4a(self.maxpool3(self.inception3b(self.inception3a(x))))
        side = self.training and self.aux_logits
        first = self.aux1(x) if side else None
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        second = self.aux2(x) if side else None
        x = self.inception5b(self.inception5a(self.maxpool4(self.inception4e(x))))
        x = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        return GoogLeNetOutputs(x, second, first) if side else x


def _recentred(x):
    """From ImageNet's means and deviations to mean and deviation 1/2 in each of three channels."""
    from ..ops.creation import tensor

    mean, deviation = tensor([0.485, 0.456, 0.406]), tensor([0.229, 0.224, 0.225])
    return x * (deviation / 0.5).view(1, 3, 1, 1) + ((mean - 0.5) / 0.5).view(1, 3, 1, 1)


googlenet = named("googlenet", GoogLeNet, "GoogLeNet: 6.6 million parameters, 13.0 with its side classifiers.")
