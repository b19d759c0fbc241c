"""A small residual network for images and sequences."""
from .. import nn
from ..errors import check_repeats
from ..nn import functional as F


class BasicBlock(nn.Module):
    """y = relu(bn(conv(relu(bn(conv(x))))) + shortcut(x)); the shortcut is a 1x1 convolution where shapes change."""

    def __init__(self, conv, norm, channels, outputs, stride):
        super().__init__()
        self.conv1 = conv(channels, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = norm(outputs)
        self.conv2 = conv(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = norm(outputs)
        self.downsample = None
        if stride != 1 or channels != outputs:
            self.downsample = nn.Sequential(conv(channels, outputs, 1, stride=stride, bias=False), norm(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + shortcut)


class ResNet(nn.Module):
    """A stem, then stages of basic blocks, each stage at half the resolution of the one before, then a mean and a
    linear layer.

    channels: C of the input. classes: outputs. dims: 2 for images [N, C, H, W], 1 for sequences [N, C, L].
    widths: channels of each stage. blocks: basic blocks in a stage. Output [N, classes].

    Source: He, Zhang, Ren, Sun, Deep residual learning for image recognition, 2016, section 4.2;
    Understanding Deep Learning, chapter 11.
    """

    def __init__(self, channels=1, classes=10, dims=2, widths=(16, 32, 64), blocks=1):
        super().__init__()
        if dims not in (1, 2):
            raise ValueError(f"ResNet: expected inputs of 1 or 2 dimensions besides channels, got {dims}")
        check_repeats("ResNet: blocks", blocks)
        conv, norm = (nn.Conv1d, nn.BatchNorm1d) if dims == 1 else (nn.Conv2d, nn.BatchNorm2d)
        self.conv1 = conv(channels, widths[0], 3, padding=1, bias=False)
        self.bn1 = norm(widths[0])
        stages, inputs = [], widths[0]
        for k, width in enumerate(widths):
            for j in range(blocks):
                stages.append(BasicBlock(conv, norm, inputs, width, 2 if k and not j else 1))
                inputs = width
        self.layers = nn.Sequential(*stages)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.layers(F.relu(self.bn1(self.conv1(x))))
        return self.fc(x.flatten(2).mean(2))
