"""Hooks that look at activations while one batch runs."""

import time

from ... import is_grad_enabled, nn, no_grad

RELUS = (nn.ReLU, nn.ReLU6)
SATURATING = {nn.Sigmoid: (0.5, 0.5), nn.Tanh: (0.0, 1.0), nn.Softsign: (0.0, 1.0), nn.Hardtanh: (0.0, 1.0)}
END = 0.98  # of the way from the middle to the end of a saturating unit's range
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def watch_activations(model, m):
    """Hooks on units and batch norms that note into the Measured; returns them for removal."""
    hooks = []
    for name, module in model.named_modules():
        if isinstance(module, RELUS):
            look = _dead(m, name)
        elif type(module) in SATURATING:
            look = _saturated(m, name, *SATURATING[type(module)])
        elif isinstance(module, NORMS):
            hooks.append(module.register_forward_pre_hook(_single(m, name)))
            continue
        else:
            continue
        hooks.append(module.register_forward_hook(_timed(m, look)))
    return hooks


def _timed(m, look):
    def hook(module, inputs, output):
        began = time.perf_counter()
        with no_grad():
            look(module, output)
        m.hook_seconds += time.perf_counter() - began

    return hook


def _dead(m, name):
    def look(module, output):
        if module.training and output.ndim > 1 and output.shape[0] > 1:
            axes = [0, *range(2, output.ndim)]
            m.dead.setdefault(name, []).append((output.detach().amax(axes) <= 0).float().mean().item())

    return look


def _saturated(m, name, middle, half):
    def look(module, output):
        far = (output.detach() - middle).abs() > END * half
        m.saturated.setdefault(name, []).append(far.float().mean().item())

    return look


def _single(m, name):
    def look(module, inputs):  # before the layer, which may refuse
        x = inputs[0]
        if module.training and x.ndim > 1 and x.numel() == x.shape[1] and name not in m.single:
            m.single.append(name)

    return look


def watch_mode(model, m):
    """One hook that notices when a layer that differs between training and evaluation is used in train mode without
    gradients; returns it in a list, empty if there is no such layer."""
    kinds = (*NORMS, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
    for name, module in model.named_modules():
        if isinstance(module, kinds):

            def hook(module, inputs, output, name=name):
                if module.training and not is_grad_enabled():
                    m.train_mode = name

            return [module.register_forward_hook(hook)]
    return []


def first_not_finite(model, x):
    """(name of the first layer whose output is not finite, what came in) or None."""
    found, hooks = [], []

    def finite(t):
        return not hasattr(t, "isfinite") or not t.dtype.is_floating_point or bool(t.detach().isfinite().all())

    def hook(name):
        def look(module, inputs, output):
            if found or finite(output if hasattr(output, "isfinite") else output[0]):
                return
            bad = [n for n, p in module.named_parameters(recurse=False) if not finite(p)]
            if not all(finite(i) for i in inputs):
                found.append((name, "what it is given is not finite already"))
            else:
                found.append((name, f"its {bad[0]} is not finite" if bad else "its inputs and weights are finite"))

        return look

    for name, module in model.named_modules():
        if not any(True for _ in module.children()):
            hooks.append(module.register_forward_hook(hook(name or type(module).__name__)))
    try:
        with no_grad():
            model(x)
    finally:
        for h in hooks:
            h.remove()
    return found[0] if found else None
