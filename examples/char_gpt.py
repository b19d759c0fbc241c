"""Train a small GPT on the characters of a text, as in nanoGPT's recipe for a processor.

    python examples/char_gpt.py --file ../shared/data/tinyshakespeare.txt --out gpt.safetensors
    python examples/char_gpt.py --out gpt.safetensors --resume          # go on from the checkpoint

Without --file the text is Python's own documentation, half a million characters.
"""
import argparse
import math
import time

import numpy as np
from numpy.typing import NDArray

import udlfast as torch
from udlfast.models import GPT2, generate
from udlfast.nn import functional as F


def read_text(path: str | None) -> str:
    if path:
        with open(path, encoding="utf-8") as file:
            return file.read()
    from pydoc_data.topics import topics

    return "\n".join(topics.values()).encode("ascii", "ignore").decode()


def batch(data: NDArray[np.int64], block: int, size: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """x [size, block] and y, the same one character later."""
    at = rng.integers(0, len(data) - block, size)[:, None] + np.arange(block + 1)
    rows = data[at]
    return torch.from_numpy(rows[:, :-1].copy()), torch.from_numpy(rows[:, 1:].copy())


def loss_of(model: GPT2, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    logits = model(x)
    return F.cross_entropy(logits.view(-1, logits.shape[-1]), y.view(-1))


@torch.no_grad()
def evaluate(model: GPT2, data: NDArray[np.int64], block: int, batches: int = 20) -> float:
    """Mean loss over batches that are the same each time."""
    rng = np.random.default_rng(0)
    return sum(float(loss_of(model, *batch(data, block, 12, rng))) for _ in range(batches)) / batches


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", help="a text file")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=int, default=250, help="steps between reports and checkpoints")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--out", default="char_gpt.safetensors", help="the checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--stop", type=int, help="end here, to go on later with --resume; the schedule stays that of --steps")
    options = parser.parse_args()

    text = read_text(options.file)
    letters = sorted(set(text))
    data = np.searchsorted(letters, list(text))
    train, valid = data[: len(data) * 9 // 10], data[len(data) * 9 // 10 :]
    torch.manual_seed(0)
    model = GPT2.of_size("nano", vocab_size=len(letters))
    decay = [p for p in model.parameters() if p.ndim > 1]
    groups = [{"params": decay, "weight_decay": 0.1},
              {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=options.lr, betas=(0.9, 0.99))
    start, best = 0, math.inf
    if options.resume:
        saved = torch.load(options.out)
        if saved["letters"] != letters:
            raise SystemExit(f"{options.out} was trained on other characters; give the same --file")
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        start, best = saved["step"], saved["best"]
    began = time.perf_counter()
    for step in range(start, options.steps + 1):
        if step % options.every == 0 or step == options.steps:
            held = evaluate(model, valid, 64)
            best = min(best, held)
            print(f"step {step:5d}  validation loss {held:.4f}  best {best:.4f}  {time.perf_counter() - began:.0f} s")
            sample = generate(model, torch.tensor([letters.index("\n") if "\n" in letters else 0]), 120, temperature=0.8, top_k=20)
            print("    " + "".join(letters[i] for i in sample.tolist()).strip().replace("\n", "\n    "))
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "best": best,
                        "letters": letters}, options.out)
        if step == options.stop:
            break
        warm, progress = min(1.0, (step + 1) / 100), step / options.steps
        for group in optimizer.param_groups:  # 100 steps up, then a half cosine down to a tenth
            group["lr"] = options.lr * warm * (0.1 + 0.45 * (1 + math.cos(math.pi * progress)))
        loss = loss_of(model, *batch(train, 64, 12, np.random.default_rng(step)))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


if __name__ == "__main__":
    main()
