"""Whose voice is it: an LSTM that turns speech into a vector, under the parameter names of resemblyzer's encoder."""
from .. import _core, nn

RATE, FRAME, HOP, MELS = 16_000, 400, 160, 40  # samples a second; a frame of 25 ms each 10 ms; bands


def mel_energies(wave):
    """Energies in 40 bands of the mel scale of frames of 25 ms, one each 10 ms: float32 [1 + samples // 160, 40] (NumPy).

    E[t, b] = sum_f w[b, f] |sum_n hann[n] x[160 t + n - 200] exp(-2 pi i f n / 400)|^2;  zeros stand before and after x.
    wave: samples at 16 kHz, float.

    >>> import numpy as np
    >>> mel_energies(np.zeros(1600)).shape
    (11, 40)

    Source: Slaney, Auditory Toolbox, 1998 (the scale: linear up to 1 kHz, logarithmic above; triangles of area 1).
    """
    import numpy as np

    wave = np.pad(np.asarray(wave, np.float32), FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(wave, FRAME)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    return (power @ _bands().T).astype(np.float32)


def _bands():
    """w[b, f]: triangles between the neighbouring centres, each of area 1 over Hz."""
    import numpy as np

    top = 15 + np.log(RATE / 2 / 1000) * 27 / np.log(6.4)
    mel = np.linspace(0, top, MELS + 2)
    edge = np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))[:, None]
    hertz = np.linspace(0, RATE / 2, FRAME // 2 + 1)
    left, middle, right = edge[:-2], edge[1:-1], edge[2:]
    up, down = (hertz - left) / (middle - left), (right - hertz) / (right - middle)
    return np.maximum(0, np.minimum(up, down)) * 2 / (right - left)


class SpeakerEncoder(nn.Module):
    """Three LSTM layers over mel energies; what the last one ends with, as a vector of length 1 with no negative part.

        e = relu(W h_T + b);  y = e / |e|

    Input: mel energies [B, T, 40] (see mel_energies; 160 frames, 1.6 s, are what it was trained with). Output [B, 256].
    The likeness of two voices is the inner product of their vectors.

    >>> import udlfast as torch
    >>> tuple(SpeakerEncoder()(torch.rand(2, 160, 40)).shape)
    (2, 256)

    Source: Wan, Wang, Papir, Lopez Moreno, Generalized end-to-end loss for speaker verification, 2018.
    """

    def __init__(self, bands=MELS, width=256, layers=3):
        super().__init__()
        self.lstm = nn.LSTM(bands, width, layers, batch_first=True)
        self.linear = nn.Linear(width, width)

    def forward(self, mels):
        hidden = self.lstm(mels)[1][0]
        return nn.functional.normalize(nn.functional.relu(self.linear(hidden[-1])), dim=1)

    @classmethod
    def from_file(cls, path):
        """The encoder of a checkpoint such as resemblyzer's pretrained.pt, in eval mode."""
        from .. import load

        state = load(path)
        state = state.get("model_state", state)
        net = cls(state["lstm.weight_ih_l0"].shape[1], state["linear.weight"].shape[0], sum("weight_hh" in k for k in state))
        net.load_state_dict({k: v for k, v in state.items() if not k.startswith("similarity_")})  # those belong to its loss
        return net.eval()

    def embed(self, wave, rate=1.3, coverage=0.75):
        """The vector [256] of an utterance: the mean over windows of 1.6 s, of length 1.

        wave: samples at 16 kHz. rate: windows a second. coverage: how much of the last window must be there; else it is left out.
        """
        import numpy as np

        window, step = 160, round(RATE / rate / HOP)
        if not 0 < step <= window:
            raise ValueError(f"SpeakerEncoder.embed: rate {rate} leaves gaps or stands still; expected 0.625 to 100")
        frames = -(-(len(wave) + 1) // HOP)
        starts = list(range(0, max(1, frames - window + step + 1), step))
        if len(starts) > 1 and len(wave) - starts[-1] * HOP < coverage * window * HOP:
            starts.pop()
        mels = mel_energies(np.pad(wave, (0, max(0, (starts[-1] + window) * HOP - len(wave)))))
        with _core.no_grad():
            parts = self(_core.from_numpy(np.stack([mels[s:s + window] for s in starts])))
            return nn.functional.normalize(parts.mean(0), dim=0)
