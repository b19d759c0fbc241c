"""Scripts that name arguments as NumPy or PyTorch's own schemas do, and scripts in PyTorch's older forms."""

from .compare import draw, fill


def keyword_names(torch, say):
    x, m = torch.tensor([1.0, 2.0, 4.0]), torch.arange(12.0).reshape(3, 4)
    say(torch.cat([m, m], axis=1), torch.stack([x, x], axis=1), m.max(axis=1), m.min(axis=0, keepdims=True), m.sum(axis=1, keepdims=True))
    say(m.mean(axis=0, keepdims=True), m.std(axis=1), m.var(axis=1, keepdims=True), m.argmax(axis=1), m.argmin(axis=0, keepdims=True))
    say(torch.softmax(m, axis=1), torch.log_softmax(m, axis=0), m.softmax(axis=-1), (m > 3).all(axis=1), (m > 3).any(axis=0, keepdims=True))
    say(
        m.prod(axis=1),
        m.amax(axis=0),
        m.amin(axis=1, keepdims=True),
        m.logsumexp(axis=1),
        m.cumsum(axis=1),
        m.cumprod(axis=0),
        m.sort(axis=1),
    )
    say(
        m.argsort(axis=0, descending=True),
        m.topk(2, axis=1),
        x.unsqueeze(axis=0),
        x[None].squeeze(axis=0),
        m.chunk(2, axis=1),
        m.unbind(axis=0),
    )
    say(
        m.median(axis=1),
        m.nansum(axis=0, keepdims=True),
        m.nanmean(axis=1),
        m.count_nonzero(axis=1),
        torch.std_mean(m, axis=1, keepdims=True),
    )
    say(torch.var_mean(m, axis=1), torch.aminmax(m, axis=1), m.logcumsumexp(axis=1), m.diff(axis=1), m.repeat_interleave(2, axis=1))
    say(m.index_select(axis=1, index=torch.tensor([0, 2])), m.gather(axis=1, index=torch.tensor([[0], [1], [2]])), m.quantile(0.5, axis=1))
    say(
        m.tensor_split(2, axis=1),
        m.mode(axis=1),
        m.kthvalue(2, axis=1),
        torch.cross(m[:, :3], m[:, 1:], axis=1),
        m.aminmax(axis=0, keepdims=True),
    )
    say(
        x.pow(exponent=2),
        torch.pow(2, exponent=x),
        x.new_zeros(size=(2,)),
        x.new_full((2,), fill_value=3.0),
        x.new_full(size=(2,), fill_value=3),
    )
    say(
        x.new_ones(size=(2,)),
        x.new_empty(size=(2, 3)).shape,
        torch.max(x, other=x + 1),
        x.min(other=x + 1),
        torch.nansum(x, dtype=torch.float64),
    )
    say(
        torch.digamma(input=x),
        torch.erfinv(input=x * 0.1),
        torch.special.i0(input=x),
        torch.igamma(input=x, other=x),
        torch.tensor_split(x, sections=2),
    )
    say(
        torch.broadcast_to(x, size=(2, 3)),
        torch.tensor_split(x, indices=(1,)),
        x.clone().random_(0, to=3).shape,
        torch.randint_like(x, high=2).shape,
    )
    say(lambda: m.cumsum(), lambda: m.unsqueeze(), lambda: torch.digamma(other=x), lambda: m.sum(axes=1), lambda: x.random_(start=1))
    i = torch.tensor([100, 100], dtype=torch.int8)
    say(
        i.cumsum(0, dtype=torch.int8),
        i.cumprod(0, dtype=torch.int32),
        i.prod(dtype=torch.uint8),
        i.cumsum(0).dtype,
        i.sum(dtype=torch.int16),
    )


def older_forms(torch, say):
    x, y, w = torch.ones(2), torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    say(x.clone().add_(0.5, y), x.add(2, y), torch.add(x, 2, y), x.clone().sub_(2, y), x.sub(2, y), torch.sub(x, 2, y))
    say(
        x.clone().addcmul_(0.5, y, w),
        x.addcmul(0.5, y, w),
        torch.addcmul(x, 0.5, y, w),
        x.clone().addcdiv_(0.5, y, w),
        torch.addcdiv(x, 2, y, w),
    )
    p = y.clone().requires_grad_()
    (x.add(3, p).sum() + x.addcmul(2, p, w).sum()).backward()
    (slope,) = torch.autograd.grad(outputs=(p**3).sum(), inputs=p, create_graph=True, retain_graph=True, only_inputs=True)
    ((slope.norm(2) - 1) ** 2).backward()
    say(p.grad, slope)

    class Adam2018(torch.optim.Optimizer):
        """As optimisers were written then."""

        def __init__(self, params):
            super().__init__(params, {"lr": 0.1})

        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    m, v = self.state[p].setdefault("mv", (torch.zeros_like(p.data), torch.zeros_like(p.data)))
                    m.mul_(0.9).add_(0.1, p.grad.data)
                    v.mul_(0.99).addcmul_(0.01, p.grad.data, p.grad.data)
                    p.data.addcdiv_(-group["lr"], m, v.sqrt().add_(1e-8))

    net = fill(torch.nn.Linear(3, 2))
    optimizer = Adam2018(net.parameters())
    for _ in range(3):
        optimizer.zero_grad()
        net(draw(torch, 4, 3)).pow(2).mean().backward()
        optimizer.step()
    say(list(net.parameters()), [n for n, _ in reversed(torch.nn.Sequential(net, net)._modules.items())])


def products_with_numbers_between(torch, say):
    """The deprecated forms (beta, input, alpha, a, b) of the products that add."""
    m, v = torch.arange(4.0).reshape(2, 2), torch.tensor([1.0, 2.0])
    say(torch.addmm(2, m, 3, m, m), torch.addmm(2, m, m, m), m.addmm(2, m, m), m.addmm(2, 3, m, m), torch.addmm(m, m, m))
    say(torch.addmv(2, v, 3, m, v), torch.addmv(2, v, m, v), v.addmv(2, m, v), torch.addr(2, m, 3, v, v), m.addr(2, v, v))
    say(torch.addbmm(2, m, 3, m[None], m[None]), torch.baddbmm(2, m[None], 3, m[None], m[None]))
    say(torch.baddbmm(2, m[None], m[None], m[None]))
    say(m.clone().addmm_(2, m, m), v.clone().addmv_(2, m, v), m[None].clone().baddbmm_(2, m[None], m[None]))
    say(m.clone().addr_(2, v, v))
    say(lambda: torch.addmm(2, 3, 4, m, m), lambda: torch.addmm(m, 2, m))


def pieces_by_name(torch, say):
    x = torch.arange(16.0).reshape(4, 4)
    say(torch.hsplit(x, sections=2), torch.vsplit(x, sections=2), torch.vsplit(x, indices=[1]), x.hsplit(sections=4), x.vsplit((1, 3)))
    say(torch.dsplit(x.reshape(2, 2, 4), sections=2), torch.tensor_split(x, tensor_indices_or_sections=torch.tensor(2)))
    say(lambda: torch.hsplit(x, 3), lambda: torch.vsplit(x[0], 2), lambda: torch.dsplit(x, 2), lambda: torch.hsplit(x[0, 0], 1))
    say(torch.heaviside(x - 3, values=torch.tensor(0.5)), x.heaviside(values=x), torch.heaviside(input=x, values=x))


def inference_tensors(torch, say):
    outside = torch.ones(3)
    with torch.inference_mode():
        x = torch.ones(3)
        y = x * 2
        say(x.is_inference(), y.is_inference(), outside.is_inference(), outside[1:].is_inference(), outside.clone().is_inference())
        say(torch.is_inference(x), torch.is_inference_mode_enabled())
    say(x.is_inference(), y[1:].is_inference(), y.detach().is_inference(), x.clone().is_inference(), (x + 1).is_inference())


def names_of_results(torch, say):
    x = draw(torch, 4, 5)
    for r in (x.cummax(0), x.cummin(1), x.median(1), x.nanmedian(0), x.kthvalue(2), x.mode(1), torch.histogram(x, 3)):
        say(type(r).__name__, [type(r).__name__ + "." + name for name in ("values", "indices", "hist", "bin_edges") if hasattr(r, name)])
    say(x.cummax(0).values, x.cummin(1).indices, repr(x[:1, :2].cummax(1)))
