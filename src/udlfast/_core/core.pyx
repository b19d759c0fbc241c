# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: binding=False, auto_pickle=False, nonecheck=False, embedsignature=True
"""The compiled core: tensors, the tape, and the operations whose Python frame would cost as much as their kernel.

One extension module, made of these parts (included below in this order):
dtype - element types and promotion; storage - memory and views of it; call - kernel calls; tensor - the class;
elementwise, reduce, matmul, views, become - operations with their gradient rules beside them; autograd - the tape;
random, runtime - generators, instruction sets, threads, memory.
"""
cimport cython
from cpython.ref cimport Py_INCREF, Py_DECREF, PyObject
from cpython.buffer cimport PyObject_GetBuffer, PyBuffer_Release, PyBuffer_FillInfo, PyBUF_STRIDED, PyBUF_FORMAT, PyBUF_WRITABLE, PyBUF_ND
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New
from cpython.list cimport PyList_GET_ITEM
from cpython.dict cimport PyDict_GetItem
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.float cimport PyFloat_AS_DOUBLE
from cpython.pythread cimport (PyThread_type_lock, PyThread_allocate_lock, PyThread_free_lock, PyThread_acquire_lock,
                               PyThread_release_lock, WAIT_LOCK, NOWAIT_LOCK)
from libc.stdint cimport int64_t, uint64_t, uint32_t, uint16_t, uint8_t, int32_t, int16_t, int8_t, INT64_MIN
from libc.string cimport memset, memcpy
from libc.stdlib cimport malloc, free, realloc
cimport udl
from udl cimport *

from .errors import ShapeError, DTypeError, DimError, ArgumentError, DivisionError, UnsupportedError

include "dtype.pxi"
include "storage.pxi"
include "profile.pxi"
include "call.pxi"
include "record.pxi"
include "record_call.pxi"
include "device.pxi"
include "tensor.pxi"
include "autograd.pxi"
include "at_end.pxi"
include "saved_hooks.pxi"
include "record_graph.pxi"
include "elementwise.pxi"
include "integers.pxi"
include "reduce.pxi"
include "places.pxi"
include "views.pxi"
include "overlap.pxi"
include "become.pxi"
include "prepack.pxi"
include "matmul.pxi"
include "create.pxi"
include "rows.pxi"
include "random.pxi"
include "dlpack.pxi"
include "guard.pxi"
include "effects.pxi"
include "plan_parts.pxi"
include "plan_memory.pxi"
include "plan.pxi"
include "compiled.pxi"
include "saved.pxi"
include "runtime.pxi"
