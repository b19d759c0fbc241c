"""U-Net: from an image to a map of the same size."""
from .. import nn
from ._images import check_images


def double_conv(channels, outputs):
    """conv, norm, ReLU, twice; padding keeps the size."""
    layers = []
    for inputs in (channels, outputs):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """An encoder that halves the resolution at each step, and a decoder that doubles it and sees the encoder's features
    of the same size again.

        e_0 = f_0(x),  e_k = f_k(pool(e_(k-1))),  d_K = e_K,  d_(k-1) = g_k(e_(k-1), up_k(d_k)),  y = W d_0 + b

    channels: C of the input. classes: maps in the output. widths: channels at each resolution. The paper's
    convolutions lose the border; here padding keeps it, and batch norm stands behind each.
    Input [N, C, H, W] with H, W multiples of 2^(len(widths) - 1); output [N, classes, H, W].

    >>> import udlfast as torch
    >>> net = UNet(channels=1, classes=2, widths=(4, 8, 16))
    >>> tuple(net(torch.zeros(1, 1, 16, 20)).shape)
    (1, 2, 16, 20)

    Source: Ronneberger, Fischer, Brox, U-Net: convolutional networks for biomedical image segmentation, 2015;
    Understanding Deep Learning, section 11.5.3.
    """

    def __init__(self, channels=3, classes=1, widths=(64, 128, 256, 512, 1024)):
        super().__init__()
        if not widths:
            raise ValueError("UNet: widths is empty, expected the channels of at least one resolution")
        self.channels, self.step = channels, 2 ** (len(widths) - 1)
        self.down = nn.ModuleList(double_conv(c, w) for c, w in zip((channels, *widths[:-1]), widths, strict=True))
        pairs = list(zip(widths[1:], widths[:-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(below, w, 2, stride=2) for below, w in pairs)
        self.join = nn.ModuleList(double_conv(2 * w, w) for _, w in pairs)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        from ..ops.joining import cat

        check_images("UNet", x, self.channels)
        if x.shape[2] % self.step or x.shape[3] % self.step:
            raise ValueError(f"UNet: expected H, W that are multiples of {self.step}, got {list(x.shape)}")
        kept = []
        for k, block in enumerate(self.down):
            x = block(nn.functional.max_pool2d(x, 2) if k else x)
            kept.append(x)
        for k in reversed(range(len(self.up))):
            x = self.join[k](cat([kept[k], self.up[k](x)], 1))
        return self.head(x)
