"""Train a character LSTM on a text and let it write.

    python examples/char_lstm.py ../shared/data/tinyshakespeare.txt --out lstm.safetensors
    python examples/char_lstm.py ../shared/data/tinyshakespeare.txt --out lstm.safetensors --steps 1000 --resume   # goes on

Prints the loss on text that was held back (in nats
per character; log(number of characters) is guessing) and a sample now and then, and writes a checkpoint: the steps after --resume
have the same bits as without the break. Without a file it learns a short text by heart.
"""
import argparse
import time
from typing import Any

import numpy as np

import udlfast as torch
from udlfast import nn
from udlfast.nn import functional as F

TEXT = """The sea was quiet in the morning and the boats lay still along the wall. A man came down the steps with a rope over
his shoulder, looked at the sky, and went back up again. The sea was louder at noon and the boats moved against the wall. """ * 25


class CharLSTM(nn.Module):
    def __init__(self, characters: int, width: int = 256, layers: int = 2, dropout: float = 0.1) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, 64)
        self.lstm = nn.LSTM(64, width, layers, batch_first=True, dropout=dropout)
        self.out = nn.Linear(width, characters)

    def forward(self, text: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        y, state = self.lstm(self.embedding(text), state)
        return self.out(y), state


def batch(data: torch.Tensor, size: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    # random stretches [size, length] of the text, and what follows each of their characters
    rows = data[torch.randint(0, len(data) - length, (size, 1)) + torch.arange(length + 1)]
    return rows[:, :-1], rows[:, 1:]


def loss_of(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(net(x)[0].flatten(0, 1), y.flatten())


@torch.no_grad()
def validate(net: nn.Module, data: torch.Tensor, length: int, pieces: int = 20) -> float:
    """Mean loss over the first stretches of the held-back text."""
    n = min(pieces, (len(data) - 1) // length)
    return float(loss_of(net.eval(), *(data[k:k + n * length].reshape(n, length) for k in (0, 1))))


@torch.no_grad()
def sample(net: nn.Module, letters: list[str], n: int, temperature: float = 0.8) -> str:
    # n characters, each drawn from what the network expects
    x, state, text = torch.zeros(1, 1, dtype=torch.int64), None, ""
    net.eval()
    for _ in range(n):
        logits, state = net(x, state)
        x = torch.multinomial((logits[:, -1] / temperature).softmax(-1), 1)
        text += letters[x.item()]
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", help="a text; a short one is built in")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--every", type=int, default=100, help="steps between reports and checkpoints")
    parser.add_argument("--length", type=int, default=64, help="characters in a row of the batch")
    parser.add_argument("--out", default="char_lstm.safetensors", help="the checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    args = parser.parse_args()
    text = open(args.file, encoding="utf-8").read() if args.file else TEXT
    letters = sorted(set(text))
    data = torch.from_numpy(np.searchsorted(letters, list(text)))
    cut = max(min(len(data) * 9 // 10, len(data) - args.length - 1), args.length + 1)
    torch.manual_seed(0)
    net = CharLSTM(len(letters))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    saved = torch.load(args.out) if args.resume else {"step": 0}
    if args.resume:
        if saved["letters"] != letters:
            raise SystemExit(f"{args.out} was trained on other characters; give the same file")
        net.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
    start = time.perf_counter()
    for step in range(saved["step"] + 1, args.steps + 1):
        net.train()
        torch.manual_seed(step)  # batch and dropout follow from the number of the step: a break changes nothing
        optimizer.zero_grad()
        loss = loss_of(net, *batch(data[:cut], 32, args.length))
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        if step % args.every == 0 or step == args.steps:
            print(f"step {step:5d}  loss {loss.item():.3f}  validation {validate(net, data[cut:], args.length):.3f}  "
                  f"{time.perf_counter() - start:.0f} s\n    {sample(net, letters, 160).strip()!r}", flush=True)
            torch.save({"model": net.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "letters": letters}, args.out)


if __name__ == "__main__":
    main()
