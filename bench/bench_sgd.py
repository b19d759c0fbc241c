"""SGD steps with momentum: one large parameter, where memory decides, and LeNet's ten small ones."""
import baselines
from race import LENET, Cases, bench, optimiser

cases = Cases("sgd")


def sgd(parameters):
    return baselines.SGD(parameters, lr=0.01, momentum=0.9)


cases.add("momentum_4M", optimiser([(1 << 22,)], sgd, lambda o, ps: o.SGD(ps, lr=0.01, momentum=0.9), 5, 1e-5))
cases.add("momentum_lenet", optimiser(LENET, sgd, lambda o, ps: o.SGD(ps, lr=0.01, momentum=0.9), 5, 1e-5))

test_sgd = bench(cases)
