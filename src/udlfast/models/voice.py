"""Is somebody speaking: the network of Silero VAD for 16 kHz, under the parameter names of its safetensors file."""
from .. import _core, nn
from ..nn import functional as F


class VoiceDetector(nn.Module):
    """The chance that a piece of 32 ms holds speech, from a spectrum, four convolutions and an LSTM cell over the pieces.

    Input: [B, 576] float32, 512 new samples at 16 kHz after the 64 before them; the state (h, c) that the piece before gave.
    Output: ([B, 1], state).

    >>> import udlfast as torch
    >>> chance, state = VoiceDetector()(torch.zeros(1, 576))
    >>> tuple(chance.shape), tuple(state[0].shape)
    ((1, 1), (1, 128))

    Source: Silero Team, Silero VAD, https://github.com/snakers4/silero-vad.
    """

    def __init__(self):
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 258, 256, stride=128, bias=False)  # windowed cosines, then sines
        self.conv1 = nn.Conv1d(129, 128, 3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, 128, 3, padding=1)
        self.lstm_cell = nn.LSTMCell(128, 128)
        self.final_conv = nn.Conv1d(128, 1, 1)

    def forward(self, x, state=None):
        x = self.stft_conv(F.pad(x.unsqueeze(1), (0, 64), "reflect"))
        x = (x[:, :129].square() + x[:, 129:].square()).sqrt()
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = F.relu(conv(x))
        h, c = self.lstm_cell(x.squeeze(2), state)
        return self.final_conv(F.relu(h).unsqueeze(2)).sigmoid().squeeze(2), (h, c)

    def listen(self, wave):
        """The chance of speech in each piece of 512 samples of a wave (16 kHz, NumPy): float32 [pieces] (NumPy)."""
        import numpy as np

        pieces = -(-len(wave) // 512)
        wave = np.pad(np.asarray(wave, np.float32), (64, pieces * 512 - len(wave)))
        state, out = None, np.empty(pieces, np.float32)
        with _core.no_grad():
            for i in range(pieces):
                chance, state = self(_core.from_numpy(wave[None, 512 * i:512 * i + 576].copy()), state)
                out[i] = chance.item()
        return out
