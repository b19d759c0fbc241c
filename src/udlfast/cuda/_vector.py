"""Four neighbouring numbers in one instruction: 128-bit loads and stores, which Numba's arrays do not give by themselves."""

from ._driver import SIMULATED

if SIMULATED:

    def load4(array, i):
        """array[i : i + 4]; on a device the address must be a multiple of four elements."""
        return array[i], array[i + 1], array[i + 2], array[i + 3]

    def store4(array, i, a, b, c, d):
        """array[i : i + 4] = a, b, c, d"""
        array[i], array[i + 1], array[i + 2], array[i + 3] = a, b, c, d

else:
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    def _address(context, builder, kind, array, i):
        """A pointer to a vector of four at array[i]."""
        item = context.get_data_type(kind.dtype)
        data = context.make_array(kind)(context, builder, array).data
        return builder.bitcast(builder.gep(data, [i]), ir.PointerType(ir.VectorType(item, 4)))

    @intrinsic
    def load4(typingctx, array, i):
        """array[i : i + 4]"""

        def code(context, builder, signature, args):
            v = builder.load(_address(context, builder, signature.args[0], args[0], args[1]))
            v.align = 4 * context.get_abi_sizeof(context.get_data_type(array.dtype))
            parts = [builder.extract_element(v, ir.Constant(ir.IntType(32), k)) for k in range(4)]
            return context.make_tuple(builder, signature.return_type, parts)

        return types.UniTuple(array.dtype, 4)(array, types.int64), code

    @intrinsic
    def store4(typingctx, array, i, a, b, c, d):
        """array[i : i + 4] = a, b, c, d"""

        def code(context, builder, signature, args):
            p = _address(context, builder, signature.args[0], args[0], args[1])
            v = ir.Constant(p.type.pointee, ir.Undefined)
            for k in range(4):
                v = builder.insert_element(v, args[2 + k], ir.Constant(ir.IntType(32), k))
            builder.store(v, p).align = 4 * context.get_abi_sizeof(context.get_data_type(array.dtype))
            return context.get_dummy_value()

        item = array.dtype
        return types.void(array, types.int64, item, item, item, item), code
