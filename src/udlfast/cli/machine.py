"""What limits this machine: float multiply-adds and bytes a second, measured."""
import time


def roofs(rounds=7):
    """The two roofs of a roofline, at the present instruction set and number of threads.

    Returns:
        dict: `peak_gflops`, float32 operations of independent multiply-adds in registers (a multiply-add is two), and
        `stream_gb_per_s`, bytes that `a += b` of arrays far larger than the caches reads and writes. Each is the
        best of `rounds` rounds of some 10 ms, since neighbours on the machine only take away.
    """
    from .. import _core, float64, get_num_threads, ones, zeros

    tasks = 4 * get_num_threads()
    out, steps = zeros(tasks, 2, dtype=float64), 300_000
    a, b = zeros(1 << 23), ones(1 << 23)
    flops, stream = 0.0, 0.0
    for _ in range(rounds):
        begin = time.perf_counter()
        _core.call(_core.K_fma_peak, (out,), (tasks, steps), ())
        flops = max(flops, out[:, 0].sum().item() / (time.perf_counter() - begin))
        begin = time.perf_counter()
        a += b
        stream = max(stream, 3 * 4 * a.numel() / (time.perf_counter() - begin))
    return {"peak_gflops": flops / 1e9, "stream_gb_per_s": stream / 1e9}
