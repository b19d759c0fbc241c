"""Scripts about what stands around: distributions, profiler, benchmark, TensorBoard, compile, backends, testing, sparse, fft."""

import contextlib
import functools
import io
import tempfile

from .compare import draw, fill


def _allowed(script):
    """The script where flags may be set: PyTorch's own test tools, imported by another test, forbid it."""

    @functools.wraps(script)
    def run(torch, say):
        with getattr(torch.backends, "__allow_nonbracketed_mutation", contextlib.nullcontext)():
            script(torch, say)

    return run


def distributions(torch, say):
    d = torch.distributions
    d.Distribution.set_default_validate_args(True)
    say(repr(d.Normal(torch.zeros(2), 1.0)), repr(d.Categorical(torch.ones(3))), repr(d.Gamma(1.0, 2.0)), repr(d.Normal(0.0, 1.0).support))
    x = draw(torch, 4).requires_grad_()
    for law in (
        d.Normal(x, 2.0),
        d.Bernoulli(logits=x),
        d.Categorical(logits=x),
        d.Uniform(-9.0, torch.full((4,), 9.0)),
        d.Beta(x.exp(), 2.0),
        d.Gamma(x.exp(), 1.0),
        d.Dirichlet(x.exp()),
        d.Exponential(x.exp()),
        d.Laplace(x, 1.0),
        d.LogNormal(x, 1.0),
        d.MultivariateNormal(x, torch.eye(4)),
        d.Poisson(x.exp()),
        d.StudentT(3.0, x),
        d.Geometric(logits=x),
        d.Gumbel(x, 1.0),
        d.HalfNormal(x.exp()),
        d.Independent(d.Normal(x, 1.0), 1),
        d.MixtureSameFamily(d.Categorical(torch.ones(4)), d.Normal(x, 1.0)),
        d.Cauchy(x, 1.0),
        d.OneHotCategorical(logits=x),
        d.Binomial(5, logits=x),
        d.Multinomial(3, logits=x),
        d.VonMises(x, 1.0),
        d.Weibull(1.0, x.exp()),
        d.TransformedDistribution(d.Normal(x, 1.0), [d.transforms.ExpTransform()]),
        d.LowRankMultivariateNormal(x, torch.ones(4, 1), torch.ones(4)),
        d.RelaxedBernoulli(torch.tensor(0.5), logits=x),
    ):
        torch.manual_seed(0)
        s = law.sample((2,))
        say(type(law).__name__, s.shape, s.requires_grad, law.batch_shape, law.event_shape, law.has_rsample)
        say(lambda: law.mean, lambda: law.variance, lambda: law.entropy().detach(), law.has_rsample and law.rsample().requires_grad)
    v = torch.tensor([0.3, 0.2, 0.4, 0.1])
    say(
        d.Normal(x, 2.0).log_prob(v),
        d.Normal(0.0, 1.0).cdf(v),
        d.Normal(0.0, 1.0).icdf(v),
        d.Beta(2.0, 3.0).log_prob(v),
        d.Dirichlet(torch.ones(4)).log_prob(v),
        d.Categorical(v).log_prob(torch.tensor([1, 3])),
        d.Categorical(v).probs,
        d.Bernoulli(v).log_prob(torch.ones(4)),
    )
    say(
        d.kl_divergence(d.Normal(x, 1.0), d.Normal(0.0, 2.0)),
        d.kl_divergence(d.Categorical(v), d.Categorical(torch.ones(4))),
        d.kl.kl_divergence(d.Beta(1.0, 2.0), d.Beta(2.0, 2.0)),
        d.Normal(x, 1.0).expand((2, 4)).batch_shape,
        d.MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(torch.ones(2)),
    )
    say(
        lambda: d.Normal(0.0, -1.0),
        lambda: d.Categorical(torch.tensor([-1.0])),
        lambda: d.Bernoulli(2.0),
        lambda: d.Bernoulli(),
        lambda: d.Normal(0.0, 1.0).log_prob("a"),
        lambda: d.kl_divergence(d.Normal(0.0, 1.0), d.Cauchy(0.0, 1.0)),
        lambda: d.Uniform(1.0, 0.0),
        lambda: d.Categorical(v).log_prob(torch.tensor(7)),
        lambda: d.Beta(1.0, 1.0).log_prob(torch.tensor(3.0)),
        lambda: d.Normal("a", 1.0),
        lambda: d.MultivariateNormal(torch.zeros(2), -torch.eye(2)),
    )
    policy = d.Categorical(logits=fill(torch.nn.Linear(4, 2))(v))
    loss = -(policy.log_prob(torch.tensor(1)) * 2.0) - 0.01 * policy.entropy()
    loss.backward()
    say(
        loss,
        policy.enumerate_support(),
        policy.param_shape,
        d.Normal(torch.zeros(2), 1.0).stddev,
        d.biject_to(d.constraints.positive)(torch.tensor(0.5)),
        d.constraints.simplex.check(v),
    )


def profiling_and_timing(torch, say):
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True) as p:
        with torch.profiler.record_function("part"):
            torch.ones(3) + 1
    say(isinstance(p.key_averages().table(sort_by="cpu_time_total", row_limit=3), str), any(e.key == "part" for e in p.key_averages()))
    from importlib import import_module

    benchmark = import_module(torch.__name__ + ".utils.benchmark")
    timer = benchmark.Timer(stmt="x + y", setup="y = 1", globals={"x": torch.ones(3)}, label="add", num_threads=1)
    m = timer.timeit(10)
    say(type(m).__name__, m.mean > 0, m.median > 0, m.number_per_run, len(m.times), "add" in repr(m), m.iqr >= 0)
    m = timer.blocked_autorange(min_run_time=0.01)
    table = benchmark.Compare([m])
    say(m.median > 0, len(m.times) > 0, len(m.raw_times) == len(m.times), isinstance(repr(m), str), isinstance(table, benchmark.Compare))


def tensorboard(torch, say):
    from importlib import import_module

    writer = import_module(torch.__name__ + ".utils.tensorboard").SummaryWriter(tempfile.mkdtemp())
    writer.add_scalar("loss", 0.5, 1)
    writer.add_scalars("both", {"a": 1.0, "b": torch.tensor(2.0)}, 1)
    writer.add_histogram("w", torch.ones(4), 0)
    writer.add_text("note", "hello")
    writer.flush()
    writer.close()
    say(writer.log_dir is not None)


def compiling(torch, say):
    @torch.compile
    def f(x):
        return x.sin() + x.cos()

    @torch.compile(fullgraph=True, dynamic=False, mode="reduce-overhead", backend="eager")
    def g(x, k=2):
        return x * k

    x = draw(torch, 5)
    net = torch.compile(fill(torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.ReLU())), backend="eager")
    say(g(x), g(x, k=3), net(x), [n for n, _ in net.named_parameters()], isinstance(net, torch.nn.Module), g.__name__)
    torch.compiler.reset()

    @torch.compiler.disable
    def h(x):
        return x + 1

    @torch.jit.ignore
    def i(x):
        return x

    say(h(x), i(x), torch.compiler.is_compiling(), torch.jit.is_scripting(), torch.jit.is_tracing())
    torch._dynamo.reset() if hasattr(torch, "_dynamo") else None
    del f


@_allowed
def backends(torch, say):
    b = torch.backends
    b.cudnn.benchmark = True
    b.cudnn.deterministic = True
    say(
        b.cudnn.benchmark,
        b.cudnn.is_available(),
        b.mps.is_available(),
        torch.cuda.is_available(),
        torch.cuda.device_count(),
        torch.cuda.is_initialized(),
        b.mps.is_built(),
    )
    b.cudnn.benchmark = b.cudnn.deterministic = False
    b.cudnn.allow_tf32 = True
    say(
        torch.get_float32_matmul_precision(),
        isinstance(torch.get_num_threads(), int),
        isinstance(torch.__version__, str),
        torch.are_deterministic_algorithms_enabled(),
        b.mkldnn.is_available() in (True, False),
        b.openmp.is_available() in (True, False),
    )
    torch.use_deterministic_algorithms(True)
    say(torch.are_deterministic_algorithms_enabled())
    torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision("high")
    say(torch.get_float32_matmul_precision(), torch.cuda.empty_cache(), torch.cuda.manual_seed_all(1), torch.cuda.manual_seed(1))
    torch.set_float32_matmul_precision("highest")
    device = torch.device("cuda" if torch.cuda.is_available() else "mps" if b.mps.is_available() else "cpu")
    say(
        device,
        device.type,
        device.index,
        torch.device("cpu", 0),
        torch.device("cpu:0") == torch.device("cpu"),
        torch.ones(1, device=device).device,
        torch.device("cuda:1").index,
        torch.device(type="cpu"),
        lambda: torch.device("no"),
    )
    say(
        lambda: torch.ones(1, device="cuda"),
        lambda: torch.ones(1).cuda(),
        lambda: torch.ones(1).to("cuda"),
        lambda: torch.cuda.get_device_name(0),
        lambda: torch.cuda.current_device(),
        lambda: torch.cuda.synchronize(),
        torch.ones(1).to(device).device,
        torch.ones(1).cpu().device,
        torch.ones(1).to("cpu", torch.float64).dtype,
        torch.ones(1).to(torch.ones(1, dtype=torch.int32)).dtype,
    )
    say(
        torch.accelerator.is_available(),
        torch.cuda.memory_allocated(),
        torch.cuda.max_memory_allocated(),
        torch.cuda.is_bf16_supported() in (True, False),
        torch.version.cuda,
        torch.distributed.is_available() in (True, False),
        lambda: torch.set_num_threads(0),
        lambda: torch.set_num_threads("a"),
    )
    with b.cudnn.flags(enabled=False):
        pass
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        say(torch.nn.functional.scaled_dot_product_attention(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)))


def testing(torch, say):
    t = torch.testing
    say(
        t.assert_close(torch.ones(2), torch.ones(2)),
        lambda: t.assert_close(torch.ones(2), torch.zeros(2)),
        lambda: t.assert_close(torch.ones(2), torch.ones(3)),
        lambda: t.assert_close(torch.ones(2), torch.ones(2).double()),
        lambda: t.assert_close(1.0, 1.0 + 1e-9),
        lambda: t.assert_close([1.0, torch.ones(1)], [1.0, torch.ones(1)]),
        lambda: t.assert_close({"a": torch.ones(1)}, {"a": torch.zeros(1)}),
        lambda: t.assert_close({"a": torch.ones(1)}, {"a": torch.ones(1)}),
    )
    say(
        lambda: t.assert_close(torch.tensor([float("nan")]), torch.tensor([float("nan")])),
        t.assert_close(torch.tensor([float("nan")]), torch.tensor([float("nan")]), equal_nan=True),
        lambda: t.assert_close(torch.ones(1), 1.0),
        lambda: t.assert_close("a", "a"),
        lambda: t.assert_close(torch.ones(1), torch.ones(1), rtol=1),
        lambda: t.assert_close(torch.ones(2), torch.ones(2).long(), check_dtype=False),
        lambda: t.assert_close([1], (1,)),
        lambda: t.assert_close([1], [1, 2]),
        lambda: t.assert_allclose(torch.ones(1), torch.ones(1)),
    )
    for dtype in (torch.float32, torch.int64, torch.bool, torch.uint8, torch.bfloat16, torch.float64, torch.int8):
        m = t.make_tensor((3, 4), dtype=dtype, device="cpu")
        say(m.shape, m.dtype, m.device, m.is_contiguous())
        if dtype is not torch.bool:
            m = t.make_tensor(500, dtype=dtype, device="cpu", low=2, high=5)
            say(m.shape, (m >= 2).all(), (m < 5).all() if dtype is not torch.bfloat16 else (m <= 5).all())
    m = t.make_tensor(3, 4, dtype=torch.float32, device="cpu", requires_grad=True, noncontiguous=True)
    say(
        m.requires_grad,
        m.is_contiguous(),
        m.shape,
        t.make_tensor((100,), dtype=torch.int32, device="cpu", low=0, high=2, exclude_zero=True).eq(0).any(),
        t.make_tensor((), dtype=torch.float32, device="cpu").shape,
        t.make_tensor((0,), dtype=torch.float32, device="cpu").shape,
    )
    say(
        lambda: t.make_tensor((2,), dtype=torch.int64, device="cpu", requires_grad=True),
        lambda: t.make_tensor((2,), dtype=torch.float32, device="cpu", low=3, high=1),
        lambda: t.make_tensor((2,), dtype=torch.float32, device="cpu", low=float("nan")),
        lambda: t.make_tensor((2,), device="cpu"),
        lambda: t.make_tensor((2,), dtype=torch.float32, device="cpu", noncontiguous=True, memory_format=torch.contiguous_format),
    )


def transforms_and_windows(torch, say):
    x = draw(torch, 16)
    say(
        torch.view_as_real(torch.fft.fft(x)),
        torch.fft.rfft(x).abs(),
        torch.fft.irfft(torch.fft.rfft(x), 16),
        torch.fft.fftfreq(4),
        torch.fft.fftshift(x),
        torch.hann_window(5),
        torch.hamming_window(5),
        torch.stft(x, 8, 4, window=torch.hann_window(8), return_complex=True).abs(),
        torch.bartlett_window(4),
        torch.kaiser_window(4),
        torch.blackman_window(4),
    )
    say(
        torch.istft(torch.stft(x, 8, 4, window=torch.hann_window(8), return_complex=True), 8, 4, window=torch.hann_window(8)),
        torch.nn.functional.conv1d(x.view(1, 1, -1), torch.ones(1, 1, 3), padding=1),
        torch.fft.fft2(x.view(4, 4)).real,
        torch.fft.rfftfreq(5),
        lambda: torch.stft(x, 8),
    )
    z = torch.complex(x[:3], x[3:6])
    say(
        z.real,
        z.imag,
        z.abs(),
        z.angle(),
        (z * z.conj()).real,
        torch.polar(torch.ones(2), torch.zeros(2)).imag,
        torch.view_as_real(z),
        torch.is_complex(z),
        z.dtype,
        z.is_complex(),
        torch.view_as_complex(torch.ones(2, 2)).shape,
        torch.real(z),
    )


def sparse_tensors(torch, say):
    i, v = torch.tensor([[0, 1, 1], [2, 0, 2]]), torch.tensor([3.0, 4.0, 5.0])
    s = torch.sparse_coo_tensor(i, v, (2, 3))
    say(
        s.to_dense(),
        s.shape,
        s.is_sparse,
        s._nnz(),
        s.coalesce().indices(),
        s.coalesce().values(),
        torch.sparse.mm(s, torch.ones(3, 2)),
        (s * 2).to_dense(),
        s.t().to_dense(),
        torch.sparse.sum(s),
        torch.eye(3).to_sparse().to_dense(),
        s.is_coalesced(),
        s @ torch.ones(3),
        s.dtype,
        s.layout,
    )
    c = s.to_dense().to_sparse_csr()
    say(
        c.crow_indices(),
        c.col_indices(),
        c.values(),
        c @ torch.ones(3, 1),
        c.to_dense(),
        torch.sparse_csr_tensor([0, 1, 2], [0, 1], [1.0, 2.0], (2, 2)).to_dense(),
        c.layout,
    )
    w = torch.ones(3, 2, requires_grad=True)
    torch.sparse.mm(s, w).sum().backward()
    say(
        w.grad,
        lambda: torch.sparse_coo_tensor(torch.tensor([[5]]), torch.ones(1), (2,)),
        lambda: torch.sparse.mm(s, torch.ones(5, 2)),
        lambda: torch.sparse_coo_tensor(i, torch.ones(2)),
    )
    duplicates = torch.sparse_coo_tensor([[0, 0]], [1.0, 2.0], (2,))
    say(
        duplicates.to_dense(),
        duplicates.coalesce().values(),
        duplicates._nnz(),
        (s + s).to_dense(),
        (s.to_dense() + 1).to_sparse()._nnz(),
        torch.sparse.softmax(s, 1).to_dense(),
        torch.sparse.log_softmax(s, 1).to_dense(),
    )


def odds_and_ends(torch, say):
    import os
    import warnings

    say(
        torch.is_storage(torch.ones(1).untyped_storage()),
        torch.numel(torch.ones(3)),
        torch.is_nonzero(torch.tensor(1)),
        torch.typename(torch.ones(1)),
        torch.numel(torch.ones(2, 2)),
        torch.Size([2, 3]).numel(),
        torch.Size([1]) + torch.Size([2]),
        torch.Size([2, 3])[1:],
        type(torch.Size([2])[0]).__name__,
    )
    say(
        callable(torch.hub.load),
        torch.utils.data.get_worker_info(),
        torch.get_default_device() if hasattr(torch, "get_default_device") else None,
        torch.__config__.show() is not None,
        torch.nn.utils.rnn is not None,
    )

    say(torch.load(_saved(torch, {"a": [1, (2.5, "x"), None, True], "t": torch.ones(2, dtype=torch.int16)})))
    say(
        torch.nn.functional.has_torch_function if False else 1,
        torch.manual_seed(1).initial_seed(),
        torch.seed() != 0,
        torch.get_rng_state().dtype,
        torch.random.get_rng_state().shape[0] > 0,
    )
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        torch.nn.functional.mse_loss(torch.ones(2, 1), torch.ones(2))
        torch.nn.functional.softmax(torch.ones(2, 2))
        torch.nn.functional.kl_div(torch.zeros(2, 2), torch.ones(2, 2))
        torch.nn.functional.interpolate(torch.ones(1, 1, 4), scale_factor=1.5, mode="linear", align_corners=None)
        torch.meshgrid(torch.ones(1), torch.ones(2))
    say([(w.category.__name__) for w in seen], os.path.exists("/nonexistent"))


def _saved(torch, value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return file
