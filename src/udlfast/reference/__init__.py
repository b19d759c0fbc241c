"""The definition of right: every operation in plain NumPy, float64, loops and sums as in the formula.

Nothing here is fast and nothing is shared with the code it judges. Each module stands alone, imports NumPy only and is
imported by name: `from udlfast.reference import conv2d`. `OP(...)` is the forward pass, `OP_backward(gy, ...)` gives
the gradient of every differentiable input, in the order of the inputs, from the upstream gradient gy.
"""
