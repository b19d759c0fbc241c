"""Tensor cores: mma.sync through inline PTX, which Numba compiles although its own functions do not name the instruction.

A warp multiplies A [16, 8 words] by B [8 words, 8] and adds C [16, 8] in float32. A word is 32 bits along k: two bfloat16 (m16n8k16)
or one float32 rounded to TF32 (m16n8k8). Lane 4 g + q holds, of A, words q and q + 4 of rows g and g + 8; of B, words q and q + 4 of
column g; of C, columns 2 q and 2 q + 1 of rows g and g + 8:

    a0 (g, q)   a1 (g + 8, q)   a2 (g, q + 4)   a3 (g + 8, q + 4)      b0 (q, g)   b1 (q + 4, g)
    c0 (g, 2 q)   c1 (g, 2 q + 1)   c2 (g + 8, 2 q)   c3 (g + 8, 2 q + 1)

In the simulator the lanes hand their registers to each other and compute the same products.
"""

import numpy as np

from ._driver import SIMULATED
from ._half import from_bf16, to_bf16

if SIMULATED:
    import threading

    def pack(low, high):
        """Two float32 as a word of two bfloat16."""
        return np.uint32(int(to_bf16(low)) | int(to_bf16(high)) << 16)

    def tf32(x):
        """A float32 with 10 bits after the point, to the nearest, ties away from zero."""
        b = int(np.float32(x).view(np.uint32))
        return np.uint32(b if b & 0x7F800000 == 0x7F800000 else (b + 0x1000 & 0xFFFFE000))

    def _of_bf16(word):
        return [from_bf16(np.uint16(int(word) & 0xFFFF)), from_bf16(np.uint16(int(word) >> 16))]

    def _of_tf32(word):
        return [np.uint32(word).view(np.float32)]

    def _simulated(numbers):
        def mma(a0, a1, a2, a3, b0, b1, c0, c1, c2, c3):
            thread = threading.current_thread()
            registers = thread._manager.__dict__.setdefault("registers", {})
            at = thread.thread_id
            registers[at] = (a0, a1, a2, a3), (b0, b1)
            thread.syncthreads()
            warp, g, q = at - at % 32, at % 32 // 4, at % 4
            sums = [float(c) for c in (c0, c1, c2, c3)]
            for word in range(8):
                for k in range(4):
                    row, column = g + 8 * (k // 2), 2 * q + k % 2
                    a = registers[warp + 4 * (row % 8) + word % 4][0][2 * (word // 4) + row // 8]
                    b = registers[warp + 4 * column + word % 4][1][word // 4]
                    sums[k] += sum(float(x) * float(y) for x, y in zip(numbers(a), numbers(b), strict=True))
            thread.syncthreads()
            return tuple(np.float32(s) for s in sums)

        return mma

    mma_bf16, mma_tf32 = _simulated(_of_bf16), _simulated(_of_tf32)
else:
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    F, W = ir.FloatType(), ir.IntType(32)

    def _instruction(builder, text, constraints, results, operands, volatile=False):
        kind = ir.FunctionType(results, [o.type for o in operands])
        return builder.call(ir.InlineAsm(kind, text, constraints, side_effect=volatile), operands)

    def _mma(shape):
        names = [f"${k}" for k in range(14)]
        groups = ", ".join("{" + ", ".join(names[i:j]) + "}" for i, j in ((0, 4), (4, 8), (8, 10), (10, 14)))
        text = f"mma.sync.aligned.{shape} {groups};"
        constraints = ",".join(["=f"] * 4 + ["r"] * 6 + ["f"] * 4)

        @intrinsic
        def mma(typingctx, a0, a1, a2, a3, b0, b1, c0, c1, c2, c3):
            def code(context, builder, signature, args):
                out = _instruction(builder, text, constraints, ir.LiteralStructType([F] * 4), list(args), volatile=True)
                return context.make_tuple(builder, signature.return_type, [builder.extract_value(out, k) for k in range(4)])

            word, number = types.uint32, types.float32
            return types.UniTuple(number, 4)(*[word] * 6, *[number] * 4), code

        return mma

    mma_bf16 = _mma("m16n8k16.row.col.f32.bf16.bf16.f32")
    mma_tf32 = _mma("m16n8k8.row.col.f32.tf32.tf32.f32")

    @intrinsic
    def pack(typingctx, low, high):
        """Two float32 as a word of two bfloat16."""

        def code(context, builder, signature, args):
            return _instruction(builder, "cvt.rn.bf16x2.f32 $0, $1, $2;", "=r,f,f", W, [args[1], args[0]])

        return types.uint32(types.float32, types.float32), code

    @intrinsic
    def tf32(typingctx, x):
        """A float32 with 10 bits after the point, to the nearest."""

        def code(context, builder, signature, args):
            return _instruction(builder, "cvt.rna.tf32.f32 $0, $1;", "=r,f", W, list(args))

        return types.uint32(types.float32), code
