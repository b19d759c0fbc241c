"""grid_sample as in a spatial transformer: images warped by a smooth grid."""
import numpy as np
from race import Cases, Race, bench, f32, leaf, size

cases = Cases("grid_sample")


def bilinear(x, grid):
    N, C, H, W = x.shape
    p = ((grid + 1) * np.array([W, H], np.float32) - 1) / 2
    first = np.floor(p)
    f = (p - first).astype(np.float32)
    y = np.zeros((N, C, *grid.shape[1:3]), np.float32)
    n = np.arange(N)[:, None, None]
    for dy in (0, 1):
        for dx in (0, 1):
            i, j = first[..., 1].astype(int) + dy, first[..., 0].astype(int) + dx
            w = (f[..., 1] if dy else 1 - f[..., 1]) * (f[..., 0] if dx else 1 - f[..., 0])
            w = w * ((i >= 0) & (i < H) & (j >= 0) & (j < W))
            y += (x[n, :, i.clip(0, H - 1), j.clip(0, W - 1)] * w[..., None]).transpose(0, 3, 1, 2)
    return y


def warp(n, c, h, train):
    def make(rng):
        x = f32(rng, n, c, h, h)
        line = (np.arange(h, dtype=np.float32) * 2 + 1) / h - 1
        grid = np.stack(np.meshgrid(line, line), -1)[None] + f32(rng, n, 1, 1, 2) * np.float32(0.05)
        grid = np.ascontiguousarray(np.broadcast_to(grid, (n, h, h, 2)), np.float32)

        def other(torch):
            make_tensor = (lambda a: leaf(torch, a)) if train else torch.from_numpy
            tx, tg = make_tensor(x), make_tensor(grid)

            def step():
                y = torch.nn.functional.grid_sample(tx, tg, align_corners=False)
                if train:
                    tx.grad = tg.grad = None
                    y.backward(torch.ones_like(y))
                return y
            return step

        return Race(lambda: bilinear(x, grid), other, 8.0 * x.size * (3 if train else 1), size(x, x, grid) * (2 if train else 1), 2e-4)
    return make


cases.add("warp_8x3x64", warp(8, 3, 64, False))
cases.add("warp_8x3x64_train", warp(8, 3, 64, True))
cases.add("warp_4x32x32_train", warp(4, 32, 32, True))

test_grid_sample = bench(cases)
