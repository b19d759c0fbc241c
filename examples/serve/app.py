"""Two models behind HTTP: /embed (all-MiniLM-L6-v2) and /classify (ResNet-18), from plans that export.py wrote.

    pip install "udlfast[serve]"
    python examples/serve/export.py models
    MODELS=models uvicorn --app-dir examples/serve app:app                       one process
    MODELS=models gunicorn -c examples/serve/gunicorn_conf.py app:app            four, which share the weights

Plans are loaded when this module is imported: with gunicorn's preload once, before the workers are forked. Endpoints are plain
functions, which FastAPI runs in threads; a plan is run by all of them at once. How many threads and workers: docs/serving.md.
"""

import asyncio
import json
import os
import re

import numpy as np
from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from tokenizers import Tokenizer

import udlfast as torch

FOLDER = os.environ.get("MODELS", "models")
IMAGE = 1, 3, 224, 224


class Texts:
    """Plans for texts of several lengths."""

    def __init__(self, folder):
        lengths = sorted(int(m[1]) for name in os.listdir(folder) if (m := re.fullmatch(r"minilm-(\d+)\.udl", name)))
        self.plans = {n: torch.load_plan(os.path.join(folder, f"minilm-{n}.udl")) for n in lengths}
        self.tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(lengths[-1])

    def embed(self, text):
        ids = self.tokenizer.encode(text).ids
        length = next(n for n in self.plans if n >= len(ids))
        tokens = torch.tensor([ids + [0] * (length - len(ids))])
        mask = torch.tensor([[1] * len(ids) + [0] * (length - len(ids))])
        return self.plans[length](tokens, mask)[0].tolist()

    def warm_up(self):
        for plan in self.plans.values():
            plan(*(torch.ones(shape, dtype=dtype) for _, dtype, shape in plan.inputs))


class Images:
    def __init__(self, folder):
        self.plan = torch.load_plan(os.path.join(folder, "resnet18.udl"))

    def classify(self, body):
        """The five likeliest of 1000 classes of an image, given as 3 x 224 x 224 float32 numbers."""
        scores = self.plan(torch.from_numpy(np.frombuffer(body, np.float32).reshape(IMAGE).copy()))[0]
        best, at = torch.topk(torch.softmax(scores, 0), 5)
        return [{"class": c, "probability": p} for c, p in zip(at.tolist(), best.tolist(), strict=True)]

    def warm_up(self):
        self.plan(torch.zeros(IMAGE))


texts, images = Texts(FOLDER), Images(FOLDER)
texts.warm_up()
images.warm_up()
app = FastAPI(title="udlfast")


class Text(BaseModel):
    text: str


@app.get("/health")
def health():
    return {"status": "ok", "pid": os.getpid(), "threads": torch.get_num_threads()}


@app.post("/embed")
def embed(item: Text):
    return {"embedding": texts.embed(item.text[:10_000])}


@app.post("/classify")
async def classify(request: Request):
    size = 4 * IMAGE[1] * IMAGE[2] * IMAGE[3]
    if int(request.headers.get("content-length", 0)) != size:
        raise HTTPException(413, f"an image is 3 x 224 x 224 float32 numbers: {size} bytes")
    body = await request.body()
    if len(body) != size:
        raise HTTPException(422, f"an image is 3 x 224 x 224 float32 numbers: {size} bytes")
    return await run_in_threadpool(images.classify, body)


def warm_up(rounds=40):
    """Requests of both kinds as a server would hand them over, without one: what they import, cache and make is then there before workers
    are forked, which share it. A function's byte code too is written to while it is called for the first times."""

    async def ask(path, body, kind):
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http", "path": path,
                 "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers, "client": None, "server": None}
        status = []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            status.append(message.get("status", 200))

        await app(scope, receive, send)
        if status[0] != 200:
            raise RuntimeError(f"{path} answers with status {status[0]}")

    async def all_of_them():
        image = bytes(4 * IMAGE[1] * IMAGE[2] * IMAGE[3])
        for i in range(rounds):
            text = {"text": "what a server hears " * (1 + 20 * (i % 2))}
            await ask("/embed", json.dumps(text).encode(), b"application/json")
            await ask("/classify", image, b"application/octet-stream")

    asyncio.run(all_of_them())
