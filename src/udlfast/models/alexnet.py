"""AlexNet, under torchvision's parameter names."""
from .. import nn
from ._images import check_images, named


class AlexNet(nn.Module):
    """Five convolutions and three fully connected layers: the one-column form of the network that won ImageNet 2012.

    num_classes: outputs. dropout: before the first two linear layers. channels: C of the input.
    Input [N, C, H, W] with H, W of at least 63 (made for 224); output [N, num_classes].

    >>> import udlfast as torch
    >>> net = AlexNet(num_classes=2).eval()
    >>> tuple(net(torch.zeros(1, 3, 64, 64)).shape)
    (1, 2)

    Source: Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014; Understanding Deep
    Learning, section 10.5.1.
    """

    def __init__(self, num_classes=1000, dropout=0.5, channels=3):
        super().__init__()
        self.channels = channels
        self.features = nn.Sequential(
            nn.Conv2d(channels, 64, 11, stride=4, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2))
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(256 * 36, 4096), nn.ReLU(inplace=True),
            nn.Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, num_classes))

    def forward(self, x):
        check_images("AlexNet", x, self.channels, 63)
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


alexnet = named("alexnet", AlexNet, "AlexNet: 61.1 million parameters.")
