"""The VGG networks, under torchvision's parameter names."""
from .. import nn
from ._images import check_images, named, narrow_normal, start

WIDTHS = (64, 128, 256, 512, 512)
STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


def features(depth, batch_norm=False, channels=3):
    """The convolutions of a VGG network of 11, 13, 16 or 19 layers, each stage closed by a pooling."""
    layers = []
    for width, count in zip(WIDTHS, STAGES[depth], strict=True):
        for _ in range(count):
            layers.append(nn.Conv2d(channels, width, 3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU(inplace=True))
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


class VGG(nn.Module):
    """Stages of 3x3 convolutions, each at half the resolution and up to twice the channels of the one before, then
    three linear layers.

    features: the convolutions, a network that gives 512 channels. num_classes: outputs. init_weights: start from
    Kaiming's weights. dropout: after the first two linear layers. Input [N, C, H, W], made for 224 and H, W of at
    least 32; output [N, num_classes].

    Source: Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, 2015;
    Understanding Deep Learning, section 10.5.1.
    """

    def __init__(self, features, num_classes=1000, init_weights=True, dropout=0.5):
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 49, 4096), nn.ReLU(inplace=True), nn.Dropout(dropout),
            nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(4096, num_classes))
        if init_weights:
            start(self, narrow_normal)

    def forward(self, x):
        check_images("VGG", x, self.features[0].in_channels, 32)
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def _vgg(depth, batch_norm):
    def make(channels=3, **options):
        return VGG(features(depth, batch_norm, channels), **options)

    name = f"vgg{depth}_bn" if batch_norm else f"vgg{depth}"
    return named(name, make, f"VGG of {depth} layers{' with batch norm' * batch_norm}.")


vgg11, vgg13, vgg16, vgg19 = (_vgg(depth, False) for depth in STAGES)
vgg11_bn, vgg13_bn, vgg16_bn, vgg19_bn = (_vgg(depth, True) for depth in STAGES)
