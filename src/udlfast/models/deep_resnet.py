"""The residual networks of ImageNet, under torchvision's parameter names."""
from .. import nn
from ..errors import check_repeats
from ._images import check_images, named, start
from .resnet import BasicBlock


class Bottleneck(nn.Module):
    """y = relu(bn(1x1(relu(bn(3x3(relu(bn(1x1(x)))))))) + shortcut(x)), four times as wide outside as within."""

    expansion = 4

    def __init__(self, inputs, width, stride, groups=1, width_per_group=64):
        super().__init__()
        inner, outputs = int(width * width_per_group / 64) * groups, 4 * width
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        return self.relu(self.bn3(self.conv3(y)) + shortcut)


def _basic(inputs, width, stride, groups, width_per_group):
    if groups != 1 or width_per_group != 64:
        raise ValueError("DeepResNet: groups and width_per_group are options of bottleneck blocks")
    return BasicBlock(nn.Conv2d, nn.BatchNorm2d, inputs, width, stride)


class DeepResNet(nn.Module):
    """A stem at a quarter of the resolution, four stages of residual blocks, a mean and a linear layer.

    layers: blocks of each stage. bottleneck: blocks of 1x1, 3x3, 1x1 convolutions instead of two 3x3.
    num_classes: outputs. zero_init_residual: the last norm of each block starts from 0. groups, width_per_group: of
    the 3x3 convolution in a bottleneck (ResNeXt, wide networks). channels: C of the input. small: a stem of one 3x3
    convolution at full resolution, for images of about 32 pixels. Input [N, C, H, W]; output [N, num_classes].

    >>> import udlfast as torch
    >>> net = DeepResNet((1, 1, 1, 1), num_classes=5)
    >>> tuple(net(torch.zeros(2, 3, 64, 64)).shape)
    (2, 5)

    Source: He, Zhang, Ren, Sun, Deep residual learning for image recognition, 2016; Understanding Deep Learning,
    section 11.5.
    """

    def __init__(self, layers=(2, 2, 2, 2), bottleneck=False, num_classes=1000, zero_init_residual=False, groups=1,
                 width_per_group=64, channels=3, small=False):
        super().__init__()
        self.channels, inputs = channels, 64
        self.conv1 = nn.Conv2d(channels, 64, 3, padding=1, bias=False) if small else \
            nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, 1)
        block, expansion = (Bottleneck, 4) if bottleneck else (_basic, 1)
        for stage, count in enumerate(layers):
            width, blocks = 64 << stage, []
            check_repeats("DeepResNet: blocks of a stage", count)
            for k in range(count):
                blocks.append(block(inputs, width, 2 if stage and not k else 1, groups, width_per_group))
                inputs = expansion * width
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.stages = len(layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, num_classes)
        start(self)
        if zero_init_residual:
            for m in self.modules():
                if isinstance(m, (Bottleneck, BasicBlock)):
                    nn.init.zeros_((m.bn3 if bottleneck else m.bn2).weight)

    def forward(self, x):
        check_images("DeepResNet", x, self.channels)
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(self.avgpool(x).flatten(1))


def _resnet(name, layers, bottleneck, about="", **fixed):
    def make(**options):
        return DeepResNet(layers, bottleneck, **{**fixed, **options})

    return named(name, make, about or f"The residual network of {name.removeprefix('resnet')} layers.")


resnet18 = _resnet("resnet18", (2, 2, 2, 2), False)
resnet34 = _resnet("resnet34", (3, 4, 6, 3), False)
resnet50 = _resnet("resnet50", (3, 4, 6, 3), True)
resnet101 = _resnet("resnet101", (3, 4, 23, 3), True)
resnet152 = _resnet("resnet152", (3, 8, 36, 3), True)
resnext50_32x4d = _resnet("resnext50_32x4d", (3, 4, 6, 3), True, "ResNeXt of 50 layers: 32 groups of 4 channels (Xie et al. 2017).",
                          groups=32, width_per_group=4)
wide_resnet50_2 = _resnet("wide_resnet50_2", (3, 4, 6, 3), True, "ResNet-50 with 3x3 convolutions twice as wide (Zagoruyko and "
                          "Komodakis 2016).", width_per_group=128)
