"""Calling a module with other parameters and buffers than its own: torch.func.functional_call under its older path."""

from .._stateless import functional_call as functional_call

__all__ = ["functional_call"]
