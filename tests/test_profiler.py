"""profile and explain: times of calls, eager and replayed; Chrome traces; pictures of plans."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
from plans import tensor

import udlfast as torch

nn, F = torch.nn, torch.nn.functional


def step_of():
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    opt = torch.optim.SGD(net.parameters(), lr=0.1)

    def step(x, y):
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        return loss

    return step


def counts(p):
    return {row.key: row.count for row in p.key_averages()}


def test_eager_calls_are_listed_with_shapes(rng):
    step, x, y = step_of(), tensor(rng, 4, 6), torch.tensor([0, 1, 2, 0])
    with torch.profiler.profile() as p:
        with torch.profiler.record_function("whole"):
            step(x, y)
    seen = counts(p)
    assert seen["matmul"] == 5 and seen["relu"] == seen["sgd"] == seen["whole"] == 1
    assert "4 x 8 x 6 + bias" in [e.shape.replace(" + bias", "") + " + bias" for e in p.events() if e.name == "matmul"]
    block = next(e for e in p.events() if e.name == "whole")
    inside = [e for e in p.calls if e.name != "whole"]
    assert all(block.start <= e.start and e.start + e.seconds <= block.start + block.seconds + 1e-6 for e in inside)
    assert sum(e.seconds for e in inside) <= block.seconds
    with_shapes = p.key_averages(group_by_input_shape=True)
    assert any(r.key.startswith("matmul 4 x 8 x 6") for r in with_shapes)
    assert "matmul" in p.key_averages().table(sort_by="cpu_time_total")


def test_calls_outside_are_not_listed(rng):
    x = tensor(rng, 3)
    x + 1
    with torch.profiler.profile() as p:
        with torch.profiler.profile() as inner:
            x * 2
        x - 1
    x.exp()
    assert counts(inner) == {"mul": 1} and counts(p) == {"mul": 1, "sub": 1}


def test_an_error_ends_the_profile(rng):
    x = tensor(rng, 3)
    with pytest.raises(ValueError), torch.profiler.profile() as p:
        x.exp()
        x + tensor(rng, 4)
    x.log()
    assert counts(p) == {"exp": 1}


def test_calls_of_a_plan_are_listed(rng):
    step = torch.compile(step_of())
    x, y = tensor(rng, 4, 6), torch.tensor([0, 1, 2, 0])
    for _ in range(3):
        step(x, y)
    with torch.profiler.profile() as p:
        step(x, y)
    assert len(p.calls) == len(step.plans[0].steps) and counts(p)["matmul"] == 5
    starts = [e.start for e in p.calls]
    assert starts == sorted(starts)


def test_chrome_traces(rng, tmp_path):
    step = step_of()
    x, y = tensor(rng, 4, 6), torch.tensor([0, 1, 2, 0])
    with torch.profiler.profile() as p:
        step(x, y)
    p.export_chrome_trace(tmp_path / "eager.json")
    compiled = torch.compile(step)
    compiled(x, y)
    table = compiled.explain(x, y, peaks=(1e11, 1e10))
    table.export_chrome_trace(tmp_path / "plan.json")
    for name, n in (("eager.json", len(p.events())), ("plan.json", len(table.rows))):
        bars = json.loads((tmp_path / name).read_text())["traceEvents"]
        assert len(bars) == n and min(b["ts"] for b in bars) == 0 and all(b["ph"] == "X" and b["dur"] >= 0 for b in bars)
        assert any(b["name"].endswith("matmul") and " x " in b["args"]["shape"] for b in bars)


def test_a_picture_has_a_box_for_each_call_and_buffer(rng, tmp_path):
    compiled = torch.compile(step_of())
    x, y = tensor(rng, 4, 6), torch.tensor([0, 1, 2, 0])
    compiled(x, y)
    table = compiled.explain(x, y, peaks=(1e11, 1e10))
    table.picture(tmp_path / "plan.svg")
    root = ElementTree.parse(tmp_path / "plan.svg").getroot()
    titles = [t.text for t in root.iter("{http://www.w3.org/2000/svg}title")]
    plan = compiled.plans[0]
    assert len(titles) == len(plan.steps) + len(plan.layout)
    for a in plan.layout:  # buffers that live at the same time lie apart
        for b in plan.layout:
            if a is not b and a[1] <= b[2] and b[1] <= a[2]:
                assert a[3] + a[4] <= b[3] or b[3] + b[4] <= a[3]


def test_a_schedule_says_which_steps_are_recorded():
    seen = []
    steps = torch.profiler.schedule(wait=1, warmup=1, active=2, repeat=2)
    names = [steps(i).name for i in range(10)]
    assert names == ["NONE", "WARMUP", "RECORD", "RECORD_AND_SAVE"] * 2 + ["NONE", "NONE"]
    with torch.profiler.profile(schedule=steps, on_trace_ready=lambda p: seen.append((p.step_num, counts(p)))) as p:
        for i in range(10):
            for _ in range(i + 1):
                torch.ones(3).exp()
            p.step()
    assert [n for n, _ in seen] == [4, 8]
    assert [c["exp"] for _, c in seen] == [3 + 4, 7 + 8]
    torch.ones(3).exp()
    assert counts(p)["exp"] == 15
    steps = torch.profiler.schedule(wait=0, warmup=0, active=3)
    with torch.profiler.profile(schedule=steps, on_trace_ready=lambda p: seen.append(p.step_num)):
        torch.ones(3).exp()
    assert seen[2:] == [0]
    with pytest.raises(ValueError, match="active"):
        torch.profiler.schedule(wait=0, warmup=0, active=0)
    assert torch.profiler.schedule(wait=2, warmup=0, active=1, skip_first=1, skip_first_wait=1)(1).name == "RECORD_AND_SAVE"
