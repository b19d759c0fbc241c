"""Generative models: their formulas against slow ones, their densities against sums, and what they learn from little."""

import math

import numpy as np
import pytest
from harness import check_raises

import udlfast as torch
from udlfast import nn, train
from udlfast.models import GAN, VAE, Autoencoder, Autoregressive, Coupling, Diffusion, DiffusionUNet, Flow
from udlfast.train import frechet_distance, sample_sheet


def learn(model, x, epochs, lr=1e-2, seed=0, **how):
    adam = torch.optim.Adam(model.parameters(), lr=lr)
    return train.fit(model, [(x, x)], epochs=epochs, optimizer=adam, loss=train.mean, seed=seed, **how).train_loss


def stripes(n, size=8):
    """Images of one bright row or column."""
    rng = np.random.default_rng(0)
    x = np.zeros((n, 1, size, size), np.float32)
    for image, k in zip(x, rng.integers(0, 2 * size, n)):
        if k < size:
            image[0, k] = 1
        else:
            image[0, :, k - size] = 1
    return torch.from_numpy(x)


def test_autoencoder_learns_and_denoises():
    x = stripes(64)
    torch.manual_seed(0)
    plain, noisy = Autoencoder((1, 8, 8), 8, (64,)), Autoencoder((1, 8, 8), 8, (64,), noise=0.3)
    for net in (plain, noisy):
        losses = learn(net, x, 150)
        assert losses[-1] < 0.25 * losses[0]
    torch.manual_seed(1)
    dirty = x + 0.3 * torch.randn_like(x)
    with torch.no_grad():
        errors = [((net.decode(net.encode(dirty)) - x) ** 2).mean().item() for net in (plain, noisy)]
    assert errors[1] < errors[0] and errors[1] < 0.09  # below the noise itself
    assert torch.equal(noisy.eval()(x), noisy(x))


def test_elbo_is_below_the_likelihood_which_a_grid_knows():
    """A linear decoder of one latent number: p(x) is a one-dimensional integral."""
    torch.manual_seed(0)
    net = VAE((4,), latent=1, hidden=(6,))
    x = torch.tensor([[1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0]])
    z = torch.linspace(-8, 8, 4001).unsqueeze(1)
    with torch.no_grad():
        p = net.decode(z).double().numpy()
        joint = np.exp(-0.5 * z.numpy()[:, 0].astype(float) ** 2) / math.sqrt(2 * math.pi)
        exact = [math.log(np.trapezoid(joint * np.prod(np.where(row > 0, p, 1 - p), 1), z.numpy()[:, 0])) for row in x.numpy()]
        elbo = np.mean([net.elbo(x).numpy() for _ in range(2000)], 0)
        estimate = net.log_likelihood(x, 5000).numpy()
    np.testing.assert_allclose(estimate, exact, atol=0.02)
    assert (elbo < exact).all()
    m, log_var = net.encode(x)
    want = [0.5 * (a * a + math.exp(v) - 1 - v) for a, v in zip(m.flatten().tolist(), log_var.flatten().tolist())]
    np.testing.assert_allclose(net.terms(x)[1].detach().numpy(), want, rtol=1e-5)


def test_beta_weighs_the_divergence():
    x = stripes(20)
    torch.manual_seed(0)
    net = VAE((1, 8, 8), 3, (16,), beta=4.0)
    torch.manual_seed(1)
    error, divergence = net.terms(x)
    torch.manual_seed(1)
    assert torch.allclose(net(x), error + 4 * divergence)


def test_vae_learns_stripes():
    x = stripes(128)
    torch.manual_seed(0)
    net = VAE((1, 8, 8), 6, (64,))
    losses = learn(net, x, 300)
    assert losses[-1] < 0.45 * losses[0]
    torch.manual_seed(2)
    made = (net.sample(50) > 0.5).float().sum((1, 2, 3))
    assert 5 < made.mean().item() < 11  # 8 bright pixels each


@pytest.mark.parametrize("layer", [Coupling(torch.tensor([1, 0, 1, 0, 0])), Autoregressive(torch.tensor([2, 0, 4, 1, 3])),
                                   Autoregressive(torch.tensor([0]))])  # fmt: skip
def test_layers_of_flows_invert_and_know_their_volume(layer):
    torch.manual_seed(0)
    for p in layer.parameters():
        nn.init.normal_(p, 0, 0.3)
    layer.double()
    size = 5 if isinstance(layer, Coupling) else len(layer.order)
    x = torch.randn(6, size, dtype=torch.float64)
    z, change = layer(x)
    with torch.no_grad():
        np.testing.assert_allclose(layer.inverse(z).numpy(), x.numpy(), atol=1e-12)
    for k in range(6):
        jacobian = torch.autograd.functional.jacobian(lambda v: layer(v.unsqueeze(0))[0][0], x[k])
        assert abs(np.linalg.slogdet(jacobian.numpy())[1] - change[k].item()) < 1e-9
        if isinstance(layer, Autoregressive):
            sorted_by_order = jacobian.numpy()[np.ix_(layer.order, layer.order)]
            assert np.abs(np.triu(sorted_by_order, 1)).max(initial=0) == 0


@pytest.mark.parametrize("kind", ["coupling", "autoregressive"])
def test_density_of_a_flow_sums_to_one(kind):
    torch.manual_seed(0)
    flow = Flow(2, 4, kind, (16,))
    for p in flow.parameters():
        nn.init.normal_(p, 0, 0.4)
    side = np.linspace(-14, 14, 561, dtype=np.float32)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    with torch.no_grad():
        total = flow.log_prob(torch.from_numpy(grid)).double().exp().sum().item() * (side[1] - side[0]) ** 2
    assert abs(total - 1) < 0.01


@pytest.mark.parametrize("kind", ["coupling", "autoregressive"])
def test_flows_learn_two_moons_better_than_a_normal_law(kind):
    rng = np.random.default_rng(0)
    angle, upper = rng.uniform(0, np.pi, 500), rng.random(500) < 0.5
    x = np.where(upper[:, None], np.stack([np.cos(angle), np.sin(angle)], 1), np.stack([1 - np.cos(angle), 0.4 - np.sin(angle)], 1))
    x = (x + 0.08 * rng.standard_normal(x.shape)).astype(np.float32)
    x = (x - x.mean(0)) / x.std(0)
    normal = math.log(2 * math.pi) + 1 + 0.5 * np.linalg.slogdet(np.cov(x.T))[1]  # entropy of the fitted normal law
    torch.manual_seed(0)
    flow = Flow(2, 6, kind, (32,))
    losses = learn(flow, torch.from_numpy(x), 200, 5e-3, clip=5.0)
    assert losses[-1] < normal - 0.5
    torch.manual_seed(1)
    nearest = np.linalg.norm(flow.sample(200).numpy()[:, None] - x[None], axis=2).min(1)
    assert np.median(nearest) < 0.1


def test_flow_of_levels_is_a_lower_bound_of_their_law():
    """One number of three levels: exp(log p) averaged over the added noise is their probability, and these sum to 1."""
    torch.manual_seed(0)
    flow = Flow(1, 2, "autoregressive", (8,), levels=3)
    for p in flow.parameters():
        nn.init.normal_(p, 0, 0.1)
    with torch.no_grad():
        p = [flow.log_prob(torch.full((20000, 1), level)).exp().mean().item() for level in (0.0, 0.5, 1.0)]
        assert 0.95 < sum(p) < 1.001  # the tails beyond 0.05 and 0.95 are no level
        assert set(flow.sample(100).flatten().tolist()) <= {0.0, 0.5, 1.0}
        made = flow.sample(20000).flatten()
        for level, q in zip((0.5,), p[1:2]):
            assert abs((made == level).float().mean().item() - q) < 0.02
        bits = flow.bits_per_dim(torch.full((20000, 1), 0.5)).mean().item()
    assert bits >= -math.log2(p[1])


def test_losses_of_the_gan(rng):
    torch.manual_seed(0)
    x = stripes(16)
    gan, w = GAN((1, 8, 8), 4, penalty=0.0), GAN((1, 8, 8), 4, "wasserstein", penalty=0.0)
    w.load_state_dict(gan.state_dict())
    cases = (gan, lambda t, f: np.log1p(np.exp(-t)).mean() + np.log1p(np.exp(f)).mean()), (w, lambda t, f: f.mean() - t.mean())
    for model, loss in cases:
        torch.manual_seed(3)
        got = model.critic_loss(x).item()
        torch.manual_seed(3)
        with torch.no_grad():
            fake = model.generator(torch.randn(16, 4))
            scores = [model.critic(a).numpy().astype(float) for a in (x, fake)]
        assert abs(got - loss(*scores)) < 1e-5
    gan.critic_loss(x).backward()
    assert all(p.grad is None for p in gan.generator.parameters()) and all(p.grad is not None for p in gan.critic.parameters())


def test_gradient_penalty_of_a_linear_critic_is_known():
    critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    gan = GAN((1, 2, 2), 2, "wasserstein", generator=nn.Linear(2, 4), critic=critic)
    norm = critic[1].weight.detach().norm().item()
    got = gan.gradient_penalty(torch.rand(5, 1, 2, 2), torch.rand(5, 1, 2, 2))
    assert abs(got.item() - (norm - 1) ** 2) < 1e-5
    plain = GAN((1, 2, 2), 2, generator=nn.Linear(2, 4), critic=critic)
    assert abs(plain._slopes(torch.rand(3, 1, 2, 2)).mean().item() - norm**2) < 1e-5
    got.backward()
    want = (2 * (norm - 1) / norm * critic[1].weight.detach()).numpy()
    np.testing.assert_allclose(critic[1].weight.grad.numpy(), want, rtol=1e-4)


@pytest.mark.parametrize("kind", ["nonsaturating", "wasserstein"])
def test_gan_finds_a_cloud(kind):
    torch.manual_seed(0)
    middle = torch.tensor([2.0, -1.0])
    gan = GAN((2,), 2, kind, 1.0, nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2)),
              nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1)))  # fmt: skip
    one, two = (torch.optim.Adam(part.parameters(), lr=5e-3, betas=(0.5, 0.9)) for part in (gan.critic, gan.generator))
    critic = lambda: gan.critic_loss(middle + 0.5 * torch.randn(64, 2)), one  # noqa: E731
    for _ in range(300):
        for loss, adam in (critic,) * (1 if kind == "nonsaturating" else 5) + ((lambda: gan.generator_loss(64), two),):
            gan.zero_grad()
            loss().backward()
            adam.step()
    assert (gan.sample(500).mean(0) - middle).abs().max().item() < 0.5


def test_diffusion_with_the_true_noise_gives_the_data_back():
    """If the data is one point, the noise in x_t is known: DDIM ends at the point for any number of steps, DDPM too."""
    point = torch.full((1, 2, 2), 0.3)
    model = Diffusion(None, (1, 2, 2), steps=50)

    class Exact(nn.Module):
        def forward(self, x, t):
            a = model._spread(t)
            return (x - a.sqrt() * point) / (1 - a).sqrt()

    model.net = Exact()
    for steps in (1, 3, 50, None):
        np.testing.assert_allclose(model.sample(4, steps).numpy(), np.full((4, 1, 2, 2), 0.3), atol=1e-4)
    assert model(torch.full((8, 1, 2, 2), 0.3)).max().item() < 1e-4


def test_schedule_of_noise():
    kept = Diffusion(None, (1,), steps=100).kept.tolist()
    assert kept[0] == 1.0 and all(b < a for a, b in zip(kept[:-1], kept[1:])) and 0 < kept[-1] < 1e-3
    assert abs(kept[50] - math.cos(math.pi / 2 * (0.5 + 0.008) / 1.008) ** 2 / math.cos(math.pi / 2 * 0.008 / 1.008) ** 2) < 1e-6


def test_ddpm_and_ddim_sample_a_normal_law():
    """For data of the law N(m, s^2) the best guess of the noise is linear in x: the samples have that mean and deviation."""
    m, s = 0.2, 0.5
    model = Diffusion(None, (1,), steps=200)

    class Best(nn.Module):
        def forward(self, x, t):
            a = model._spread(t)
            return (1 - a).sqrt() / (a * s * s + 1 - a) * (x - a.sqrt() * m)

    model.net = Best()
    for how in ({}, {"steps": 200}, {"steps": 100, "eta": 0.5}):
        torch.manual_seed(0)
        x = model.sample(20000, clip=None, **how)
        assert abs(x.mean().item() - m) < 0.02 and abs(x.std().item() - s) < 0.02, how


def test_ddim_is_decided_by_the_start():
    torch.manual_seed(0)
    model = Diffusion(DiffusionUNet(1, (8, 8), classes=3), (1, 8, 8), steps=20)
    for p in model.parameters():
        nn.init.normal_(p, 0, 0.3)
    torch.manual_seed(1)
    one = model.sample(2, 5, labels=torch.tensor([0, 1]))
    torch.manual_seed(1)
    assert torch.equal(one, model.sample(2, 5, labels=torch.tensor([0, 1])))
    torch.manual_seed(1)
    assert not torch.equal(one, model.sample(2, 5, labels=torch.tensor([2, 1])))


@pytest.mark.parametrize("patch", [1, 2])
def test_unet_of_diffusion_sees_time_and_learns(patch):
    torch.manual_seed(0)
    net = DiffusionUNet(1, (8, 16), patch, time=16)
    assert not net(torch.randn(2, 1, 8, 8), torch.tensor([1, 2])).any()  # starts from the guess 0
    losses = learn(Diffusion(net, (1, 8, 8), steps=50), 2 * stripes(64) - 1, 120, 3e-3, ema=0.95)
    assert losses[0] > 0.9 and np.mean(losses[-20:]) < 0.4
    x = torch.randn(1, 1, 8, 8)
    assert (net(x, torch.tensor([1])) - net(x, torch.tensor([40]))).abs().max().item() > 1e-3


def test_frechet_distance(rng):
    a = rng.standard_normal((4000, 3)) @ np.diag([1.0, 2.0, 0.5])
    b = rng.standard_normal((4000, 3)) @ np.diag([2.0, 2.0, 1.5]) + [1, 0, 0]
    # normal laws with diagonal covariances: |m|^2 + sum of (s_a - s_b)^2
    assert abs(frechet_distance(a, b) - (1 + 1 + 0 + 1)) < 0.25 and frechet_distance(a, a) < 1e-9
    root = pytest.importorskip("scipy.linalg").sqrtm
    ca, cb = np.cov(a.T), np.cov(b.T)
    want = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb - 2 * root(ca @ cb).real)
    assert abs(frechet_distance(torch.from_numpy(a), torch.from_numpy(b)) - want) < 1e-8


@pytest.mark.parametrize("channels", [1, 3])
def test_sheet_is_a_png_of_the_images(channels, tmp_path, rng):
    image = pytest.importorskip("PIL.Image")
    x = rng.uniform(-1.5, 1.5, (5, channels, 4, 6))
    path = sample_sheet(torch.from_numpy(x), tmp_path / "sheet.png", columns=3, low=-1, high=1, scale=2)
    got = np.asarray(image.open(path))
    assert got.shape[:2] == (2 * 9 + 1, 3 * 13 + 1)
    part = got[10:18, 14:26].reshape(8, 12, channels)[::2, ::2]  # image 4: second row, second column
    want = np.round((np.clip(x[4], -1, 1) + 1) / 2 * 255).astype(np.uint8).transpose(1, 2, 0)
    assert np.array_equal(part, want)


def test_mistakes():
    check_raises(ValueError, ["kind"], GAN, (1, 8, 8), kind="good")
    check_raises(ValueError, ["multiples of 4"], GAN, (1, 9, 8))
    check_raises(ValueError, ["kind"], Flow, 3, kind="good")
    check_raises(ValueError, ["3 numbers", "got 4"], Flow(3), torch.ones(2, 4))
    check_raises(ValueError, ["multiples of 2"], DiffusionUNet(1, (8, 8)), torch.ones(1, 1, 7, 8), torch.tensor([1]))
    check_raises(ValueError, ["1..10"], Diffusion(None, (1,), 10).sample, 2, 11)
    check_raises(ValueError, ["steps"], Diffusion, None, (1,), 0)
    check_raises(RuntimeError, ["frechet_distance"], frechet_distance, np.ones((3, 2)), np.ones((3, 3)))
    check_raises(ValueError, ["two points"], frechet_distance, np.ones((1, 2)), np.ones((3, 2)))
    check_raises(RuntimeError, ["sample_sheet"], sample_sheet, np.ones((2, 2, 3, 3)), "x.png")
    check_raises(ValueError, ["nothing"], sample_sheet, np.ones((0, 1, 3, 3)), "x.png")
