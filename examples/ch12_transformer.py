"""Chapter 12: an autoregressive transformer that draws digits, one pixel after the other.

    pip install 'udlfast[data]' && python examples/ch12_transformer.py

Scikit-learn's digits, 64 pixels of 17 grey levels, are sequences of 65 tokens: the class first, then the pixels row by row. Prints the
bits per pixel on the test part. The picture: ten samples of each class, drawn level by level from the predicted law.
"""
import argparse
import math

import udlfast as torch
from udlfast import data, train
from udlfast.models import GPT2, generate
from udlfast.nn import functional as F
from udlfast.utils.data import DataLoader, TensorDataset

LEVELS = 17


def sequences(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """int64 [N, 65]: 17 + class, then the levels."""
    tokens: torch.Tensor = torch.cat([LEVELS + y.unsqueeze(1), (16 * x.flatten(1)).round().long()], 1)
    return tokens


def loss_of(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), target.reshape(-1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument("--out", default="ch12_transformer.png")
    options = parser.parse_args()
    digits = data.digits()
    x, test = sequences(digits.x_train, digits.y_train), sequences(digits.x_test, digits.y_test)
    epochs = 1 if options.quick else options.epochs
    torch.manual_seed(0)
    net = GPT2(LEVELS + 10, 65, n_embd=64, n_layer=3, n_head=4, dropout=0.1)
    loader = DataLoader(TensorDataset(x[:, :-1], x[:, 1:]), batch_size=32, shuffle=True)
    adam = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, 3e-3, total_steps=epochs * len(loader))
    train.fit(net, loader, [(test[:, :-1], test[:, 1:])], epochs=epochs, optimizer=adam, step_scheduler=schedule, loss=loss_of,
              metrics={}, clip=1.0, progress=train.Progress())
    bits = train.evaluate(net, [(test[:, :-1], test[:, 1:])], loss_of, {})["loss"] / math.log(2)
    print(f"{bits:.3f} bits per pixel on the test part")
    net.eval()
    start = LEVELS + torch.arange(100).reshape(100, 1) % 10
    torch.manual_seed(1)
    made = generate(net, start[: 10 if options.quick else 100], 64, temperature=1.0)
    images = made[:, -64:].clamp(max=16).float().reshape(-1, 1, 8, 8) / 16
    train.sample_sheet(images, options.out, columns=10, scale=3)


if __name__ == "__main__":
    main()
