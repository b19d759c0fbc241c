"""The networks of `bench/distributed.py`, written once for udlfast and PyTorch: make(torch, name, rows) -> (model, batch, optimizer)."""

import numpy as np

BATCH = {"resnet18": 16, "gpt": 4, "nanogpt": 12}


def resnet18(torch):
    """ResNet-18 for images of 32 x 32: a 3x3 stem, no pooling, 10 classes."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, c, o, stride):
            super().__init__()
            self.main = nn.Sequential(nn.Conv2d(c, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(),
                                      nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o))  # fmt: skip
            plain = stride == 1 and c == o
            self.skip = nn.Identity() if plain else nn.Sequential(nn.Conv2d(c, o, 1, stride, bias=False), nn.BatchNorm2d(o))

        def forward(self, x):
            return torch.relu(self.main(x) + self.skip(x))

    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    for c, o, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        layers += [Block(c, o, stride), Block(o, o, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def gpt(torch, vocab, block, depth, heads, width):
    """A decoder of `depth` layers, pre-norm, with learned positions and a head of its own."""
    nn, F = torch.nn, torch.nn.functional

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x):
            n, t, _ = x.shape
            q, k, v = (part.view(n, t, heads, -1).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, 2))
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(mixed.transpose(1, 2).reshape(n, t, width))
            return x + self.down(F.gelu(self.up(self.norm2(x))))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.places = nn.Embedding(vocab, width), nn.Embedding(block, width)
            self.layers = nn.Sequential(*[Layer() for _ in range(depth)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocab, bias=False)

        def forward(self, tokens):
            x = self.words(tokens) + self.places(torch.arange(tokens.shape[1]))
            return self.head(self.norm(self.layers(x))).flatten(0, 1)

    return GPT()


def make(torch, name, rank=0, size=1, batch=None):
    """(model, x, y, make_optimizer): this process's rows of one batch; batch: rows in all."""
    rng, batch = np.random.default_rng(0), batch or BATCH[name]
    if name == "resnet18":
        model = resnet18(torch)
        x, y = rng.standard_normal((batch, 3, 32, 32), dtype=np.float32), rng.integers(0, 10, batch)
        optimizer = lambda params: torch.optim.SGD(params, lr=1e-3, momentum=0.9, weight_decay=5e-4)  # noqa: E731
    else:
        vocab, block, depth, heads, width = (1024, 256, 6, 6, 384) if name == "gpt" else (65, 64, 4, 4, 128)
        model = gpt(torch, vocab, block, depth, heads, width)
        x, y = (rng.integers(0, vocab, (batch, block)) for _ in range(2))
        optimizer = lambda params: torch.optim.AdamW(params, lr=1e-4)  # noqa: E731
    with torch.no_grad():
        for p in model.parameters():
            fan = max(1, int(np.prod(tuple(p.shape)[1:])))
            p.copy_(torch.from_numpy(rng.standard_normal(tuple(p.shape)).astype("float32") * (fan**-0.5 if p.ndim > 1 else 0.1)))
    rows = slice(rank, None, size)
    return model, torch.from_numpy(x[rows].copy()), torch.from_numpy(y[rows].copy()), optimizer
