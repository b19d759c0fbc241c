"""AdamW steps: one large parameter, where memory decides, and LeNet's ten small ones."""
import baselines
from race import LENET, Cases, bench, optimiser

cases = Cases("adam")


def adamw(parameters):
    return baselines.Adam(parameters, lr=1e-3, decay=0.01)


cases.add("adamw_4M", optimiser([(1 << 22,)], adamw, lambda o, ps: o.AdamW(ps, lr=1e-3), 7, 1e-5))
cases.add("adamw_lenet", optimiser(LENET, adamw, lambda o, ps: o.AdamW(ps, lr=1e-3), 7, 1e-5))

test_adam = bench(cases)
