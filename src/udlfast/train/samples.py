"""What a generative model makes: sheets of images, and how far their statistics lie from those of true ones."""
import struct
import zlib

import numpy as np

from ..errors import ArgumentError, ShapeError


def mean(output, y=None):
    """The mean of what a model gave: the loss of `fit` for a model whose output is the loss of each example."""
    return output.mean()


def sample_sheet(images, path, columns=8, low=0.0, high=1.0, scale=1, gap=1):
    """Write images side by side to a PNG file.

    images: [N, 1, H, W], [N, 3, H, W] or [N, H, W], tensor or array. columns: images in a row. low, high: black and white; what lies
    outside is cut off. scale: each pixel becomes scale x scale. gap: pixels between images.
    Returns path. Raises RuntimeError for another shape, ValueError when there is no image.

    >>> import udlfast as torch
    >>> sample_sheet(torch.rand(6, 1, 8, 8), "sheet.png", columns=3)
    'sheet.png'
    """
    a = np.asarray(images.detach().numpy() if hasattr(images, "detach") else images, float)
    a = a[:, None] if a.ndim == 3 else a
    if a.ndim != 4 or a.shape[1] not in (1, 3):
        raise ShapeError(f"sample_sheet: expected images [N, 1 or 3, H, W] or [N, H, W], got {list(a.shape)}")
    if not len(a) or min(a.shape[2:]) < 1:
        raise ArgumentError(f"sample_sheet: there is nothing to draw in images {list(a.shape)}")
    a = np.nan_to_num((np.clip(a, low, high) - low) / (high - low) * 255).round().astype(np.uint8)
    a = a.repeat(scale, 2).repeat(scale, 3)
    n, c, h, w = a.shape
    rows, columns = -(-n // columns), min(n, columns)
    sheet = np.full((rows * (h + gap) + gap, columns * (w + gap) + gap, c), 128, np.uint8)
    for k in range(n):
        top, left = gap + k // columns * (h + gap), gap + k % columns * (w + gap)
        sheet[top:top + h, left:left + w] = a[k].transpose(1, 2, 0)
    with open(path, "wb") as file:
        file.write(_png(sheet))
    return path


def _png(pixels):
    """The file of uint8 [H, W, 1 or 3]: header, compressed rows (each behind a 0, "no filter"), end."""
    h, w, c = pixels.shape
    rows = np.concatenate([np.zeros((h, 1), np.uint8), pixels.reshape(h, w * c)], 1).tobytes()

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", w, h, 8, 0 if c == 1 else 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def frechet_distance(a, b):
    """How far two clouds of points lie apart, as normal distributions of their means and covariances.

        |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))

    a, b: features [N, D] and [M, D], such as the last hidden layer of a classifier on true and on made images (a classifier-based
    Frechet distance); tensors or arrays. Computed in float64.
    Returns a number, 0 for equal clouds. Raises RuntimeError for other shapes, ValueError for fewer than two points.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).standard_normal((50, 3))
    >>> round(frechet_distance(x, x + 2), 6)
    12.0

    Source: Dowson and Landau 1982; Heusel et al., GANs trained by a two time-scale update rule, 2017; Understanding Deep Learning,
    section 14.3.
    """
    a, b = (np.asarray(t.detach().numpy() if hasattr(t, "detach") else t, float) for t in (a, b))
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ShapeError(f"frechet_distance: expected features [N, D] and [M, D], got {list(a.shape)} and {list(b.shape)}")
    if len(a) < 2 or len(b) < 2:
        raise ArgumentError("frechet_distance: a covariance needs at least two points")
    ca, cb = np.atleast_2d(np.cov(a.T)), np.atleast_2d(np.cov(b.T))
    values, vectors = np.linalg.eigh(ca)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    # C_a C_b has the eigenvalues of the symmetric matrix root C_b root
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cb @ root), 0, None)).sum()
    return float(max(0.0, ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca) + np.trace(cb) - 2 * cross))


def classifier_features(x, y, epochs=4, width=64, seed=0):
    """A small convolutional classifier trained on images, as a function from images to its last hidden layer.

    For `frechet_distance(features(true), features(made))`; distances of different classifiers cannot be compared.

    x: [N, C, H, W]. y: int64 [N]. epochs, seed: of its training with Adam. width: features.
    Returns a function: images [M, C, H, W] -> [M, width], without gradients.

    >>> import udlfast as torch
    >>> features = classifier_features(torch.rand(20, 1, 8, 8), torch.arange(20) % 2, epochs=1)
    >>> tuple(features(torch.rand(5, 1, 8, 8)).shape)
    (5, 64)

    Source: Understanding Deep Learning, section 14.3.
    """
    from .. import manual_seed, nn, no_grad, optim
    from ..nn import functional as F
    from ..utils.data import DataLoader, TensorDataset
    from .loop import fit

    manual_seed(seed)
    body = nn.Sequential(
        nn.Conv2d(x.shape[1], 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * (x.shape[2] // 4) * (x.shape[3] // 4), width), nn.ReLU(),
    )  # fmt: skip
    net = nn.Sequential(body, nn.Linear(width, int(y.max()) + 1))
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
    fit(net, loader, epochs=epochs, optimizer=optim.Adam(net.parameters(), lr=2e-3), loss=F.cross_entropy)

    def features(images):
        with no_grad():
            return body(images)

    return features
