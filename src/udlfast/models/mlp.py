"""The multi-layer perceptron."""
from .. import nn


class MLP(nn.Module):
    """Fully connected layers with ReLU between them.

        h_0 = flatten(x),  h_k = relu(W_k h_(k-1) + b_k),  y = W_K h_(K-1) + b_K

    sizes: (inputs, hidden..., outputs), two numbers at least. dropout: probability of a zero after each ReLU.
    Input [N, ...] with prod(...) = sizes[0]; output [N, sizes[-1]].

    Source: Understanding Deep Learning, chapter 4.
    """

    def __init__(self, sizes, dropout=0.0):
        super().__init__()
        sizes = tuple(sizes)
        if len(sizes) < 2:
            raise ValueError(f"MLP: expected at least two sizes (inputs, ..., outputs), got {sizes}")
        layers = []
        for k, (inputs, outputs) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            layers.append(nn.Linear(inputs, outputs))
            if k < len(sizes) - 2:
                layers.append(nn.ReLU())
                if dropout:
                    layers.append(nn.Dropout(dropout))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x.flatten(1))
