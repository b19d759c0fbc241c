"""Layers that find the number of their input channels in the first batch, and are ordinary layers from then on."""

from .. import _core, errors
from . import conv, linear, normalization, volumes
from ._state import EXTRA
from .parameter import UninitializedBuffer, UninitializedParameter, is_lazy

__all__ = ["LazyLinear"]  # and the layers of the table at the end of this file


class LazyModuleMixin:
    """Put before a layer's class: initialize_parameters(*inputs) runs before the first forward and gives all parameters a shape.

    `cls_to_become` is the class of the module afterwards; None: it stays what it is.

    Example:
        >>> import udlfast as torch
        >>> layer = torch.nn.LazyLinear(3)
        >>> layer
        LazyLinear(in_features=0, out_features=3, bias=True)
        >>> y = layer(torch.ones(2, 5))
        >>> layer
        Linear(in_features=5, out_features=3, bias=True)

    Source: PyTorch's class of that name.
    """

    cls_to_become = None
    _waiting = True  # for the first batch

    def __call__(self, *args, **kwargs):
        if self._waiting:
            self.initialize_parameters(*args, **kwargs)
            if self.has_uninitialized_params():
                raise RuntimeError(f"module {self._get_name()} has not been fully initialized by its initialize_parameters")
            if self.cls_to_become is not None:
                self.__class__ = self.cls_to_become
                return self(*args, **kwargs)
            self.__dict__["_waiting"] = False
        return super().__call__(*args, **kwargs)

    def initialize_parameters(self, *args, **kwargs):
        """Gives every uninitialized parameter its shape and values; takes what forward takes."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self):
        """Whether a parameter or buffer has no shape yet."""
        return any(is_lazy(self.__dict__[name]) for name, kind in self._kinds.items() if kind != "module")

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for name in self._kinds:
            if is_lazy(self.__dict__[name]) and prefix + name in destination:
                destination[prefix + name] = self.__dict__[name]

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        kept = {}
        for name, kind in list(self._kinds.items()):
            here, key = self.__dict__[name], prefix + name
            if kind == "module" or not is_lazy(here) or key not in state_dict or key.endswith(EXTRA):
                continue
            if is_lazy(state_dict[key]):  # both wait: there is nothing to copy
                kept[name] = here
                self.__dict__[name] = None
            else:
                _give_shape(self, name, state_dict[key].shape)
        part = {k: v for k, v in state_dict.items() if k.removeprefix(prefix) not in kept}
        super()._load_from_state_dict(part, prefix, *rest)
        self.__dict__.update(kept)


def _give_shape(module, name, shape):
    """Materialize a parameter or buffer of the module; a buffer becomes a plain tensor."""
    value = module.__dict__[name]
    if isinstance(value, UninitializedParameter):
        value.materialize(shape)
    else:
        module.__dict__[name] = _core.empty(tuple(shape), dtype=value.dtype)


def _wait(module, names, dtype, device):
    """Replace parameters and buffers by ones without a shape."""
    for name in names:
        kind = module._kinds[name]
        cls = UninitializedParameter if kind == "parameter" else UninitializedBuffer
        module.__dict__[name] = cls(device=device, dtype=dtype)


class LazyLinear(LazyModuleMixin, linear.Linear):
    """A Linear layer that takes in_features from its first input.

    Arguments:
        out_features, bias: as in Linear.
        Parameters: weight and bias, without a shape until the first call.

    Example:
        >>> import udlfast as torch
        >>> layer = torch.nn.LazyLinear(3)
        >>> tuple(layer(torch.ones(2, 5)).shape), type(layer).__name__
        ((2, 3), 'Linear')

    Source: PyTorch's class of that name.
    """

    cls_to_become = linear.Linear

    def __init__(self, out_features, bias=True, device=None, dtype=None):
        super().__init__(0, 0, bias)
        self.out_features = out_features
        _wait(self, ("weight", "bias") if bias else ("weight",), dtype, device)

    def reset_parameters(self):
        """Draws the parameters anew, once they have a shape."""
        if self.in_features and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input):
        """Takes in_features from the input [..., in_features]."""
        self.in_features = input.shape[-1]
        if self.has_uninitialized_params():
            _give_shape(self, "weight", (self.out_features, self.in_features))
            if self.bias is not None:
                _give_shape(self, "bias", (self.out_features,))
            self.reset_parameters()


class LazyConvolution(LazyModuleMixin):
    """What the lazy convolutions share."""

    def __init__(self, out_channels, *args, **kwargs):
        device, dtype = kwargs.pop("device", None), kwargs.pop("dtype", None)
        super().__init__(0, 0, *args, **kwargs)
        self.out_channels = out_channels
        _wait(self, ("weight", "bias") if self.bias is not None else ("weight",), dtype, device)

    def reset_parameters(self):
        """Draws the parameters anew, once they have a shape."""
        if self.in_channels and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input, *args, **kwargs):
        """Takes in_channels from the input [N, C, ...] or [C, ...]."""
        n = self.dimensions
        if input.ndim not in (n + 1, n + 2):
            raise errors.ShapeError(f"{type(self).__name__}: expected {n + 1}D or {n + 2}D input, got {list(input.shape)}")
        self.in_channels = input.shape[-n - 1]
        if not self.has_uninitialized_params():
            return
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise errors.ArgumentError(
                f"{type(self).__name__}: in_channels and out_channels must be divisible by groups, got {self.in_channels}, "
                f"{self.out_channels} and {self.groups}"
            )
        first, second = (self.in_channels, self.out_channels) if self.transposed else (self.out_channels, self.in_channels)
        _give_shape(self, "weight", (first, second // self.groups, *self.kernel_size))
        if self.bias is not None:
            _give_shape(self, "bias", (self.out_channels,))
        self.reset_parameters()


class LazyNorm(LazyModuleMixin):
    """What the lazy batch and instance norms share; instance norms too have weights and statistics unless told otherwise."""

    def __init__(self, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None, *, bias=True):
        super().__init__(0, eps, momentum, affine, track_running_stats, bias=bias)
        names = [n for n in ("weight", "bias", "running_mean", "running_var") if self.__dict__[n] is not None]
        _wait(self, names, dtype, device)

    def reset_parameters(self):
        """Scale 1, shift 0, no statistics, once there is a shape."""
        if self.num_features and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input):
        """Takes num_features from the input [N, C, ...] (or, for instance norm, [C, ...])."""
        single = isinstance(self, normalization.InstanceNorm) and input.ndim == self.ranks[0]
        self.num_features = input.shape[0 if single else 1]
        if not self.has_uninitialized_params():
            return
        for name in ("weight", "bias", "running_mean", "running_var"):
            if is_lazy(self.__dict__[name]):
                _give_shape(self, name, (self.num_features,))
        self.reset_parameters()


_DOC = """{cls} that takes {what} from its first input.

    Arguments:
        as {cls}'s, without {what}.

    Example:
        >>> import udlfast as torch
        >>> layer = torch.nn.Lazy{cls}({arguments})
        >>> y = layer(torch.ones({shape}))
        >>> type(layer).__name__, layer.{what}
        ('{cls}', 3)

    Source: PyTorch's class of that name.
    """


def _make(cls, mixin, what, arguments, rank):
    name, shape = "Lazy" + cls.__name__, ", ".join(["2", "3", *["5"] * (rank - 2)])
    text = _DOC.format(cls=cls.__name__, what=what, arguments=arguments, shape=shape)
    globals()[name] = type(cls)(name, (mixin, cls), {"__doc__": text, "__module__": __name__, "cls_to_become": cls})
    __all__.append(name)


for _cls in (conv.Conv1d, conv.Conv2d, volumes.Conv3d, conv.ConvTranspose1d, conv.ConvTranspose2d, volumes.ConvTranspose3d):
    _make(_cls, LazyConvolution, "in_channels", "4, 3", _cls.dimensions + 2)
for _cls in (normalization.BatchNorm1d, normalization.BatchNorm2d, volumes.BatchNorm3d,
             normalization.InstanceNorm1d, normalization.InstanceNorm2d, volumes.InstanceNorm3d):  # fmt: skip
    _make(_cls, LazyNorm, "num_features", "", _cls.ranks[-1])
