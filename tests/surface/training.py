"""Scripts that train: loops, schedules, mixed precision, samplers, averages."""

import copy
import random

import numpy as np

from .compare import draw, fill


def regression_with_schedulers(torch, say):
    nn = torch.nn
    x, w = draw(torch, 64, 5), draw(torch, 5, 1, seed=1)
    y = x @ w
    for make in (
        lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=12),
        lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9),
        lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: 1 / (k + 1)),
        lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [2, 5]),
        lambda o: torch.optim.lr_scheduler.LinearLR(o, 0.1, 1.0, 4),
        lambda o: torch.optim.lr_scheduler.PolynomialLR(o, 8, 2),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 3, 2),
        lambda o: torch.optim.lr_scheduler.SequentialLR(
            o, [torch.optim.lr_scheduler.ConstantLR(o, 0.1, 2), torch.optim.lr_scheduler.ExponentialLR(o, 0.8)], [3]
        ),
        lambda o: torch.optim.lr_scheduler.ChainedScheduler(
            [torch.optim.lr_scheduler.ConstantLR(o, 0.1, 2), torch.optim.lr_scheduler.ExponentialLR(o, 0.8)]
        ),
    ):
        net = fill(nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1)))
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.05, weight_decay=0.01)
        scheduler = make(optimizer)
        for _ in range(10):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step()
        say(type(scheduler).__name__, loss, scheduler.get_last_lr(), sorted(k for k in scheduler.state_dict() if k[:2] not in ("_i", "_g")))


def plateau_and_warmup(torch, say):
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([p], lr=1.0, momentum=0.9, nesterov=True)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "min", factor=0.5, patience=1, threshold=1e-3)
    for v in (1.0, 0.9, 0.9, 0.9, 0.9, 0.5, 0.5, 0.5):
        scheduler.step(v)
        say(optimizer.param_groups[0]["lr"], scheduler.num_bad_epochs, scheduler.get_last_lr())
    say(repr(optimizer), sorted(optimizer.param_groups[0]), sorted(optimizer.defaults))


def amp_with_scaler(torch, say):
    nn = torch.nn
    x, y = draw(torch, 16, 8), torch.arange(16) % 3
    for device in ("cpu", "cuda"):
        enabled = device == "cuda" and torch.cuda.is_available()
        net = fill(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3)))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler(device, enabled=enabled)
        for _ in range(4):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=False):
                loss = nn.functional.cross_entropy(net(x), y, label_smoothing=0.1)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
        say(loss, norm, scaler.get_scale(), scaler.is_enabled(), scaler.state_dict())
    with torch.amp.autocast("cpu", dtype=torch.bfloat16):
        out = net(x)
        say(out.dtype, torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu"), (out.softmax(-1)).dtype)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    optimizer.zero_grad()
    scaler.scale(net(x).sum()).backward()
    net[0].weight.grad[0, 0] = float("inf")
    before = net[0].weight.detach().clone()
    scaler.step(optimizer)
    scaler.update()
    say(torch.equal(before, net[0].weight), scaler.get_scale())


def datasets_and_loaders(torch, say):
    data = torch.utils.data

    class Squares(data.Dataset):
        def __init__(self, n):
            self.n = n

        def __len__(self):
            return self.n

        def __getitem__(self, i):
            if i >= self.n:
                raise IndexError(i)
            return {"x": torch.tensor([float(i), float(i * i)]), "name": f"n{i}", "pair": (i, float(i)), "a": np.array([i])}

    class Stream(data.IterableDataset):
        def __iter__(self):
            return iter(range(7))

    def collate(batch):
        return torch.stack([b["x"] for b in batch]), [b["name"] for b in batch]

    for batch in data.DataLoader(Squares(5), batch_size=2):
        say(batch["x"], batch["name"], batch["pair"], batch["a"])
    for x, names in data.DataLoader(Squares(5), batch_size=2, drop_last=True, collate_fn=collate):
        say(x, names)
    say(
        list(data.DataLoader(Stream(), batch_size=3)), len(data.DataLoader(Squares(5), 2)), list(data.DataLoader(Stream(), batch_size=None))
    )
    both = data.ConcatDataset([Squares(2), Squares(3)])
    say(len(both), both[3]["name"], both[-1]["name"], data.Subset(both, [4, 0])[0]["name"])
    tensors = data.TensorDataset(torch.arange(6), torch.arange(6) * 2)
    say(tensors[1:3], len(tensors), tensors[-1])
    a, b = data.random_split(tensors, [4, 2], generator=torch.Generator().manual_seed(0))
    say(len(a), len(b), sorted(a.indices + b.indices), [len(s) for s in data.random_split(range(10), [0.5, 0.3, 0.2])])
    sampler = data.BatchSampler(data.SequentialSampler(range(7)), 3, False)
    say(list(sampler), len(sampler), [b.tolist() for b in data.DataLoader(torch.arange(7), batch_sampler=sampler)])
    picks = list(data.WeightedRandomSampler([0.0, 1.0, 0.0], 5))
    say(picks, sorted(data.RandomSampler(range(5))), sorted(data.SubsetRandomSampler([3, 1])))
    say(lambda: data.DataLoader(Squares(3), batch_size=0), lambda: data.DataLoader(Squares(3), shuffle=True, sampler=sampler))
    say(lambda: data.TensorDataset(torch.ones(2), torch.ones(3)), lambda: len(data.DataLoader(Stream())))
    say(lambda: data.random_split(range(3), [1, 1]), lambda: data.Dataset()[0], lambda: data.default_collate([object()]))
    say(lambda: data.DataLoader(Squares(3), num_workers=-1), lambda: data.DataLoader(Stream(), shuffle=True))
    say(data.default_collate([(1, 2.0), (3, 4.0)]), data.default_collate([np.ones(2), np.zeros(2)]), data.default_collate(["a", "b"]))


def distributed_sampler(torch, say):
    data = torch.utils.data
    for rank in range(3):
        sampler = data.distributed.DistributedSampler(range(10), num_replicas=3, rank=rank, shuffle=False)
        say(list(sampler), len(sampler), sampler.total_size, sampler.num_samples)
        sampler = data.DistributedSampler(range(10), num_replicas=3, rank=rank, shuffle=False, drop_last=True)
        say(list(sampler), len(sampler))
    shuffled = [data.DistributedSampler(range(9), 3, r, seed=1) for r in range(3)]
    first = [list(s) for s in shuffled]
    say(sorted(sum(first, [])), first == [list(s) for s in shuffled])
    for s in shuffled:
        s.set_epoch(1)
    say(first == [list(s) for s in shuffled], shuffled[0].epoch)
    say(list(data.DistributedSampler(range(2), 5, 4, shuffle=False)))
    say(lambda: data.DistributedSampler(range(10), num_replicas=2, rank=2))


def averages(torch, say):
    nn, swa = torch.nn, torch.optim.swa_utils
    net = fill(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)))
    mean = swa.AveragedModel(net)
    ema = swa.AveragedModel(net, multi_avg_fn=swa.get_ema_multi_avg_fn(0.9))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    schedule = swa.SWALR(optimizer, swa_lr=0.01, anneal_epochs=3)
    x = draw(torch, 12, 3)
    for _ in range(5):
        optimizer.zero_grad()
        net(x).pow(2).mean().backward()
        optimizer.step()
        mean.update_parameters(net)
        ema.update_parameters(net)
        schedule.step()
    swa.update_bn(data := [x[:6], x[6:]], mean)
    say(len(data), mean.n_averaged, ema(x[:2]), mean(x[:2]), schedule.get_last_lr(), list(mean.state_dict()))
    teacher = copy.deepcopy(net).requires_grad_(False)
    with torch.no_grad():
        for p, q in zip(teacher.parameters(), net.parameters()):
            p.mul_(0.99).add_(q, alpha=0.01)
            p.lerp_(q, 0.1)
    say([p.requires_grad for p in teacher.parameters()], list(teacher.parameters())[0])


def lbfgs_closure(torch, say):
    p = torch.nn.Parameter(torch.tensor([-1.2, 1.0]))
    for line in (None, "strong_wolfe"):
        p.data = torch.tensor([-1.2, 1.0])
        optimizer = torch.optim.LBFGS([p], lr=0.5 if line is None else 1, max_iter=15, line_search_fn=line)

        def closure():
            optimizer.zero_grad()
            loss = (1 - p[0]) ** 2 + 5 * (p[1] - p[0] ** 2) ** 2
            loss.backward()
            return loss

        first = optimizer.step(closure)
        say(first, p.detach(), sorted(optimizer.state[p])[:3])


def every_optimizer(torch, say):
    for name in ("SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD", "Adafactor"):
        net = fill(torch.nn.Linear(4, 3))
        optimizer = getattr(torch.optim, name)([{"params": [net.weight]}, {"params": [net.bias], "lr": 0.02}], lr=0.01)
        x = draw(torch, 6, 4)
        for _ in range(3):
            optimizer.zero_grad()
            net(x).square().sum().backward()
            optimizer.step()
        state = optimizer.state_dict()
        say(name, net.weight, net.bias, state["param_groups"], {k: sorted(v) for k, v in state["state"].items()})
        say(repr(optimizer))
        again = getattr(torch.optim, name)([{"params": [net.weight]}, {"params": [net.bias]}], lr=1.0)
        again.load_state_dict(copy.deepcopy(state))
        net(x).sum().backward()
        again.step()
        say(net.weight, [g["lr"] for g in again.param_groups])
    say(lambda: torch.optim.SGD([], lr=0.1), lambda: torch.optim.SGD(net.parameters(), lr=-1), lambda: torch.optim.Adam([1.0], lr=0.1))
    say(lambda: torch.optim.Adam(net.weight), lambda: torch.optim.Adam(net.parameters(), betas=(1.0, 0.9)))
    say(
        lambda: torch.optim.SGD([{"params": net.weight}, {"params": net.weight}], lr=1),
        lambda: again.load_state_dict({"state": {}, "param_groups": []}),
    )
    say(lambda: torch.optim.SGD([net.weight * 2], lr=0.1), lambda: torch.optim.SGD(net.parameters(), lr=0.1, nesterov=True))
    again.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))]})
    say(len(again.param_groups), lambda: again.add_param_group({"params": [net.weight]}))


def seeds(torch, say):
    random.seed(0)
    torch.manual_seed(3)
    a = torch.rand(4)
    torch.manual_seed(3)
    say(torch.equal(a, torch.rand(4)), torch.initial_seed(), torch.random.initial_seed())
    state = torch.get_rng_state()
    b = torch.randn(3)
    torch.set_rng_state(state)
    say(torch.equal(b, torch.randn(3)), state.dtype)
    g = torch.Generator()
    say(g.manual_seed(5) is g, g.initial_seed(), g.device)
    c = torch.randperm(6, generator=g)
    g.manual_seed(5)
    say(torch.equal(c, torch.randperm(6, generator=g)), sorted(c.tolist()), c.dtype)
    with torch.random.fork_rng():
        torch.manual_seed(9)
        torch.rand(2)
    torch.manual_seed(3)
    d = torch.bernoulli(torch.full((3,), 0.5), generator=g)
    say(d.dtype, torch.randint(3, 4, (2,)), torch.randint(5, (2,), dtype=torch.int32).dtype, torch.randint_like(a, 1, 2))
    say(lambda: torch.randint(5, 2, (2,)), lambda: torch.multinomial(torch.zeros(3), 1), lambda: torch.bernoulli(torch.tensor([2.0])))
    say(lambda: torch.normal(torch.zeros(2), -torch.ones(2)), lambda: torch.randperm(-1), lambda: torch.rand(2, generator=3))


def language_model(torch, say):
    nn = torch.nn
    text = "to be or not to be that is the question"
    vocabulary = sorted(set(text))
    ids = torch.tensor([vocabulary.index(c) for c in text])

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(len(vocabulary), 8)
            self.rnn = nn.LSTM(8, 12, num_layers=2, batch_first=True, dropout=0.0)
            self.head = nn.Linear(12, len(vocabulary))

        def forward(self, x, hidden=None):
            y, hidden = self.rnn(self.embed(x), hidden)
            return self.head(y), hidden

    model = fill(Model())
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01)
    hidden = None
    for _ in range(5):
        optimizer.zero_grad()
        out, hidden = model(ids[None, :-1], hidden)
        hidden = tuple(h.detach() for h in hidden)
        loss = nn.CrossEntropyLoss()(out.view(-1, len(vocabulary)), ids[1:])
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.1)
        optimizer.step()
    say(loss, nn.utils.parameters_to_vector(model.parameters()).sum(), repr(model))
    x, written = ids[None, :1], []
    for _ in range(5):
        out, hidden = model(x, hidden)
        x = out[:, -1].topk(3)[1][:, :1]
        written.append(x.item())
    say(written, hidden[0].shape)


def checkpoints(torch, say):
    import io

    nn = torch.nn
    net = fill(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)))
    optimizer = torch.optim.Adam(net.parameters())
    net(draw(torch, 4, 3)).sum().backward()
    optimizer.step()
    file = io.BytesIO()
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "rng": torch.get_rng_state(), "best": 0.5}, file)
    file.seek(0)
    back = torch.load(file, map_location="cpu", weights_only=True)
    say(list(back), back["epoch"], type(back["net"]).__name__, back["net"]["1.running_mean"], back["optimizer"]["param_groups"])
    say(net.load_state_dict(back["net"]), str(net.load_state_dict(back["net"])))
    partial = {k: v for k, v in back["net"].items() if not k.startswith("1.")}
    partial["extra"] = torch.ones(1)
    say(net.load_state_dict(partial, strict=False), lambda: net.load_state_dict(partial))
    partial["0.weight"] = torch.ones(5, 5)
    say(lambda: net.load_state_dict(partial, strict=False))
    tied = nn.ModuleDict({"a": nn.Embedding(4, 3), "b": nn.Linear(3, 4, bias=False)})
    tied["b"].weight = tied["a"].weight
    file = io.BytesIO()
    torch.save(tied.state_dict(), file)
    file.seek(0)
    back = torch.load(file)
    say(back["a.weight"].data_ptr() == back["b.weight"].data_ptr(), len(list(tied.parameters())), len(tied.state_dict()))
    whole = torch.arange(12.0)
    file = io.BytesIO()
    torch.save([whole[2:5], whole.view(3, 4)[:, 1], whole], file)
    file.seek(0)
    a, b, c = torch.load(file)
    c[3] = 100
    say(a, b, c, a.storage_offset(), b.stride(), a.untyped_storage().data_ptr() == c.untyped_storage().data_ptr())
    say(lambda: torch.load(io.BytesIO(b"")), lambda: torch.load(io.BytesIO(b"nonsense" * 9)), lambda: torch.load("/nonexistent.pt"))
