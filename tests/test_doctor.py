"""The doctor names planted faults first and stays silent on healthy runs."""

import pytest

import udlfast as torch
from udlfast import nn, train
from udlfast.nn import functional as F

pytest.importorskip("sklearn")
from doctor_cases import FAULTS, HEALTHY, digits, fit, mlp  # noqa: E402


@pytest.mark.parametrize("name, variant, run", FAULTS, ids=[f"{n}: {v}" for n, v, _ in FAULTS])
def test_planted_fault_is_named_first(name, variant, run):
    torch.manual_seed(0)
    report = run()
    assert report.names[:1] == [name], str(report)


@pytest.mark.parametrize("name, run", HEALTHY, ids=[n for n, _ in HEALTHY])
def test_healthy_runs_pass_in_silence(name, run):
    torch.manual_seed(0)
    report = run()
    assert report.names == [], str(report)


def test_report_on_the_terminal_and_as_a_page(tmp_path):
    pytest.importorskip("matplotlib")
    torch.manual_seed(0)
    report = fit(nn.Sequential(*mlp(), nn.Softmax(1)), digits(), epochs=2)
    text = str(report)
    assert "1. wrong loss for the output: cross_entropy is given rows that sum to 1" in text and "   - give cross_entropy" in text
    page = report.to_html(tmp_path / "r.html").read_text()
    assert "<h2>wrong loss for the output" in page and "data:image/png;base64," in page
    healthy = fit(mlp(), digits(), epochs=2)
    assert str(healthy).startswith("nothing conspicuous: 38 steps")
    assert "Nothing conspicuous" in healthy.to_html(tmp_path / "h.html").read_text()


def test_watching_changes_nothing():
    runs = []
    for callbacks in ([], [train.Doctor()]):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 10))
        x, y, *_ = digits()
        adam = torch.optim.Adam(net.parameters(), lr=1e-3)
        batches = [(x[i : i + 50], y[i : i + 50]) for i in range(0, 600, 50)]
        train.fit(net, batches, epochs=3, optimizer=adam, callbacks=callbacks)
        runs.append({k: v.numpy().tobytes() for k, v in net.state_dict().items()})
        assert all(m._hooks is None for m in net.modules())
    assert runs[0] == runs[1]


def test_examine_one_batch():
    torch.manual_seed(0)
    x, y = torch.randn(16, 4), torch.arange(16) % 2
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)).eval()
    before = {k: v.numpy().tobytes() for k, v in net.state_dict().items()}
    assert train.examine(net, x, y).names == []
    assert {k: v.numpy().tobytes() for k, v in net.state_dict().items()} == before and not net.training
    assert all(p.grad is None for p in net.parameters())
    assert train.examine(net, x, y, lambda output, y: F.nll_loss(output, y)).names == ["wrong loss for the output"]
    sigmoid = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())
    assert train.examine(sigmoid, x, y[:, None].float(), F.binary_cross_entropy_with_logits).names == ["wrong loss for the output"]
    assert train.examine(sigmoid, x, y[:, None].float(), F.binary_cross_entropy).names == []
    broken = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    with torch.no_grad():
        broken[2].weight[1, 3] = float("inf")
    finding = train.examine(broken, x, y).findings[0]
    assert finding.name == "non-finite numbers" and finding.where == "2" and "its weight is not finite" in finding.evidence
