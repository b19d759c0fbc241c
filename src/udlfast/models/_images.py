"""What the networks for images share: convolution with norm, starting weights, and functions made from a table."""
from .. import nn


def conv_norm(channels, outputs, kernel=3, stride=1, groups=1, activation=nn.ReLU, eps=1e-5):
    """The layers conv, batch norm and, unless None, activation; padding keeps the size at stride 1."""
    layers = [nn.Conv2d(channels, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
              nn.BatchNorm2d(outputs, eps=eps)]
    return nn.Sequential(*layers, *([activation(inplace=activation is not nn.SiLU)] if activation else []))


def start(net, linear=None, mode="fan_out"):
    """Kaiming's normal weights for convolutions, 1 and 0 for norms, and for linear layers what linear(layer) does."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode=mode, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, (nn.BatchNorm2d, nn.GroupNorm)):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear) and linear is not None:
            linear(layer)


def narrow_normal(layer):
    """Linear layers as VGG and MobileNet start them: normal with deviation 0.01, bias 0."""
    nn.init.normal_(layer.weight, 0.0, 0.01)
    nn.init.zeros_(layer.bias)


def check_images(model, x, channels, least=1):
    """Refuse inputs that are not [N, channels, H, W] with H, W >= least."""
    shape = tuple(x.shape)
    if len(shape) != 4 or shape[1] != channels or min(shape[2:]) < least:
        size = f"H, W of at least {least}" if least > 1 else "H, W"
        raise ValueError(f"{model}: expected images [N, {channels}, H, W] with {size}, got {list(shape)}"
                         if least > 1 else f"{model}: expected images [N, {channels}, H, W], got {list(shape)}")


def named(name, make, about):
    """A function `name(*, weights=None, progress=True, **options)` that returns make(**options)."""

    def model(*, weights=None, progress=True, pretrained=False, **options):
        if weights is not None or pretrained:
            raise ValueError(f"{name}: no weights are downloaded here; build it with weights=None, then "
                             "net.load_state_dict(udlfast.load(path)) of a file that torchvision saved")
        return make(**options)

    model.__name__ = model.__qualname__ = name
    model.__module__ = make.__module__
    model.__doc__ = (f"{about}\n\nThe keys of its state_dict are those of torchvision.models.{name}. weights: None only, "
                     "nothing is downloaded. progress: ignored.\noptions: those of the class, such as num_classes and "
                     "channels (3). Raises ValueError for weights.")
    return model
