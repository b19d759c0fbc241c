"""MNIST from a folder of IDX files."""
import os

import numpy as np

from .download import data_folder, download
from .idx import IDXError, read_idx
from .split import Split, as_split

MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def mnist(folder=None, *, download_files: bool = False) -> Split:
    """MNIST, or a data set published in the same four files (Fashion-MNIST, KMNIST), pixels in 0..1.

    folder: where train-images-idx3-ubyte, train-labels-idx1-ubyte and their t10k- twins are, each plain or .gz;
        without one: the folder "mnist" inside UDLFAST_DATA. A folder that holds only the t10k- files gives their
        first four fifths for training and the rest for testing.
    download_files: fetch missing files of MNIST into the folder, checked against their SHA-256 sums.
        Without it the network is never touched.
    Returns Split: x [N, 1, H, W] float32, y [N] int64.
    Raises FileNotFoundError naming what is missing, IDXError for a damaged file or for images and labels that do not
    belong together.

    Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document recognition, 1998.
    """
    folder = os.path.join(data_folder(), "mnist") if folder is None else os.fspath(folder)
    if download_files:
        for name, sha256 in SHA256.items():
            if _find(folder, name.removesuffix(".gz")) is None:
                download(name, MIRROR + name, sha256, folder=folder, download=True)
    test = _pair(folder, "t10k")
    if test is None:
        raise FileNotFoundError(f"mnist: {folder!r} holds no t10k-images-idx3-ubyte[.gz] and "
                                "t10k-labels-idx1-ubyte[.gz]; name the folder that does, or pass download_files=True")
    train = _pair(folder, "train")
    if train is None:
        n, (x, y) = len(test[0]) * 4 // 5, test
        return as_split(x / np.float32(255), y, np.arange(n), np.arange(n, len(x)))
    if train[0].shape[1:] != test[0].shape[1:]:
        raise IDXError(f"{folder}: training images are {train[0].shape[2:]}, test images {test[0].shape[2:]}")
    x = np.concatenate([train[0], test[0]]) / np.float32(255)
    n = len(train[0])
    return as_split(x, np.concatenate([train[1], test[1]]), np.arange(n), np.arange(n, len(x)))


def _find(folder, name):
    for candidate in (os.path.join(folder, name), os.path.join(folder, name + ".gz")):
        if os.path.isfile(candidate):
            return candidate
    return None


def _pair(folder, part):
    """(images uint8 [N, 1, H, W], labels [N]) of "train" or "t10k", or None when a file is missing."""
    images, labels = _find(folder, f"{part}-images-idx3-ubyte"), _find(folder, f"{part}-labels-idx1-ubyte")
    if images is None or labels is None:
        return None
    x, y = read_idx(images), read_idx(labels)
    if x.ndim != 3 or x.dtype != np.uint8:
        raise IDXError(f"{images}: expected images [N, H, W] of bytes, got {list(x.shape)} of {x.dtype}")
    if y.ndim != 1 or y.dtype != np.uint8:
        raise IDXError(f"{labels}: expected labels [N] of bytes, got {list(y.shape)} of {y.dtype}")
    if len(x) != len(y):
        raise IDXError(f"{images}: {len(x)} images, but {labels} holds {len(y)} labels")
    return x[:, None], y
