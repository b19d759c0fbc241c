"""Sentences as vectors: a tokenizer, BERT, and the mean over its tokens."""
import json
import os

from .. import _core
from .bert import Bert, mean_pooling


class SentenceEncoder:
    """Embeddings of texts whose inner products say how alike the texts are, from a folder of sentence-transformers.

    folder: holds config.json, model.safetensors and tokenizer.json, such as that of all-MiniLM-L6-v2.
    max_tokens: longer texts are cut; None: what sentence_bert_config.json says, else 256.
    Needs the packages tokenizers and safetensors; ImportError says so.

    Source: Reimers and Gurevych 2019.
    """

    def __init__(self, folder, max_tokens=None):
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise ImportError("SentenceEncoder needs the tokenizers package: pip install tokenizers") from None
        folder = os.fspath(folder)
        self.model = Bert.from_folder(folder)
        self.tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.tokenizer.no_padding()
        path = os.path.join(folder, "sentence_bert_config.json")
        if max_tokens is None and os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                max_tokens = json.load(file).get("max_seq_length")
        self.tokenizer.enable_truncation(max_tokens or 256)

    def encode(self, texts, batch_size=16):
        """One row of length 1 for each text: float32 [len(texts), E]. Texts of like length are computed together."""
        import numpy as np

        ids = [e.ids for e in self.tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        out = np.empty((len(ids), self.model.embeddings.word_embeddings.embedding_dim), np.float32)
        for start in range(0, len(order), batch_size):
            rows = order[start:start + batch_size]
            longest = max(len(ids[i]) for i in rows)
            tokens, mask = np.zeros((2, len(rows), longest), np.int64)
            for row, i in enumerate(rows):
                tokens[row, :len(ids[i])] = ids[i]
                mask[row, :len(ids[i])] = 1
            out[rows] = self._embed(_core.from_numpy(tokens), _core.from_numpy(mask), bool(mask.all())).numpy()
        return _core.from_numpy(out)

    def _embed(self, tokens, mask, full):
        with _core.no_grad():
            hidden, _ = self.model(tokens, None if full else mask)
            return mean_pooling(hidden, mask)
