"""Written by scripts/write_stubs.py."""
import builtins
from typing import Any, Iterator

import udlfast._core
import udlfast.nn
import udlfast.optim
import udlfast.optim.lr_scheduler
import udlfast.utils.data

class PackedSequence:
    batch_sizes: Any
    def cpu(self) -> Any: ...  # type: ignore[override]
    data: Any
    def double(self) -> Any: ...  # type: ignore[override]
    def float(self) -> Any: ...  # type: ignore[override]
    is_cuda: Any
    def is_pinned(self) -> Any: ...  # type: ignore[override]
    def pin_memory(self) -> Any: ...  # type: ignore[override]
    sorted_indices: Any
    def to(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    unsorted_indices: Any
    def __getattr__(self, name: str) -> Any: ...
def invert_permutation(permutation: Any) -> Any: ...
def pack_padded_sequence(input: Any, lengths: Any, batch_first: Any = ..., enforce_sorted: Any = ...) -> Any: ...
def pack_sequence(sequences: Any, enforce_sorted: Any = ...) -> Any: ...
def pad_packed_sequence(sequence: Any, batch_first: Any = ..., padding_value: Any = ..., total_length: Any = ...) -> Any: ...
def pad_sequence(sequences: Any, batch_first: Any = ..., padding_value: Any = ..., padding_side: Any = ...) -> Any: ...
def unpack_sequence(packed_sequences: Any) -> Any: ...
def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: Any = ...) -> Any: ...
__all__ = ['PackedSequence', 'pack_padded_sequence', 'pad_packed_sequence', 'pad_sequence', 'unpad_sequence', 'pack_sequence', 'unpack_sequence', 'invert_permutation']
