"""Scripts about single layers, what they refuse, and networks that are taken apart."""

from .compare import draw, fill


def layers_and_errors(torch, say):
    nn, F = torch.nn, torch.nn.functional
    x = draw(torch, 2, 4, 6, 6)
    for layer in (
        nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2),
        nn.ConvTranspose2d(4, 2, 3, output_padding=1, stride=2),
        nn.GroupNorm(2, 4),
        nn.InstanceNorm2d(4, affine=True),
        nn.MaxPool2d(2, return_indices=True),
        nn.AdaptiveAvgPool2d((None, 2)),
        nn.Upsample(scale_factor=2),
        nn.PixelShuffle(2),
        nn.Unfold(2),
        nn.LPPool2d(2, 2),
        nn.ZeroPad2d((1, 0, 2, 0)),
        nn.Conv2d(4, 4, 3, padding="same", padding_mode="circular"),
        nn.LocalResponseNorm(2),
        nn.Softmax2d(),
        nn.Flatten(1, 2),
        nn.PReLU(4),
        nn.GLU(1),
        nn.CELU(),
        nn.ReflectionPad2d(1),
        nn.BatchNorm2d(4),
    ):
        say(repr(layer), fill(layer)(x))
    say(
        lambda: nn.Conv2d(4, 8, 3)(x[:, :3]),
        lambda: nn.Linear(4, 2)(x),
        lambda: nn.BatchNorm2d(4)(x[0]),
        lambda: nn.BatchNorm1d(3)(torch.ones(1, 3)),
    )
    say(
        lambda: nn.Conv2d(3, 4, 3, groups=2), lambda: nn.Embedding(3, 2)(torch.tensor([3])), lambda: nn.Embedding(3, 2)(torch.tensor([0.5]))
    )
    say(
        lambda: nn.CrossEntropyLoss()(torch.ones(2, 3), torch.tensor([0, 3])),
        lambda: nn.CrossEntropyLoss()(torch.ones(2, 3), torch.tensor([0])),
    )
    say(
        lambda: nn.MSELoss(reduction="no")(x, x),
        lambda: F.interpolate(x),
        lambda: F.interpolate(x, size=3, mode="no"),
        lambda: F.pad(x, (1,)),
    )
    say(
        lambda: nn.Dropout(1.5),
        lambda: F.dropout(x, -1),
        lambda: nn.MaxPool2d(9)(x),
        lambda: nn.GroupNorm(3, 4),
        lambda: nn.LayerNorm(5)(x),
    )
    say(
        lambda: nn.BCELoss()(torch.tensor([1.5]), torch.tensor([1.0])),
        lambda: nn.NLLLoss()(torch.ones(2), torch.ones(2)),
        lambda: nn.PixelShuffle(3)(x),
    )
    say(
        lambda: nn.Flatten(5)(x),
        lambda: nn.Softmax(7)(x),
        lambda: F.one_hot(torch.tensor([1, -1])),
        lambda: F.one_hot(torch.tensor([3]), 2),
    )
    say(
        lambda: nn.Embedding(3, 2, padding_idx=5),
        lambda: nn.Conv2d(1, 1, 3, padding="no"),
        lambda: nn.ReflectionPad2d(9)(x),
        lambda: nn.Bilinear(0, 1, 1),
    )
    say(
        lambda: nn.Upsample(scale_factor=2, mode="linear")(x),
        lambda: nn.AvgPool2d(2, padding=2)(x),
        lambda: nn.Conv1d(1, 1, 3)(x),
        lambda: nn.Hardtanh(2, 1),
    )
    say(
        lambda: nn.CosineEmbeddingLoss()(x, x, x),
        lambda: nn.TripletMarginLoss(p=-1)(x, x, x),
        lambda: nn.GaussianNLLLoss()(x, x, -x),
        lambda: nn.KLDivLoss(reduction="x")(x, x),
    )
    say(
        lambda: nn.Threshold()(x),
        lambda: nn.Linear("a", 2),
        lambda: nn.Linear(-1, 2),
        lambda: nn.Fold(4, 2)(torch.ones(1, 4, 2)),
        lambda: nn.ConvTranspose2d(1, 1, 3, padding_mode="zero"),
    )
    say(
        lambda: nn.MultiLabelMarginLoss()(torch.ones(2, 3), torch.ones(2)),
        lambda: nn.CTCLoss()(torch.ones(2, 1, 3), torch.ones(1, 1).long(), (2,), (3,)),
    )
    say(
        lambda: nn.SyncBatchNorm(3)(torch.ones(2, 3)),
        lambda: nn.Module.forward(nn.Module()),
        lambda: nn.utils.clip_grad_norm_([torch.ones(1)], 1.0),
    )
    say(
        F.gumbel_softmax(torch.tensor([[1000.0, 0.0]]), hard=True),
        F.normalize(x[0, 0, 0], dim=0),
        F.cosine_similarity(x[0, 0], x[0, 1]),
        F.pairwise_distance(x[0, 0], x[0, 1]),
    )


def surgery_on_networks(torch, say):
    nn = torch.nn
    net = fill(
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    ).eval()
    x = draw(torch, 2, 1, 6, 6)
    for p in net[0].parameters():
        p.requires_grad = False
    net[-1] = fill(nn.Linear(4, 5))
    fused = nn.utils.fuse_conv_bn_eval(net[0], net[1])
    say(net(x).shape, fused(x)[0, 0], sum(p.numel() for p in net.parameters() if p.requires_grad))
    net[1] = nn.Identity()
    net._modules["2"] = nn.GELU()
    net[0].bias = nn.Parameter(torch.zeros(4))
    say(net(x), [n for n, p in net.named_parameters() if p.requires_grad], repr(net))
    vector = nn.utils.parameters_to_vector(net.parameters())
    nn.utils.vector_to_parameters(vector * 0, net.parameters())
    say(
        net(x),
        next(net.parameters()).device,
        next(iter(net.buffers()), None),
        net.to("cpu") is net,
        lambda: net.to("cuda"),
        lambda: net.cuda(),
    )
    say(
        net.share_memory() is net,
        sum(1 for _ in net.modules()),
        isinstance(net, nn.Module),
        net.__class__.__name__,
        net.to_empty(device="cpu") is net,
    )
    meta = nn.utils.skip_init(nn.Linear, 2, 3)
    say(
        meta.weight.shape,
        nn.Linear(2, 2, dtype=torch.float64).weight.dtype,
        nn.Linear(2, 2, device="cpu").bias.device,
        nn.LazyLinear(3)(torch.ones(1, 5)).shape,
    )
    with torch.device("cpu"):
        say(torch.ones(1).device)


def antialiased_images(torch, say):
    F = torch.nn.functional
    x = draw(torch, 2, 3, 17, 13)
    for mode in ("bilinear", "bicubic"):
        for align in (False, True):
            for size in ((8, 8), (5, 20), (30, 4), (17, 13), (1, 2)):
                t = x.clone().requires_grad_()
                y = F.interpolate(t, size=size, mode=mode, align_corners=align, antialias=True)
                (y * y).sum().backward()
                say(y, t.grad)
        for factor in (0.37, (2.0, 0.5)):
            say(F.interpolate(x, scale_factor=factor, mode=mode, antialias=True))
    say(lambda: F.interpolate(x, size=(4, 4), mode="nearest", antialias=True))
