"""Files that are kept on disk and checked against a known sum; the network is used only when asked."""
import hashlib
import os

PIECE = 1 << 20


def data_folder() -> str:
    """The folder of data files: UDLFAST_DATA, or udlfast inside the user's cache folder. Not created here."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.environ.get("UDLFAST_DATA") or os.path.join(cache, "udlfast")


def sha256_of(path) -> str:
    """The SHA-256 sum of a file, as 64 hexadecimal digits."""
    total = hashlib.sha256()
    with open(path, "rb") as f:
        while piece := f.read(PIECE):
            total.update(piece)
    return total.hexdigest()


def download(name: str, url: str, sha256: str, *, folder=None, download: bool = False, limit: int = 1 << 32,
             timeout: float = 30.0) -> str:
    """The path of the file `name` in `folder`, whose SHA-256 sum has been checked.

    folder: by default data_folder(). download: fetch the file from `url` (https or file) when it is missing; without
    it the network is never touched. limit: refuse a reply of more bytes. timeout: seconds without an answer.
    A fetched file appears under its name only when it is complete and its sum is right.
    Raises FileNotFoundError when it is missing, ValueError for a wrong sum or an unsuitable name, OSError (URLError)
    for the network.
    """
    folder = data_folder() if folder is None else os.fspath(folder)
    if os.path.basename(name) != name or name in ("", ".", ".."):
        raise ValueError(f"download: expected a plain file name, got {name!r}")
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        if not download:
            raise FileNotFoundError(f"download: {path!r} is missing; put the file there, set UDLFAST_DATA to the "
                                    f"folder that holds it, or pass download=True to fetch {url}")
        _fetch(url, path, sha256, limit, timeout)
        return path
    got = sha256_of(path)
    if got != sha256:
        raise ValueError(f"download: {path!r} has SHA-256 {got}, expected {sha256}; remove it and fetch it again")
    return path


def _fetch(url, path, sha256, limit, timeout):
    import tempfile
    import urllib.request

    if not url.startswith(("https://", "file://")):
        raise ValueError(f"download: expected an https or file address, got {url!r}")
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=os.path.basename(path) + ".", dir=os.path.dirname(path) or ".")
    try:
        total, size = hashlib.sha256(), 0
        with os.fdopen(handle, "wb") as out, urllib.request.urlopen(url, timeout=timeout) as reply:
            while piece := reply.read(PIECE):
                size += len(piece)
                if size > limit:
                    raise ValueError(f"download: {url} sends more than {limit} bytes")
                total.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        if total.hexdigest() != sha256:
            raise ValueError(f"download: {url} has SHA-256 {total.hexdigest()}, expected {sha256}; nothing was kept")
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
