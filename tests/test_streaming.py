"""Numbers that go to other threads past the caches (udl_streams_to_others): the same bits as through them."""

import os
import subprocess
import sys

import pytest

CODE = """
import hashlib
import numpy as np
import udlfast as torch

rng, digest, F = np.random.default_rng(0), [], torch.nn.functional
for isa in torch.isas():
    with torch.use_isa(isa):
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            # tiles of 4 x 4: panels with a rest and without, rows of images within and across vectors; few pixels in bf16
            for N, C, H, W, O in [(1, 96, 14, 14, 80), (2, 64, 7, 7, 96), (1, 83, 14, 13, 101), (1, 40, 28, 28, 64), (3, 128, 9, 11, 64)]:
                x, w = (torch.tensor(rng.standard_normal(s), dtype=torch.float32) for s in ((N, C, H, W), (O, C, 3, 3)))
                for dtype in (torch.float32, torch.bfloat16):
                    for stride in (1, 2):
                        y = F.conv2d(x.to(dtype), w.to(dtype), stride=stride, padding=1).float().numpy()
                        digest.append(y.tobytes())
            rng = np.random.default_rng(0)
print(len(digest), hashlib.sha256(b"".join(digest)).hexdigest())
"""


def run(stream):
    env = {**os.environ, "UDLFAST_STREAM": stream}
    return subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True, timeout=300).stdout


@pytest.mark.parametrize("other", ["1", ""], ids=["streamed", "as the processor likes"])
def test_the_same_bits(other):
    assert run("0") == run(other) != ""
