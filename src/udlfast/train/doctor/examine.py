"""A model and one batch, without training."""

from ...nn import Sigmoid, Softmax
from ...nn import functional as F
from .hooks import first_not_finite, watch_activations
from .measured import Layer, Measured, look_at_batch, rms
from .report import Report
from .rules import ALWAYS


def examine(model, x, y, loss=F.cross_entropy):
    """Run one batch forward and backward, and name what would keep the model from training; its weights and mode stay.

    Found this way are numbers that are not finite, a loss that does not fit the output, batch norm over one number, unused and
    frozen parameters, zero, exploding and vanishing gradients, unnormalised inputs, dead and saturated units.

    Arguments:
        model: a Module; x, y: one batch; loss(output, y): a mean over the batch.

    Returns: a Report.

    Example:
        >>> import udlfast as torch
        >>> from udlfast import nn
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> torch.train.examine(net, 1000 + torch.randn(16, 4), torch.arange(16) % 2).names[0]
        'unnormalised inputs'

    Source: *Understanding Deep Learning*, sections 7.4 and 7.5 (gradients and initialisation).
    """
    m = Measured()
    old = {n: p.grad for n, p in model.named_parameters()}
    for name, p in model.named_parameters():
        p.grad = None
        if not p.requires_grad:
            m.frozen.append(name)
        if p.ndim > 1:
            m.layers[name] = Layer()
    training, buffers = model.training, {n: b.detach().clone() for n, b in model.named_buffers()}
    hooks = watch_activations(model.train(), m)
    try:
        output = model(x)
        value = loss(output, y)
        m.losses.append(value.item())
        m.looked = 1
        if not value.isfinite().item():
            where, what = first_not_finite(model, x) or ("the loss", "the network's output is finite")
            m.not_finite = (where, 0, what)
        if value.requires_grad:
            value.backward()
        look_at_batch(m, x, y, output, m.losses[0])
        if not isinstance(list(model.modules())[-1], (Sigmoid, Softmax)):  # one batch between 0 and 1 may be chance
            m.loss_mistakes = {what: n for what, n in m.loss_mistakes.items() if "sigmoid" not in what}
        for name, p in model.named_parameters():
            if p.requires_grad and p.grad is None:
                m.missing[name] = 1
            if name in m.layers:
                m.layers[name].weights.append(rms(p))
                m.layers[name].gradients.append(0.0 if p.grad is None else rms(p.grad))
    finally:
        for hook in hooks:
            hook.remove()
        for name, p in model.named_parameters():
            p.grad = old[name]
        for name, b in model.named_buffers():
            b.detach().copy_(buffers[name])
        model.train(training)
    return Report([f for rule in ALWAYS for f in rule(m)], m)
