"""LSTM over a sequence, forward."""
import baselines
from race import Cases, Race, bench, f32, size

cases = Cases("lstm")


def lstm(t, n, i, h):
    def make(rng):
        x = f32(rng, t, n, i)
        w_ih, w_hh = f32(rng, 4 * h, i, scale=h ** -0.5), f32(rng, 4 * h, h, scale=h ** -0.5)
        b_ih, b_hh = f32(rng, 4 * h, scale=0.1), f32(rng, 4 * h, scale=0.1)

        def other(torch):
            net, tx = torch.nn.LSTM(i, h), torch.from_numpy(x)
            with torch.no_grad():
                for p, a in zip(net.parameters(), (w_ih, w_hh, b_ih, b_hh), strict=True):
                    p.copy_(torch.from_numpy(a))

            def step():
                with torch.no_grad():
                    return net(tx)[0]
            return step

        return Race(lambda: baselines.lstm(x, w_ih, w_hh, b_ih + b_hh), other, 8.0 * t * n * h * (i + h),
                    size(x, w_ih, w_hh) + 4.0 * t * n * h, tolerance=1e-4)
    return make


cases.add("char_T64_B32_64_256", lstm(64, 32, 64, 256))
cases.add("stream_T100_B1_128_128", lstm(100, 1, 128, 128))

test_lstm = bench(cases)
