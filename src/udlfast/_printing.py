"""How tensors are shown: PyTorch's text, number for number."""

import math

OPTIONS = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """Set how tensors are printed; None leaves an option as it is.

    Args:
        precision: digits after the point (4).
        threshold: number of elements from which the middle is left out (1000).
        edgeitems: how many elements are then shown at each end (3).
        linewidth: characters a line (80).
        profile: "default", "short" or "full" set several at once.
        sci_mode: True or False force scientific notation on or off.

    >>> import udlfast as torch
    >>> torch.set_printoptions(precision=2)
    >>> torch.tensor([1.2345])
    tensor([1.23])
    >>> torch.set_printoptions(profile="default")
    """
    profiles = {"default": (4, 1000, 3), "short": (2, 1000, 2), "full": (4, math.inf, 3)}
    if profile is not None:
        OPTIONS["precision"], OPTIONS["threshold"], OPTIONS["edgeitems"] = profiles[profile]
        OPTIONS["linewidth"] = 80
    new = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    OPTIONS.update({k: v for k, v in new.items() if v is not None})
    OPTIONS["sci_mode"] = sci_mode


class _Formatter:
    """One number format for all elements that are shown: integers, decimals or scientific."""

    def __init__(self, values, floating):
        self.floating, self.width = floating, 1
        self.int_mode, self.sci = True, False
        if not floating:
            for v in values:
                self.width = max(self.width, len(str(v)))
            return
        finite = [v for v in values if math.isfinite(v) and v != 0]
        if finite:
            sizes = [abs(v) for v in finite]
            self.int_mode = all(v == math.ceil(v) for v in finite)
            big, small = max(sizes), min(sizes)
            self.sci = big / small > 1000.0 or big > 1.0e8 or (not self.int_mode and small < 1.0e-4)
        if OPTIONS["sci_mode"] is not None:
            self.sci = OPTIONS["sci_mode"]
        for v in finite:
            self.width = max(self.width, len(self._text(v)))

    def _text(self, v):
        if self.sci:
            return f"{v:.{OPTIONS['precision']}e}"
        if self.int_mode:
            return f"{v:.0f}" + ("" if math.isinf(v) or math.isnan(v) else ".")
        return f"{v:.{OPTIONS['precision']}f}"

    def format(self, v):
        text = self._text(v) if self.floating else str(v)
        return text.rjust(self.width)


def _summarised(t):
    """Whether the middle of t is left out."""
    return t.numel() > OPTIONS["threshold"]


def _shown(t):
    """The values that appear in print, as a flat list."""
    if not _summarised(t):
        return t.reshape(-1).tolist()
    e, out = OPTIONS["edgeitems"], []

    def walk(x):
        if x.ndim == 0:
            out.append(x.item())
        elif x.shape[0] > 2 * e:
            for i in list(range(e)) + list(range(x.shape[0] - e, x.shape[0])):
                walk(x[i])
        else:
            for i in range(x.shape[0]):
                walk(x[i])
    walk(t)
    return out


def _block(t, indent, summarise, fmt):
    """The nested brackets of t; continuation lines are indented by `indent`."""
    e = OPTIONS["edgeitems"]
    if t.ndim == 0:
        return fmt.format(t.item())
    if t.ndim == 1:
        per_line = max(1, int((OPTIONS["linewidth"] - indent) // (fmt.width + 2)))
        if summarise and t.shape[0] > 2 * e:
            cells = [fmt.format(v) for v in t[:e].tolist()] + [" ..."] + [fmt.format(v) for v in t[-e:].tolist()]
        else:
            cells = [fmt.format(v) for v in t.tolist()]
        lines = [", ".join(cells[i:i + per_line]) for i in range(0, len(cells), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    if summarise and t.shape[0] > 2 * e:
        parts = [_block(t[i], indent + 1, summarise, fmt) for i in range(e)] + ["..."]
        parts += [_block(t[i], indent + 1, summarise, fmt) for i in range(t.shape[0] - e, t.shape[0])]
    else:
        parts = [_block(t[i], indent + 1, summarise, fmt) for i in range(t.shape[0])]
    return "[" + ("," + "\n" * (t.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def numbers_text(t, indent):
    """The numbers of a tensor off the tape, in brackets; continuation lines are indented by `indent`."""
    if t.numel() == 0:
        return "[]"
    values = t.float() if t.dtype.narrow else t
    return _block(values, indent, _summarised(values), _Formatter(_shown(values), t.is_floating_point()))


def tensor_repr(self):
    """The text of a tensor (see set_printoptions)."""
    from . import _core as c

    suffixes = []
    prefix = "tensor("
    t = self.detach()
    default = t.dtype in (c.get_default_dtype(), c.int64, c.bool_)
    if t.numel() == 0:
        if t.ndim != 1:
            suffixes.append(f"size={tuple(t.shape)}")
        if t.dtype is not c.get_default_dtype():
            suffixes.append(f"dtype={t.dtype}")
        body = "[]"
    else:
        if not default:
            suffixes.append(f"dtype={t.dtype}")
        body = numbers_text(t, len(prefix))
    if self.grad_fn is not None:
        suffixes.append(f"grad_fn={self.grad_fn!r}")
    elif self.requires_grad:
        suffixes.append("requires_grad=True")
    text = _add_suffixes(prefix + body, suffixes, len(prefix), "\n" in body)
    if type(self).__name__ == "Parameter":
        return "Parameter containing:\n" + text
    return text


def _add_suffixes(text, suffixes, indent, multiline):
    """The suffixes behind the numbers, on a new line where they would run over the edge."""
    lines = [text]
    last = len(text) - text.rfind("\n") + 1
    for s in suffixes:
        if last + len(s) + 2 > OPTIONS["linewidth"]:
            lines.append(",\n" + " " * indent + s)
            last = indent + len(s)
        else:
            lines.append(", " + s)
            last += len(s) + 2
    return "".join(lines) + ")"
