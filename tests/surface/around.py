"""Scripts with what libraries around PyTorch use: pruning, trees, hooks of all modules, saved tensors, forward mode, lists of tensors."""

import importlib
from collections import OrderedDict, defaultdict, deque, namedtuple

import numpy as np

from .compare import draw, fill


def pruning(torch, say):
    nn, prune = torch.nn, importlib.import_module(torch.__name__ + ".nn.utils.prune")
    layer = fill(nn.Linear(5, 4))
    prune.l1_unstructured(layer, "weight", amount=0.3)
    say([n for n, _ in layer.named_parameters()], [n for n, _ in layer.named_buffers()], sorted(layer.state_dict()))
    say(layer.weight, layer.weight_mask, prune.is_pruned(layer), len(layer._forward_pre_hooks))
    prune.l1_unstructured(layer, "weight", amount=4)
    say(
        layer.weight_mask, len(layer._forward_pre_hooks), [type(m).__name__ for h in layer._forward_pre_hooks.values() for m in _methods(h)]
    )
    prune.ln_structured(layer, "weight", amount=1, n=2, dim=0)
    say(layer.weight, layer(draw(torch, 2, 5)).detach())
    layer(draw(torch, 2, 5)).sum().backward()
    say(layer.weight_orig.grad, layer.bias.grad)
    prune.remove(layer, "weight")
    say(sorted(layer.state_dict()), [n for n, _ in layer.named_parameters()], layer.weight, prune.is_pruned(layer))
    net = fill(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)))
    prune.global_unstructured([(net[0], "weight"), (net[2], "weight")], pruning_method=prune.L1Unstructured, amount=0.5)
    say([int((m.weight == 0).sum()) for m in (net[0], net[2])], net[0].weight_mask, prune.is_pruned(net))
    conv = fill(nn.Conv2d(3, 4, 3))
    prune.ln_structured(conv, "weight", amount=0.5, n=1, dim=0)
    prune.ln_structured(conv, "weight", amount=1, n=float("inf"), dim=1)
    say(conv.weight_mask)
    prune.random_unstructured(conv, "bias", amount=2)
    say(int(conv.bias_mask.sum()))
    prune.random_structured(conv, "weight", amount=1, dim=0)
    say(sorted(conv.state_dict()))
    custom = prune.custom_from_mask(fill(nn.Linear(2, 2)), "weight", torch.tensor([[1, 0], [0, 1]]))
    say(custom.weight, prune.L1Unstructured(2).prune(torch.tensor([3.0, -1.0, 2.0])))
    prune.identity(custom, "bias")
    say(custom.bias_mask, isinstance(prune.L1Unstructured(1), prune.BasePruningMethod))

    class EveryOther(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    layer = fill(nn.Linear(3, 2))
    EveryOther.apply(layer, "bias")
    say(layer.bias, layer(torch.ones(1, 3)).detach())
    say(lambda: prune.remove(fill(nn.Linear(2, 2)), "weight"), lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", amount=1.5))
    say(lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", amount=-1), lambda: prune.ln_structured(nn.Linear(2, 2), "bias", 1, 2, 0))


def _methods(hook):
    hook = hook[0] if isinstance(hook, tuple) else hook
    return list(hook) if hasattr(hook, "__iter__") else [hook]


def trees(torch, say):
    tree = torch.utils._pytree
    Point = namedtuple("Point", "x y")
    made = {"a": [1, (2, None)], "b": OrderedDict(c=3), "d": deque([4]), "e": Point(5, [6]), "f": defaultdict(list, g=7)}
    leaves, spec = tree.tree_flatten(made)
    say(
        leaves,
        spec.num_leaves,
        tree.tree_unflatten(leaves, spec) == made,
        [type(v).__name__ for v in tree.tree_unflatten(leaves, spec).values()],
    )
    say(
        tree.tree_map(lambda x: (x,), [1, {"a": 2}]),
        tree.tree_map_only(int, lambda x: x + 1, [1, "a", (2.0, 3)]),
        tree.tree_leaves({"a": (1, 2)}),
    )
    say(
        tree.tree_map(lambda a, b: a + b, [1, (2, 3)], [10, (20, 30)]),
        tree.tree_all(lambda x: x > 0, [1, 2]),
        tree.tree_any(lambda x: x > 1, [1]),
    )
    say(tree.tree_map(len, [[1, 2], [3]], is_leaf=lambda x: isinstance(x, list) and isinstance(x[0], int)))
    say([(tree.keystr(path), leaf) for path, leaf in tree.tree_flatten_with_path(made)[0]])

    class Box:
        def __init__(self, inside):
            self.inside = inside

    tree.register_pytree_node(Box, lambda b: ([b.inside], None), lambda values, _: Box(values[0]))
    say(tree.tree_map(lambda x: x * 2, Box(torch.ones(2))).inside)
    say(lambda: tree.tree_unflatten([1], spec), lambda: tree.tree_map(lambda a, b: a, [1, 2], [1]))


def hooks_of_all_modules(torch, say):
    nn, place = torch.nn, torch.nn.modules.module
    heard = []
    net = fill(nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU()), nn.Linear(3, 1)))
    handles = [
        place.register_module_forward_pre_hook(lambda m, args: heard.append(("before", type(m).__name__, len(args)))),
        place.register_module_forward_hook(lambda m, args, out: heard.append(("after", type(m).__name__, tuple(out.shape)))),
        place.register_module_full_backward_hook(
            lambda m, gi, go: heard.append(("back", type(m).__name__, [g is None for g in gi], go[0].sum()))
        ),
    ]
    own = net[0].register_forward_hook(lambda m, args, out: heard.append("own"))
    net(draw(torch, 4, 2).requires_grad_()).sum().backward()
    say(list(heard), len(net[0]._forward_hooks), len(net[2]._forward_hooks))
    own.remove()
    for handle in handles:
        handle.remove()
    heard.clear()
    net(draw(torch, 4, 2)).sum().backward()
    say(len(heard))
    with place.register_module_forward_hook(lambda m, args, out: out * 2 if isinstance(m, nn.Linear) else None):
        say(net(draw(torch, 4, 2)))
    say(net(draw(torch, 4, 2)))


def saved_tensors(torch, say):
    graph, nn = torch.autograd.graph, torch.nn
    net = fill(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.LayerNorm(4), nn.Linear(4, 2), nn.GELU()))
    packed = []

    def pack(t):
        packed.append(tuple(t.shape))
        return t.detach().numpy().copy()

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a * a

        @staticmethod
        def backward(ctx, g):
            (a,) = ctx.saved_tensors
            return 2 * a * g

    x = draw(torch, 2, 3).requires_grad_()
    for twice in (False, True):
        x.grad = None
        net.zero_grad()
        with graph.saved_tensors_hooks(pack, torch.from_numpy):
            y = Square.apply(net(x).exp()).sum() + torch.softmax(x, 1)[:, 0].prod() + (x**3).sum() + torch.relu(x).sum() + x.norm()
        y.backward(retain_graph=twice)
        if twice:
            y.backward()
        say(x.grad, [p.grad for p in net.parameters()])
    say(len(packed) > 5)
    z = draw(torch, 4).requires_grad_()
    with graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
        w = (z.exp() * z.sin()).sum() + (z**3).sum() + torch.tanh(z).pow(2).sum()
    (g,) = torch.autograd.grad(w, z, create_graph=True)
    g.pow(2).sum().backward()
    say(g, z.grad)
    a = torch.ones(3, requires_grad=True)

    def refused():
        with graph.disable_saved_tensors_hooks("not here"), graph.saved_tensors_hooks(pack, torch.from_numpy):
            pass

    def broken():
        with graph.saved_tensors_hooks(lambda t: 1 / 0, lambda t: t):
            a.exp()

    def wrong():
        with graph.saved_tensors_hooks(lambda t: 5, lambda t: t):
            d = a.exp().sum()
        d.backward()

    say(refused, lambda: refused(), lambda: broken(), lambda: wrong())
    with graph.saved_tensors_hooks(lambda t: 1 / 0, lambda t: t), graph.saved_tensors_hooks(lambda t: t * 10, lambda t: t / 10):
        d = a.exp().sum()
    d.backward()
    say(a.grad)
    with graph.save_on_cpu():
        e = (a * a).sum()
    e.backward()
    say(a.grad)


def forward_mode(torch, say):
    fw = importlib.import_module(torch.__name__ + ".autograd.forward_ad")
    x, t = draw(torch, 5), draw(torch, 5, seed=1)
    w = draw(torch, 3, 5, seed=2)
    net = fill(torch.nn.Linear(5, 2))
    with fw.dual_level():
        dual = fw.make_dual(x, t)
        say(fw.unpack_dual(dual).tangent, fw.unpack_dual(x).tangent, fw.unpack_dual((w * dual).sin().sum(1) + dual.sum()))
        say(fw.unpack_dual(torch.relu(net(dual))), fw.unpack_dual(dual.softmax(0).log()).tangent, fw.unpack_dual(dual @ w.t()).tangent)
        other = fw.make_dual(w, torch.ones(3, 5))
        say(fw.unpack_dual(other @ dual).tangent, fw.unpack_dual(torch.linalg.norm(other)).tangent)
        say(lambda: fw.make_dual(x, t[:2]), lambda: fw.make_dual(torch.arange(2), torch.ones(2)))
        named = dict(net.named_parameters())
        for name, p in named.items():
            delattr(net, name)
            setattr(net, name, fw.make_dual(p, torch.ones_like(p)))
        say(fw.unpack_dual(net(x)).tangent.detach())
    say(lambda: fw.make_dual(x, t))
    with fw.dual_level():
        p = x.clone().requires_grad_()
        tangent = fw.unpack_dual((fw.make_dual(p, t) ** 3).sum()).tangent
        tangent.backward()
        say(tangent, p.grad)
    say(torch.func.jvp(lambda v: (v**2).sum() * v, (x,), (t,)), torch.func.jacfwd(lambda v: v.exp() * v.sum())(x))


def lists_of_tensors(torch, say):
    place = importlib.import_module(torch.__name__ + ".optim.optimizer")
    a, b = [draw(torch, 3), draw(torch, 2, 2, seed=1)], [draw(torch, 3, seed=2), draw(torch, 2, 2, seed=3)]
    say(torch._foreach_add(a, b), torch._foreach_add(a, 2.0), torch._foreach_add(a, b, alpha=0.5), torch._foreach_mul(a, [2.0, 3.0]))
    say(torch._foreach_sub(a, b), torch._foreach_div(a, b), torch._foreach_neg(a), torch._foreach_abs(a), torch._foreach_exp(a))
    say(torch._foreach_sqrt(torch._foreach_abs(a)), torch._foreach_norm(a), torch._foreach_norm(a, 1), torch._foreach_maximum(a, 0.1))
    say(
        torch._foreach_maximum(a, b),
        torch._foreach_clamp_min(a, 0.0),
        torch._foreach_pow(torch._foreach_abs(a), 2),
        torch._foreach_lerp(a, b, 0.3),
    )
    say(torch._foreach_addcmul(a, a, b, value=0.5), torch._foreach_addcdiv(a, a, b, [0.5, 2.0]), torch._foreach_reciprocal(b))
    c = [x.clone() for x in a]
    say(torch._foreach_add_(c, b, alpha=2), c, torch._foreach_mul_(c, 0.5), c, torch._foreach_addcmul_(c, a, b, 0.1), c)
    say(torch._foreach_addcdiv_(c, a, b, value=0.2), torch._foreach_lerp_(c, b, 0.5), torch._foreach_sqrt_(torch._foreach_abs(c)), c)
    say(torch._foreach_copy_(c, b), c, torch._foreach_zero_(c), c, torch._foreach_maximum_(c, b), c, torch._foreach_neg_(c), c)

    class Momentum(torch.optim.Optimizer):
        def __init__(self, params, lr=place.required):
            super().__init__(params, {"lr": lr, "differentiable": False})

        @place._use_grad_for_differentiable
        def step(self, closure=None):
            for group in self.param_groups:
                some = [p for p in group["params"] if p.grad is not None]
                for p in some:
                    self.state[p].setdefault("m", torch.zeros_like(p))
                m = [self.state[p]["m"] for p in some]
                torch._foreach_lerp_(m, [p.grad for p in some], 0.1)
                torch._foreach_add_(some, m, alpha=-group["lr"])

    net = fill(torch.nn.Linear(3, 2))
    optimizer = Momentum(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(draw(torch, 4, 3)).pow(2).mean().backward()
        optimizer.step()
    say(list(net.parameters()), repr(place.required))


def operations_of_ones_own(torch, say):
    name = "surface_" + torch.__name__

    @torch.library.custom_op(name + "::scaled", mutates_args=())
    def scaled(x: torch.Tensor, y: torch.Tensor, scale: float = 2.0) -> torch.Tensor:
        return x * y * scale

    @scaled.register_fake
    def _(x, y, scale=2.0):
        return torch.empty_like(x)

    def keep(ctx, inputs, output):
        ctx.save_for_backward(*inputs[:2])
        ctx.scale = inputs[2]

    def rule(ctx, g):
        x, y = ctx.saved_tensors
        return g * y * ctx.scale, g * x * ctx.scale, None

    scaled.register_autograd(rule, setup_context=keep)
    a, b = draw(torch, 3).requires_grad_(), draw(torch, 3, seed=1).requires_grad_()
    out = scaled(a, b, scale=3.0) + getattr(torch.ops, name).scaled(a, b)
    out.sum().backward()
    say(out.detach(), a.grad, b.grad)


def futures(torch, say):
    Future = torch.futures.Future
    f = Future()
    g, h = f.then(lambda done: done.value() + 1), f.then(lambda done: 1 / 0)
    say(f.done())
    f.set_result(2)
    say(f.done(), f.wait(), g.wait(), lambda: h.wait(), lambda: f.set_result(3), torch.futures.wait_all([f, g]))
    late = Future()
    both = torch.futures.collect_all([late, f])
    late.set_exception(ValueError("x"))
    say(both.done(), lambda: late.wait(), lambda: late.value())


def attention_by_functions(torch, say):
    flex = importlib.import_module(torch.__name__ + ".nn.attention.flex_attention")
    q, k, v = draw(torch, 2, 4, 16, 8), draw(torch, 2, 2, 16, 8, seed=1), draw(torch, 2, 2, 16, 8, seed=2)
    document = torch.arange(16) // 5
    mask = flex.create_block_mask(
        flex.and_masks(lambda b, h, q, k: q >= k, lambda b, h, q, k: document[q] == document[k]), None, None, 16, 16, device="cpu"
    )
    say(flex.flex_attention(q, k, v, score_mod=lambda s, b, h, q, k: s + 0.1 * (q - k) * h, block_mask=mask, enable_gqa=True))
    say(flex.flex_attention(q[:, :2], k, v, scale=0.2), flex.create_mask(lambda b, h, q, k: q > k, None, None, 3, 4, device="cpu"))
    say(lambda: flex.flex_attention(q, k, v))


def names_that_libraries_import(torch, say):
    def module(path):
        return importlib.import_module(f"{torch.__name__}.{path}")

    say(
        module("utils.hooks").RemovableHandle.__name__, module("jit").Final is not None, issubclass(torch.jit.ScriptModule, torch.nn.Module)
    )
    say(isinstance(torch.nn.Linear(1, 1), torch.jit.ScriptModule), isinstance(torch.nn.Linear(1, 1), torch.fx.GraphModule))
    say(module("nn.parallel.distributed").DistributedDataParallel.__name__, module("nn.parallel.data_parallel").DataParallel.__name__)
    utils = module("distributions.utils")
    say(
        utils.vec_to_tril_matrix(torch.arange(6.0)),
        utils.tril_matrix_to_vec(torch.arange(9.0).reshape(3, 3)),
        utils.clamp_probs(torch.tensor([0.0, 1.0])),
    )
    say(
        utils.broadcast_all(torch.ones(2), 1.0),
        utils.probs_to_logits(torch.tensor([0.2, 0.8])),
        utils.logits_to_probs(torch.tensor([0.0, 1.0])),
    )
    say(
        torch.finfo(torch.float8_e4m3fn).max,
        torch.finfo(torch.float8_e5m2).eps,
        torch.float8_e4m3fn.itemsize,
        lambda: torch.ones(2).to(torch.Tensor),
    )
    say(torch.xpu.is_available(), torch.mps.device_count(), torch.overrides.has_torch_function((torch.ones(1),)))
    say(
        torch.nn.init._calculate_correct_fan(torch.ones(2, 3, 4), "fan_in"),
        torch.nn.init._calculate_correct_fan(torch.ones(2, 3), "fan_out"),
    )
    dlpack = module("utils.dlpack")
    say(dlpack.from_dlpack(dlpack.to_dlpack(torch.arange(3.0))), module("storage").UntypedStorage.__name__)
    say(np.asarray(torch.ones(2)), module("_dynamo").config.suppress_errors, module("autograd.profiler").record_function.__name__)


def random_matrices(torch, say):
    d, v = torch.distributions, torch.tensor([[2.0, 0.5], [0.5, 1.0]])
    low = torch.linalg.cholesky(v).requires_grad_()
    w = torch.tensor([[1.0, 0.2], [0.2, 2.0]])
    laws = [
        d.Wishart(torch.tensor([3.0, 4.5]), v),
        d.Wishart(5.0, scale_tril=low),
        d.Wishart(torch.tensor(5.0), precision_matrix=torch.inverse(v)),
    ]
    for law in laws:
        say(
            law.log_prob(w),
            law.entropy(),
            law.mean,
            law.mode,
            law.variance,
            law.batch_shape,
            law.event_shape,
            law.expand((3, 2)).batch_shape,
        )
        s = law.sample((4000,))
        say(s.shape, bool(((s.mean(0) - law.mean).abs() < 0.4).all()), bool((s.transpose(-2, -1) == s).all()))
    laws[1].log_prob(w).backward()
    say(low.grad.tril(), laws[1].rsample().requires_grad, lambda: d.Wishart(torch.tensor(0.5), v))
    for law in (d.Gamma(2.0, 1.0), d.Chi2(4.0), d.StudentT(3.0), d.NegativeBinomial(3, torch.tensor(0.5)), d.FisherSnedecor(3.0, 4.0)):
        say(law.sample().shape, law.sample((2,)).shape, law.sample().dtype)
