"""Versions, as scripts ask for them: there is neither CUDA nor HIP."""

from . import __version__ as __version__

debug, cuda, hip, xpu, git_version = False, None, None, None, "unknown"
