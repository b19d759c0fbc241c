"""y = x mask / (1 - p) for a mask of zeros and ones that keeps an element with probability 1 - p; zeros for p = 1."""

import numpy as np


def dropout(x, mask, p):
    return np.zeros(x.shape) if p == 1 else x * mask / (1 - p)


def dropout_backward(gy, mask, p):
    return (np.zeros(gy.shape) if p == 1 else gy * mask / (1 - p),)
