"""Convolutions."""

import udlfast as udl
from udlfast.nn import functional as F

from ...errors import ArgumentError, ShapeError
from .._registry import op


def spatial(node, x, kernel, dilations=None):
    """(strides, dilations, [(left, right)]) of a convolution or pooling, auto_pad worked out."""
    rank = len(kernel)
    strides, dilations = node.get("strides") or [1] * rank, dilations or node.get("dilations") or [1] * rank
    pads, auto = node.get("pads") or [0] * 2 * rank, node.get("auto_pad", "NOTSET")
    if x.dim() != rank + 2 or not len(strides) == len(dilations) == rank or len(pads) != 2 * rank:
        raise ShapeError(f"input {list(x.shape)}, kernel {list(kernel)}, strides {strides}, dilations {dilations}, pads {pads}")
    if min([*strides, *dilations, *kernel], default=1) < 1:
        raise ArgumentError(f"kernel {list(kernel)}, strides {strides} and dilations {dilations} must be positive")
    pairs = [(pads[i], pads[rank + i]) for i in range(rank)]
    if auto == "VALID":
        pairs = [(0, 0)] * rank
    elif auto != "NOTSET":
        pairs = []
        for n, k, s, d in zip(x.shape[2:], kernel, strides, dilations):
            need = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
            small, large = need // 2, need - need // 2
            pairs.append((small, large) if auto == "SAME_UPPER" else (large, small))
    return list(strides), list(dilations), pairs


def padded(node, x, pairs, value=0.0):
    """x with its spatial dimensions padded."""
    if not any(a or b for a, b in pairs):
        return x
    node.check_size([max(0, n + a + b) for n, (a, b) in zip(x.shape[2:], pairs)])
    return F.pad(x, [p for pair in reversed(pairs) for p in pair], "constant", value)


CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TURNED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def rank_of(w, table):
    if w.dim() - 2 not in table:
        raise ShapeError(f"the weight must have 3 to 5 dimensions, got {list(w.shape)}")
    return w.dim() - 2


@op("Conv")
def conv(node, x, w, b=None):
    rank = rank_of(w, CONV)
    strides, dilations, pairs = spatial(node, x, w.shape[2:])
    if any(a != b for a, b in pairs) or any(a < 0 for a, _ in pairs):
        x, pairs = padded(node, x, pairs), [(0, 0)] * rank
    return CONV[rank](x, w, b, strides, [a for a, _ in pairs], dilations, node.get("group", 1))


@op("ConvTranspose")
def conv_transpose(node, x, w, b=None):
    rank = rank_of(w, TURNED)
    kernel, group = w.shape[2:], node.get("group", 1)
    strides, dilations, pairs = spatial(node, x, kernel)
    extra = node.get("output_padding") or [0] * rank
    spans = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(x.shape[2:], strides, dilations, kernel)]
    want, auto = node.get("output_shape"), node.get("auto_pad", "NOTSET")
    if want:
        want = want[-rank:]
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        want = [n * s for n, s in zip(x.shape[2:], strides)]
    if want:
        node.check_size(want)
        pairs = []
        for span, e, n in zip(spans, extra, want):
            total = span + e - n
            small = total // 2
            pairs.append((small, total - small) if auto == "SAME_UPPER" else (total - small, small))
    if all(a == b >= 0 for a, b in pairs) and all(0 <= e < max(s, d) for e, s, d in zip(extra, strides, dilations)):
        return TURNED[rank](x, w, b, strides, [a for a, _ in pairs], extra, group, dilations)
    y = TURNED[rank](x, w, None, strides, 0, 0, group, dilations)
    y = padded(node, y, [(-a, e - c) for (a, c), e in zip(pairs, extra)])
    return y if b is None else y + b.reshape([-1] + [1] * rank)


@op("DeformConv")
def deform_conv(node, x, w, offset, b=None, mask=None):
    """Each tap of the filter reads the image at its own, moved place; then a product over channels and taps."""
    rank = rank_of(w, CONV)
    if rank != 2:
        raise ShapeError(f"is implemented for images, got weight {list(w.shape)}")
    (n, c, height, width), (m, per, kh, kw) = x.shape, w.shape
    strides, dilations, pairs = spatial(node, x, (kh, kw))
    group, offsets, taps = node.get("group", 1), node.get("offset_group", 1), kh * kw
    oh, ow = offset.shape[2:]
    move = offset.reshape(n, offsets, taps, 2, oh, ow)
    tap = udl.arange(taps)
    base_y = (udl.arange(oh) * strides[0] - pairs[0][0]).reshape(1, oh, 1) + (tap // kw * dilations[0]).reshape(-1, 1, 1)
    base_x = (udl.arange(ow) * strides[1] - pairs[1][0]).reshape(1, 1, ow) + (tap % kw * dilations[1]).reshape(-1, 1, 1)
    y, z = move[:, :, :, 0] + base_y.to(x.dtype), move[:, :, :, 1] + base_x.to(x.dtype)
    grid = udl.stack([2 * z / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], -1).reshape(n * offsets, taps * oh, ow, 2)
    if width == 1 or height == 1:
        raise ShapeError(f"the image {list(x.shape)} must have at least two rows and columns")
    seen = F.grid_sample(x.reshape(n * offsets, c // offsets, height, width), grid, align_corners=True)
    seen = seen.reshape(n, offsets, c // offsets, taps, oh, ow)
    if mask is not None:
        seen = seen * mask.reshape(n, offsets, 1, taps, oh, ow)
    columns = seen.reshape(n, group, c // group * taps, oh * ow)
    out = udl.matmul(w.reshape(group, m // group, per * taps), columns).reshape(n, m, oh, ow)
    return out if b is None else out + b.reshape(-1, 1, 1)


@op("CausalConvWithState")
def causal_conv(node, x, w, b=None, past=None):
    """A depthwise convolution along the last dimension that sees the past only; the past of a stream comes in and goes out."""
    reach = w.shape[-1] - 1
    if past is None:
        past = udl.zeros([*x.shape[:-1], reach], dtype=x.dtype)
    whole = udl.cat([past, x], -1)
    y = F.conv1d(whole, w, b, groups=x.shape[1])
    if node.get("activation", "none") in ("silu", "swish"):
        y = F.silu(y)
    return y, udl.narrow(whole, -1, whole.shape[-1] - reach, reach)
