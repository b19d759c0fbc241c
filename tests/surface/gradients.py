"""Scripts about derivatives: hooks, Function, torch.func, autograd.functional, modes."""

import numpy as np

from .compare import draw, fill


def custom_function(torch, say):
    class Clamp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, low, high):
            ctx.save_for_backward(x)
            ctx.bounds = (low, high)
            return x.clamp(low, high)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * ((x > ctx.bounds[0]) & (x < ctx.bounds[1])), None, None

    class Split(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x * 2, x.long()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.mark_non_differentiable(output[1])
            ctx.set_materialize_grads(False)
            ctx.shape = inputs[0].shape

        @staticmethod
        def backward(ctx, a, b):
            return None if a is None else a * 2

    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g, g

    x = draw(torch, 5).requires_grad_()
    y = Clamp.apply(x, -0.5, 0.5)
    y.sum().backward()
    say(y, x.grad, y.grad_fn.name())
    a, b = Split.apply(x)
    say(a.requires_grad, b.requires_grad, torch.autograd.grad(a.sum(), x)[0])
    say(lambda: Broken.apply(x).sum().backward(), lambda: Clamp.apply(x, 0, 1).backward())
    say(torch.autograd.gradcheck(lambda v: Clamp.apply(v, -9.0, 9.0), draw(torch, 3).double().requires_grad_()))


def hooks_on_tensors(torch, say):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    y.retain_grad()
    seen = []
    h = y.register_hook(lambda g: seen.append(g.tolist()) or g * 2)
    (y**2).sum().backward()
    say(seen, y.grad, x.grad, x.is_leaf, y.is_leaf, y.retains_grad)
    h.remove()
    x.register_post_accumulate_grad_hook(lambda p: seen.append("accumulated"))
    x.grad = None
    (x * 2).sum().backward()
    say(seen[-1], x.grad)
    say(lambda: x.detach().register_hook(print), lambda: torch.ones(2).backward(), lambda: y.backward())


def higher_order(torch, say):
    x = torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad((x.sin() * x.exp()).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x, create_graph=True)
    (t,) = torch.autograd.grad(h.sum(), x)
    say(g, h, t)
    net = fill(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)))
    v = draw(torch, 6, 3).requires_grad_()
    out = net(v)
    (slope,) = torch.autograd.grad(out, v, torch.ones_like(out), create_graph=True)
    penalty = ((slope.norm(2, dim=1) - 1) ** 2).mean()
    penalty.backward()
    say(penalty, [p.grad for p in net.parameters()])
    say(lambda: torch.autograd.grad(x.sum(), v), torch.autograd.grad(x.sum(), [x, v], allow_unused=True)[1])
    say(
        torch.autograd.grad(x.sum(), [x, v], allow_unused=True, materialize_grads=True)[1].abs().sum(),
        lambda: torch.autograd.grad(x * 2, x),
    )
    basis = torch.eye(3, dtype=torch.float64)
    say(torch.autograd.grad(x**2, x, basis, is_grads_batched=True)[0])


def modes(torch, say):
    x = torch.ones(2, requires_grad=True)

    @torch.no_grad()
    def plain(v):
        return v * 2

    @torch.inference_mode()
    def inferred(v):
        return v * 2

    @torch.enable_grad()
    def recorded(v):
        return v * 2

    say(plain(x).requires_grad, inferred(x).requires_grad)
    with torch.no_grad():
        say(recorded(x).requires_grad, (x * 2).requires_grad, torch.is_grad_enabled())
        y = torch.nn.Parameter(torch.ones(1))
        say(y.requires_grad, x.clone().requires_grad)
    with torch.set_grad_enabled(False):
        say(torch.is_grad_enabled())
    torch.set_grad_enabled(False)
    say(torch.is_grad_enabled())
    torch.set_grad_enabled(True)
    with torch.inference_mode():
        z = x * 2
        say(torch.is_inference_mode_enabled())
    say(z.requires_grad)
    with torch.autograd.set_detect_anomaly(True):
        say(torch.is_anomaly_enabled(), lambda: (torch.tensor(0.0, requires_grad=True).sqrt() * 0).backward())
    with torch.autograd.detect_anomaly():
        say(lambda: torch.log(torch.tensor(-1.0, requires_grad=True)).sqrt().backward())
    with torch.autograd.profiler.profile() as p:
        (x * 2).sum()
    say(hasattr(p, "key_averages"))
    say(lambda: x.add_(1), lambda: x.numpy(), lambda: torch.ones(2, dtype=torch.long, requires_grad=True), lambda: x.view(3))

    def changed():
        a = x * 2
        b = a.exp()
        b.add_(1)
        b.sum().backward()

    say(lambda: changed())

    def twice():
        a = (x * x).sum()
        a.backward()
        a.backward()

    say(lambda: twice())


def functional_api(torch, say):
    f = torch.autograd.functional
    x = torch.tensor([1.0, 2.0])
    say(f.jacobian(lambda v: v**2, x), f.hessian(lambda v: (v**3).sum(), x), f.vjp(lambda v: v**2, x, torch.ones(2)))
    say(
        f.jvp(lambda v: v**2, x, torch.ones(2)),
        f.hvp(lambda v: (v**3).sum(), x, torch.ones(2)),
        f.vhp(lambda v: (v**3).sum(), x, torch.ones(2)),
    )
    say(f.jacobian(lambda a, b: a * b, (x, x), vectorize=True), f.jacobian(lambda v: v.sum(), x, create_graph=True).requires_grad)
    say(lambda: f.hessian(lambda v: v, x), lambda: f.vjp(lambda v: v**2, x))


def func_transforms(torch, say):
    func = torch.func
    net = fill(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)))
    params, x, y = dict(net.named_parameters()), draw(torch, 5, 3), torch.tensor([0, 1, 0, 1, 1])

    def loss(params, x, y):
        out = func.functional_call(net, params, (x.unsqueeze(0),))
        return torch.nn.functional.cross_entropy(out, y.unsqueeze(0))

    each = func.vmap(func.grad(loss), in_dims=(None, 0, 0))(params, x, y)
    say({k: v for k, v in each.items()}, func.grad_and_value(loss)(params, x[0], y[0])[1])
    v = torch.tensor([0.3, -0.7, 1.1])
    say(func.jacrev(torch.sin)(v), func.jacfwd(torch.sin)(v), func.hessian(lambda a: a.sin().sum())(v), func.jvp(torch.sin, (v,), (v,)))
    out, pull = func.vjp(lambda a: a * a, v)
    say(out, pull(torch.ones(3)), func.vmap(torch.dot)(torch.ones(2, 3), torch.ones(2, 3)))
    say(func.vmap(lambda a, b: a @ b, in_dims=(0, None), out_dims=1)(torch.ones(4, 2, 3), torch.ones(3, 5)).shape)
    say(torch.vmap(lambda a: a.sum())(torch.arange(6.0).view(2, 3)), func.jacrev(lambda a, b: a * b, argnums=(0, 1))(v, v))
    say(func.grad(lambda a: func.grad(lambda b: b**3)(a))(torch.tensor(2.0)), func.linearize(torch.sin, v)[1](v))
    say(
        lambda: func.grad(lambda a: a * 2)(v),
        lambda: func.vmap(lambda a: a)(torch.tensor(1.0)),
        lambda: func.vmap(torch.dot)(torch.ones(2, 3), torch.ones(3, 3)),
    )
    say(func.grad(lambda a, b: (a * b).sum(), argnums=1)(v, v * 2), func.grad(lambda a: (a.sum(), a * 2), has_aux=True)(v))
    models = [fill(torch.nn.Linear(2, 2), s) for s in range(3)]
    stacked, buffers = func.stack_module_state(models)

    def one(p, b, data):
        return func.functional_call(models[0], (p, b), (data,))

    say(func.vmap(one, in_dims=(0, 0, None))(stacked, buffers, torch.ones(1, 2)), sorted(stacked))
    say(torch.func.vmap(lambda k: torch.nn.functional.softmax(k, 0), chunk_size=2)(torch.ones(5, 4)).shape)


def maml_step(torch, say):
    net = fill(torch.nn.Linear(2, 1))
    x = draw(torch, 4, 2)
    params = {k: v.clone() for k, v in net.named_parameters()}
    inner = torch.func.functional_call(net, params, x).pow(2).mean()
    grads = torch.autograd.grad(inner, list(params.values()), create_graph=True)
    fast = {k: p - 0.1 * g for (k, p), g in zip(params.items(), grads)}
    torch.func.functional_call(net, fast, x).sum().backward()
    say([p.grad for p in net.parameters()], torch.nn.utils.stateless.functional_call(net, params, x).shape)


def checkpointing(torch, say):
    from importlib import import_module

    tools = import_module(torch.__name__ + ".utils.checkpoint")
    net = fill(torch.nn.Sequential(*(torch.nn.Linear(4, 4) for _ in range(4))))
    x = draw(torch, 3, 4).requires_grad_()
    for reentrant in (True, False):
        net.zero_grad()
        x.grad = None
        tools.checkpoint(net, x, use_reentrant=reentrant).sum().backward()
        say(x.grad, net[0].weight.grad)
    say(tools.checkpoint_sequential(net, 2, x, use_reentrant=False))


def module_hooks(torch, say):
    nn, seen = torch.nn, []
    net = fill(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)))
    handles = [
        net[0].register_forward_hook(lambda m, i, o: seen.append((type(m).__name__, len(i), list(o.shape)))),
        net[1].register_forward_pre_hook(lambda m, i: (i[0] * 2,)),
        net[2].register_full_backward_hook(lambda m, gi, go: seen.append(("backward", [list(g.shape) for g in gi], list(go[0].shape)))),
        net[2].register_full_backward_pre_hook(lambda m, go: (go[0] * 3,)),
        net.register_forward_hook(lambda m, i, kw, o: o + kw.get("bias", 0), with_kwargs=True),
    ]
    x = draw(torch, 4, 2).requires_grad_()
    out = net(x)
    out.sum().backward()
    say(seen, out, x.grad)
    for h in handles:
        h.remove()
    say(net(x), len(net._forward_hooks), len(net[1]._forward_pre_hooks))

    class Kw(nn.Module):
        def forward(self, x, *, scale=1.0):
            return x * scale

    m = Kw()
    m.register_forward_pre_hook(lambda m, a, k: (a, {"scale": k.get("scale", 1.0) * 2}), with_kwargs=True)
    say(m(torch.ones(1), scale=3.0))
    say(seen[-1], lambda: m(torch.ones(1), wrong=2), lambda: m())
    always = Kw()
    always.register_forward_hook(lambda m, i, o: seen.append("always"), always_call=True)
    say(lambda: always(), seen[-1])


def gradient_tools(torch, say):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).exp()
    y.sum().backward()
    say(x.grad)
    with torch.autograd.graph.save_on_cpu():
        (x**3).sum().backward()
    say(x.grad)
    torch.autograd.backward([(x * 2).sum(), (x * 3).sum()], inputs=[x])
    say(x.grad, lambda: torch.autograd.backward([x * 2]), lambda: (x * 2).sum().backward(torch.ones(2)))
    x.grad = torch.zeros(2)
    say(x.grad, lambda: setattr(x, "grad", torch.zeros(3)), lambda: setattr(x, "grad", 3))
    z = x.detach()
    z.requires_grad = True
    say(z.requires_grad, x.data.requires_grad, x.grad_fn, lambda: setattr(x * 2, "requires_grad", False))
    say(np.isfinite(float(y.sum())))
    w = torch.nn.functional.hardtanh(torch.tensor([float("nan"), -2.0, 0.5, 3.0], requires_grad=True))
    v = torch.tensor([float("nan"), -2.0, 0.5, 3.0], requires_grad=True)
    torch.nn.functional.hardtanh(v).sum().backward()
    say(w, v.grad)
    for name in ("relu6", "hardsigmoid", "relu", "threshold", "leaky_relu", "hardshrink", "softshrink", "clamp"):
        v.grad = None
        f = getattr(torch.nn.functional, name, None) or getattr(torch, name)
        (f(v, 0.1, 20.0) if name == "threshold" else f(v, -1.0, 1.0) if name == "clamp" else f(v)).sum().backward()
        say(name, v.grad[name == "hardshrink" :])  # its gradient at NaN is PyTorch's 0 or 1, as the vectors of a processor fall
