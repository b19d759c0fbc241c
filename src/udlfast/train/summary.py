"""A network in a table: layers, shapes, parameters, operations, memory of activations."""

from .. import no_grad


class Row:
    """One module of a summary: name, depth, kind, shape (of its output, None if it was not called), parameters (of its own and of
    those inside), trainable, operations (floating-point, one forward pass), bytes (of its output, if it holds no other module)."""

    def __init__(self, name, depth, module, leaf):
        self.name, self.depth, self.kind, self.leaf = name, depth, type(module).__name__, leaf
        self.shape, self.operations, self.bytes = None, 0, 0
        self.parameters = self.trainable = 0


class Summary:
    """What `summary` found: rows, parameters, trainable, operations, activation_bytes, parameter_bytes; print it for the table."""

    def __init__(self, rows, model, shapes):
        self.rows, self.input_shapes = rows, shapes
        self.parameters, self.trainable = _count(model)
        self.operations = sum(r.operations for r in rows)
        self.activation_bytes = sum(r.bytes for r in rows)
        self.parameter_bytes = sum(p.numel() * p.element_size() for p in _distinct(model))

    def __str__(self):
        head = ("layer", "kind", "output", "parameters", "operations")
        table = [(("  " * r.depth + r.name) or "(model)", r.kind, "" if r.shape is None else str(r.shape),
                  f"{r.parameters:,}" if r.parameters else "", _short(r.operations)) for r in self.rows]  # fmt: skip
        widths = [max(len(line[i]) for line in (head, *table)) for i in range(5)]
        lines = []
        for cells in (head, *table):
            padded = (cell.rjust(w) if i > 2 else cell.ljust(w) for i, (cell, w) in enumerate(zip(cells, widths, strict=True)))
            lines.append("  ".join(padded).rstrip())
        rule = "-" * max(map(len, lines))
        return "\n".join((
            lines[0], rule, *lines[1:], rule, f"input {', '.join(map(str, self.input_shapes))}",
            f"{self.parameters:,} parameters ({self.trainable:,} trainable), {self.parameter_bytes / 2**20:.2f} MiB",
            f"{_short(self.operations) or '0'} operations forward, {self.activation_bytes / 2**20:.2f} MiB of outputs",
        ))  # fmt: skip

    __repr__ = __str__


def summary(model, *inputs):
    """The layers of `model` with the shapes that `inputs` give them, their parameters and their floating-point operations.

    A multiply-add counts as two operations. Counted are linear, convolution, recurrent and attention layers; what a model computes
    outside of layers (functions, operators) is not seen, nor are element-wise layers, whose cost is their memory. Activation
    memory is the sum of the outputs of innermost layers: what a training step keeps, before anything is shared or dropped.

    Arguments:
        model: a Module; it is called once in eval mode without gradients, and its mode is put back.
        inputs: tensors, or shapes (tuples of whole numbers) for which zeros are taken.

    Returns: a Summary; print it for the table.

    Example:
        >>> import udlfast as torch
        >>> from udlfast import nn
        >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 26 * 26, 10))
        >>> s = torch.train.summary(net, (1, 1, 28, 28))
        >>> s.parameters, s.operations
        (27090, 102752)

    Source: *Understanding Deep Learning*, sections 4.5 (depth, width, parameters) and 10.2 (convolutional layers).
    """
    from .. import zeros

    tensors = [zeros(*x) if isinstance(x, (tuple, list)) and all(isinstance(n, int) for n in x) else x for x in inputs]
    rows, hooks = [], []
    for name, module in model.named_modules():
        row = Row(name.rpartition(".")[2], name.count(".") + 1 if name else 0, module, not any(True for _ in module.children()))
        row.parameters, row.trainable = _count(module)
        rows.append(row)
        hooks.append(module.register_forward_hook(_watch(row)))
    modes = [(m, m.training) for m in model.modules()]
    try:
        model.eval()
        with no_grad():
            model(*tensors)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes:
            module.training = mode
    return Summary(rows, model, [tuple(t.shape) for t in tensors if hasattr(t, "shape")])


def _watch(row):
    def hook(module, inputs, output):
        first = next(iter(_tensors(output)), None)
        row.shape = None if first is None else tuple(first.shape)
        row.operations += _operations(module, inputs, first)
        if row.leaf:
            row.bytes += sum(t.numel() * t.element_size() for t in _tensors(output))

    return hook


def _tensors(value):
    if hasattr(value, "numel"):
        yield value
    elif isinstance(value, dict):
        for v in value.values():
            yield from _tensors(v)
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _tensors(v)


def _operations(module, inputs, output):
    from .. import nn

    if output is None or not inputs or not hasattr(inputs[0], "numel"):
        return 0
    x = inputs[0]
    if isinstance(module, nn.Linear):
        return 2 * output.numel() * module.in_features
    if isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
        return 2 * x.numel() * (module.weight.numel() // module.weight.shape[0])
    if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        return 2 * output.numel() * (module.weight.numel() // module.weight.shape[0])
    if isinstance(module, (nn.LSTM, nn.GRU, nn.RNN)):
        steps = x.numel() // x.shape[-1]
        return 2 * steps * sum(p.numel() for p in module.parameters() if p.ndim == 2)
    if isinstance(module, nn.MultiheadAttention):
        queries, keys = x.numel() // x.shape[-1], inputs[1].numel() // inputs[1].shape[-1]
        batch = 1 if x.ndim == 2 else x.shape[0 if module.batch_first else 1]
        e = module.embed_dim  # projections of queries, keys and values, scores, weighted sums; out_proj has a row of its own
        return 2 * (queries + 2 * keys) * e * e + 4 * queries * (keys // max(batch, 1)) * e
    return 0


def _distinct(module):
    return {id(p): p for p in module.parameters()}.values()


def _count(module):
    parameters = list(_distinct(module))
    return sum(p.numel() for p in parameters), sum(p.numel() for p in parameters if p.requires_grad)


def _short(n):
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if n >= size:
            return f"{n / size:.3g} {unit}"
    return str(n) if n else ""
