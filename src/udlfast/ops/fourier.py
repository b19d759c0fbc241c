"""Short-time Fourier transforms and their windows."""
import numpy as np

from .. import _core
from .._core import Tensor, attach, extend
from ..errors import ArgumentError, DTypeError, ShapeError
from ._common import tensor, whole
from ._complex import ComplexTensor
from ._fourier import c2c, c2r, r2c
from ._windows import cosines, finish, kaiser_array, triangle_array


# ---- frames and their sum --------------------------------------------------------------------------------------------------
def _frames(x, size, hop):
    """[..., T, size]: slices of x [..., L], hop apart."""
    a = np.lib.stride_tricks.sliding_window_view(x.detach().numpy(), size, -1)[..., ::hop, :]
    return attach(_core.from_numpy(np.array(a, order="C")), (x,), frames_backward, args=(hop, x.shape[-1]))


def frames_backward(node, g):
    """Each element gets the sum over the frames that hold it."""
    hop, length = node.args
    return (_overlap_add(g, hop, length),)


def _overlap_add(f, hop, length):
    """[..., length]: frames [..., T, size] added where they came from."""
    a = f.detach().numpy()
    count, size = a.shape[-2:]
    parts = -(-size // hop)
    out = np.zeros((*a.shape[:-2], count + parts, hop), a.dtype)
    for r in range(parts):
        piece = a[..., r * hop:(r + 1) * hop]
        out[..., r:r + count, :piece.shape[-1]] += piece
    out = out.reshape(*a.shape[:-2], -1)
    y = np.zeros((*a.shape[:-2], length), a.dtype)
    n = min(length, out.shape[-1])
    y[..., :n] = out[..., :n]
    return attach(_core.from_numpy(y), (f,), overlap_add_backward, args=(size, hop))


def overlap_add_backward(node, g):
    """The frames of g."""
    return (_frames(g, *node.args),)


def _window(op, window, win_length, n_fft, dtype):
    """The window in the middle of n_fft elements."""
    if window is None:
        window = _core.ones(win_length, dtype=dtype)
    if isinstance(window, ComplexTensor) or window.ndim != 1 or window.shape[0] != win_length:
        raise ArgumentError(f"{op}: expected a real 1D window tensor of size equal to win_length={win_length}, got "
                            f"{list(window.shape)}")
    if win_length == n_fft:
        return window
    left = (n_fft - win_length) // 2
    from .joining import cat
    return cat([_core.zeros(left, dtype=window.dtype), window, _core.zeros(n_fft - win_length - left, dtype=window.dtype)])


def _lengths(op, n_fft, hop_length, win_length):
    n_fft = whole(op, "n_fft", n_fft, low=1)
    hop = max(1, n_fft // 4) if hop_length is None else whole(op, "hop_length", hop_length, low=1)
    win = n_fft if win_length is None else whole(op, "win_length", win_length, low=1, high=n_fft)
    return n_fft, hop, win


def stft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode="reflect", normalized=False,
         onesided=None, return_complex=None, align_to_window=None):
    """The short-time Fourier transform: the spectrum of each frame of a signal.

    X[k, t] = sum_j window[j] x[t hop + j] e^(-2 pi i jk / n_fft)

    Args:
        input: [L] or [B, L], real or complex
        n_fft: elements of a frame
        hop_length: from one frame to the next; n_fft / 4 by default
        win_length: elements of the window, which stands in the middle of the frame; n_fft by default
        window: [win_length], ones by default
        center: pad both ends by n_fft / 2 (by pad_mode), so that frame t has its middle at t hop
        normalized: divide by sqrt(n_fft)
        onesided: only frequencies 0 .. n_fft / 2; by default for real input
        return_complex: complex numbers, or pairs in a last dimension of size 2; must be said for real input
    Returns: [B, N, T] complex numbers, or [B, N, T, 2]
    Raises: ArgumentError, ShapeError

    >>> import udlfast as torch
    >>> torch.stft(torch.ones(16), 4, window=torch.hann_window(4), return_complex=True).shape
    udlfast.Size([3, 17])

    Source: Griffin and Lim 1984.
    """
    op = "stft"
    is_complex = isinstance(input, ComplexTensor)
    if not is_complex:
        tensor(op, input)
        if not input.dtype.is_floating_point:
            raise DTypeError(f"{op}: expected a tensor of floating point or complex values, got {input.dtype}")
    if return_complex is None:
        if not is_complex:
            raise ArgumentError(f"{op}: return_complex must be given for real inputs; return_complex=True is what most programs want")
        return_complex = True
    if center and align_to_window is not None:
        raise ArgumentError(f"{op}: align_to_window should only be set when center = False")
    n_fft, hop, win = _lengths(op, n_fft, hop_length, win_length)
    if input.ndim not in (1, 2):
        raise ShapeError(f"{op}: expected a signal [L] or [B, L], got {list(input.shape)}")
    onesided = not is_complex if onesided is None else onesided
    if onesided and is_complex:
        raise ArgumentError(f"{op}: a complex signal has no one-sided spectrum; pass onesided=False")
    parts = [input.real, input.imag] if is_complex else [input]
    parts = [x if x.ndim == 2 else x.unsqueeze(0) for x in parts]
    if center or align_to_window:
        side = n_fft // 2 if center else (n_fft - win) // 2
        from .pad import pad
        parts = [pad(x.unsqueeze(1), (side, side), mode=pad_mode if center else "constant").squeeze(1) for x in parts]
    if not 0 < n_fft <= parts[0].shape[-1]:
        raise ArgumentError(f"{op}: expected 0 < n_fft <= {parts[0].shape[-1]} (the length of the signal), got {n_fft}")
    window = _window(op, window, win, n_fft, parts[0].dtype)
    parts = [_frames(x, n_fft, hop) * window for x in parts]
    scale = n_fft**-0.5 if normalized else 1.0
    if onesided:
        pair = r2c(parts[0], 2, scale)
    else:
        from .joining import stack
        pair = c2c(stack([parts[0], parts[1] if is_complex else _core.zeros_like(parts[0])], -1), (2,), False, scale)
    pair = pair.transpose(1, 2)
    pair = pair if input.ndim == 2 else pair.squeeze(0)
    return ComplexTensor(pair) if return_complex else pair


def istft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, normalized=False, onesided=None, length=None,
          return_complex=False):
    """The signal whose short-time Fourier transform is closest to the input: the inverse of stft.

    x[i] = sum_t window[i - t hop] frame_t[i - t hop] / sum_t window[i - t hop]^2

    Args:
        input: [N, T] or [B, N, T], complex (or pairs [..., 2])
        n_fft, hop_length, win_length, window, center, normalized, onesided: as given to stft
        length: of the signal, if the frames do not say it
        return_complex: for spectra of complex signals
    Returns: [L] or [B, L]
    Raises: ArgumentError if the windows leave gaps

    >>> import udlfast as torch
    >>> z = torch.stft(torch.ones(16), 4, window=torch.hann_window(4), return_complex=True)
    >>> torch.allclose(torch.istft(z, 4, window=torch.hann_window(4)), torch.ones(16))
    True

    Source: Griffin and Lim 1984.
    """
    op = "istft"
    pair = input.pair if isinstance(input, ComplexTensor) else input
    if not isinstance(pair, Tensor) or pair.ndim not in (3, 4) or pair.shape[-1] != 2 or not isinstance(input, ComplexTensor):
        raise DTypeError(f"{op}: expected complex numbers [N, T] or [B, N, T], got {type(input).__name__} "
                         f"{list(getattr(input, 'shape', []))}; see view_as_complex")
    n_fft, hop, win = _lengths(op, n_fft, hop_length, win_length)
    single = pair.ndim == 3
    pair = pair.unsqueeze(0) if single else pair
    count = pair.shape[1]
    onesided = count != n_fft if onesided is None else onesided
    if count != (n_fft // 2 + 1 if onesided else n_fft):
        raise ShapeError(f"{op}: expected {n_fft // 2 + 1 if onesided else n_fft} frequencies for n_fft={n_fft}, got {count}")
    if return_complex and onesided:
        raise ArgumentError(f"{op}: a complex signal needs the two-sided spectrum; pass onesided=False")
    window = _window(op, window, win, n_fft, pair.dtype)
    pair = pair.transpose(1, 2)
    scale = n_fft**-0.5 if normalized else 1 / n_fft
    if return_complex:
        z = c2c(pair, (2,), True, scale)
        parts = [z.select(-1, 0), z.select(-1, 1)]
    else:
        parts = [c2r(pair.narrow(2, 0, n_fft // 2 + 1), n_fft, 2, scale)]
    total = n_fft + hop * (pair.shape[1] - 1)
    start = n_fft // 2 if center else 0
    stop = start + length if length is not None else total - n_fft // 2 if center else total
    squares = _overlap_add((window * window).expand(pair.shape[1], n_fft).contiguous(), hop, total)
    known = min(stop, total)
    squares = squares.narrow(0, start, known - start)
    if squares.numel() and float(squares.detach().abs().min()) < 1e-11:
        raise ArgumentError(f"{op}: the windows leave gaps: window overlap add min is {float(squares.detach().abs().min())}")
    out = [_overlap_add(f * window, hop, total).narrow(-1, start, known - start) / squares for f in parts]
    if stop > known:
        from .pad import pad
        out = [pad(x, (0, stop - known)) for x in out]
    out = [x.squeeze(0) for x in out] if single else out
    if return_complex:
        from ._complex import make
        return make(*out)
    return out[0]


# ---- windows ------------------------------------------------------------------------------------------------------------------
_DOC = """The window of {name} for {where}.

    w_n = {formula}, 0 <= n < N; periodic: divided by N, else by N - 1

    >>> import udlfast as torch
    >>> torch.{function}(4).shape
    udlfast.Size([4])

    Source: Harris 1978.
    """


def _cosine_window(function, name, formula, *coefficients):
    def window(window_length, periodic=True, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
        n = whole(function, "window_length", window_length)
        return finish(cosines(n, coefficients, not periodic), dtype, requires_grad)
    window.__name__ = window.__qualname__ = function
    window.__doc__ = _DOC.format(name=name, where="the frames of stft", formula=formula, function=function)
    return window


hann_window = _cosine_window("hann_window", "von Hann", "(1 - cos(2 pi n / N)) / 2", 0.5, 0.5)
blackman_window = _cosine_window("blackman_window", "Blackman", "0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)", 0.42, 0.5, 0.08)


def hamming_window(window_length, periodic=True, alpha=0.54, beta=0.46, *, dtype=None, layout=None, device=None, pin_memory=False,
                   requires_grad=False):
    """The window of Hamming: alpha - beta cos(2 pi n / N).

    >>> import udlfast as torch
    >>> torch.hamming_window(4).tolist()[2]
    1.0

    Source: Harris 1978.
    """
    n = whole("hamming_window", "window_length", window_length)
    return finish(cosines(n, (alpha, beta), not periodic), dtype, requires_grad)


def bartlett_window(window_length, periodic=True, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """The triangular window of Bartlett: 1 - |2 n / N - 1|.

    >>> import udlfast as torch
    >>> torch.bartlett_window(4).tolist()
    [0.0, 0.5, 1.0, 0.5]

    Source: Harris 1978.
    """
    n = whole("bartlett_window", "window_length", window_length)
    return finish(triangle_array(n, not periodic), dtype, requires_grad)


def kaiser_window(window_length, periodic=True, beta=12.0, *, dtype=None, layout=None, device=None, pin_memory=False,
                  requires_grad=False):
    """The window of Kaiser: I_0(beta sqrt(1 - (2 n / N - 1)^2)) / I_0(beta).

    >>> import udlfast as torch
    >>> torch.kaiser_window(4).tolist()[2]
    1.0

    Source: Harris 1978.
    """
    n = whole("kaiser_window", "window_length", window_length)
    return finish(kaiser_array(n, beta, not periodic), dtype, requires_grad)


extend("stft", stft)
extend("istft", istft)
