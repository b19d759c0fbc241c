"""MobileNetV2 and EfficientNet-B0, under torchvision's parameter names: narrow blocks that widen for a depthwise convolution."""
import math

from .. import nn
from ._images import check_images, conv_norm, named, narrow_normal, start


class InvertedResidual(nn.Module):
    """x + project(depthwise(expand(x))), without x where shapes change."""

    def __init__(self, inputs, outputs, stride, expand):
        super().__init__()
        wide = round(inputs * expand)
        layers = [conv_norm(inputs, wide, 1, activation=nn.ReLU6)] if expand != 1 else []
        layers += [conv_norm(wide, wide, 3, stride, wide, nn.ReLU6), nn.Conv2d(wide, outputs, 1, bias=False),
                   nn.BatchNorm2d(outputs)]
        self.conv = nn.Sequential(*layers)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.shortcut else self.conv(x)


def _divisible(width, by=8):
    """width rounded to a multiple of `by`, not more than a tenth below it."""
    rounded = max(by, int(width + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * width else rounded


class MobileNetV2(nn.Module):
    """Inverted residual blocks with linear bottlenecks.

    num_classes: outputs. width_mult: factor on all widths. dropout: before the linear layer. channels: C of the input.
    Input [N, C, H, W], made for 224; output [N, num_classes].

    Source: Sandler, Howard, Zhu, Zhmoginov, Chen, MobileNetV2, 2018, table 2.
    """

    STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))

    def __init__(self, num_classes=1000, width_mult=1.0, dropout=0.2, channels=3):
        super().__init__()
        self.channels, inputs = channels, _divisible(32 * width_mult)
        layers = [conv_norm(channels, inputs, 3, 2, activation=nn.ReLU6)]
        for expand, width, count, stride in self.STAGES:
            outputs = _divisible(width * width_mult)
            for k in range(count):
                layers.append(InvertedResidual(inputs, outputs, 1 if k else stride, expand))
                inputs = outputs
        last = _divisible(1280 * max(1.0, width_mult))
        self.features = nn.Sequential(*layers, conv_norm(inputs, last, 1, activation=nn.ReLU6))
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(last, num_classes))
        start(self, narrow_normal)

    def forward(self, x):
        check_images("MobileNetV2", x, self.channels)
        return self.classifier(self.features(x).mean((2, 3)))


class SqueezeExcitation(nn.Module):
    """x times a weight for each channel, sigmoid(W2 silu(W1 mean(x) + b1) + b2) (Hu et al. 2018)."""

    def __init__(self, channels, squeezed):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = nn.SiLU()
        self.scale_activation = nn.Sigmoid()

    def forward(self, x):
        return self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(x))))) * x


class MBConv(nn.Module):
    """x + drop(project(squeeze(depthwise(expand(x))))), without x where shapes change; drop leaves out whole samples."""

    def __init__(self, inputs, outputs, kernel, stride, expand, drop):
        super().__init__()
        wide = _divisible(inputs * expand)
        layers = [conv_norm(inputs, wide, 1, activation=nn.SiLU)] if wide != inputs else []
        layers += [conv_norm(wide, wide, kernel, stride, wide, nn.SiLU), SqueezeExcitation(wide, max(1, inputs // 4)),
                   conv_norm(wide, outputs, 1, activation=None)]
        self.block = nn.Sequential(*layers)
        self.shortcut, self.drop = stride == 1 and inputs == outputs, drop

    def forward(self, x):
        y = self.block(x)
        if not self.shortcut:
            return y
        if self.training and self.drop > 0:  # one draw for each sample (stochastic depth, Huang et al. 2016)
            y = y * nn.functional.dropout(y.new_ones((y.shape[0], 1, 1, 1)), self.drop)
        return y + x


class EfficientNet(nn.Module):
    """EfficientNet-B0: inverted residual blocks with squeeze and excitation.

    num_classes: outputs. dropout: before the linear layer. stochastic_depth_prob: of leaving out the last block; it
    grows linearly from 0. channels: C of the input. Input [N, C, H, W], made for 224; output [N, num_classes].

    Source: Tan and Le, EfficientNet: rethinking model scaling for convolutional neural networks, 2019, table 1.
    """

    STAGES = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4),
              (6, 3, 1, 320, 1))

    def __init__(self, num_classes=1000, dropout=0.2, stochastic_depth_prob=0.2, channels=3):
        super().__init__()
        self.channels, inputs = channels, 32
        stages, done, total = [conv_norm(channels, 32, 3, 2, activation=nn.SiLU)], 0, sum(s[4] for s in self.STAGES)
        for expand, kernel, stride, width, count in self.STAGES:
            blocks = []
            for k in range(count):
                blocks.append(MBConv(inputs, width, kernel, 1 if k else stride, expand, stochastic_depth_prob * done / total))
                inputs, done = width, done + 1
            stages.append(nn.Sequential(*blocks))
        self.features = nn.Sequential(*stages, conv_norm(inputs, 4 * inputs, 1, activation=nn.SiLU))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * inputs, num_classes))
        start(self, _uniform_by_outputs)

    def forward(self, x):
        check_images("EfficientNet", x, self.channels)
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def _uniform_by_outputs(layer):
    bound = 1 / math.sqrt(layer.out_features)
    nn.init.uniform_(layer.weight, -bound, bound)
    nn.init.zeros_(layer.bias)


mobilenet_v2 = named("mobilenet_v2", MobileNetV2, "MobileNetV2: 3.5 million parameters.")
efficientnet_b0 = named("efficientnet_b0", EfficientNet, "EfficientNet-B0: 5.3 million parameters.")
