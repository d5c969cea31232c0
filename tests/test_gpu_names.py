"""Names of one GPU that are written differently, and of two GPUs that are written almost alike."""

from __future__ import annotations

from itertools import combinations

import pytest
from conftest import FROZEN, PAPER, Build, Data

from tco.lineitem import Exact
from tco.options.base import Notes
from tco.options.fleet.gpu_names import same_gpu

ONE = [
    # as the driver says, as price lists say
    ("NVIDIA H100 80GB HBM3", "H100"),
    ("NVIDIA H100 80GB HBM3", "H100 SXM"),
    ("NVIDIA H100 80GB HBM3", "H100 SXM5 80 GB"),
    ("NVIDIA H100 PCIe", "H100 PCIe"),
    ("NVIDIA H100 NVL", "H100 NVL"),
    ("NVIDIA A100-SXM4-80GB", "A100 80GB"),
    ("NVIDIA A100-SXM4-40GB", "A100 40GB"),
    ("NVIDIA A100 80GB PCIe", "A100 80GB PCIe"),
    ("Tesla V100-SXM2-16GB", "V100"),
    ("Tesla T4", "NVIDIA T4"),
    ("NVIDIA GeForce RTX 5090", "RTX 5090"),
    ("NVIDIA GeForce RTX 5090", "RTX5090"),
    ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX PRO 6000"),
    ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"),
    ("AMD Instinct MI300X OAM", "MI300X"),
    ("AMD Instinct MI300X", "MI300X 192GB"),
    ("NVIDIA A10G", "A10G"),
    ("NVIDIA L40S", "L40S 48GB"),
    ("NVIDIA GB200 NVL72", "GB200"),
    ("8x H100", "H100"),
    # one says more than the other
    ("H100 PCIe", "H100"),
    ("A100 80GB PCIe", "A100 80GB"),
    ("A100 80GB", "A100"),
    ("CPU", "cpu"),
]
TWO = [
    ("L4", "L40S"),
    ("L4", "L40"),
    ("L40", "L40S"),
    ("A10", "A100 80GB"),
    ("A10", "A10G"),
    ("H20", "H200"),
    ("H200", "GH200"),
    ("B200", "GB200"),
    ("T4", "T400"),
    ("H100", "H200"),
    ("RTX 4090", "RTX 5090"),
    ("RTX 4090", "RTX 4090 Ti"),
    ("RTX 4090", "RTX 4090 Laptop GPU"),
    ("RTX 6000 Ada", "RTX PRO 6000"),
    ("RTX A6000", "RTX 6000 Ada"),
    ("MI300X", "MI300A"),
    ("MI300X", "MI355X"),
    ("A100 80GB", "A100 40GB"),
    ("A100 80GB PCIe", "A100 40GB PCIe"),
    ("NVIDIA A100-SXM4-80GB", "A100 80GB PCIe"),
    ("H100 PCIe", "H100 SXM"),
    ("H100 PCIe", "H100 NVL"),
    ("NVIDIA H100 80GB HBM3", "H100 PCIe"),
    ("", "H100"),
    ("NVIDIA", "NVIDIA H100"),
    ("", ""),
    ("not stated", "H100"),
    ("CPU", "H100"),
]


@pytest.mark.parametrize(("here", "there"), ONE)
def test_one_gpu(here: str, there: str) -> None:
    assert same_gpu(here, there)
    assert same_gpu(there, here)


@pytest.mark.parametrize(("here", "there"), TWO)
def test_two_gpus(here: str, there: str) -> None:
    assert not same_gpu(here, there)
    assert not same_gpu(there, here)


def test_every_gpu_of_the_price_lists_is_itself_alone() -> None:
    """But for those of which one list says more than another."""
    names = (
        "A10", "A100 40GB", "A100 40GB PCIe", "A100 80GB", "A100 80GB PCIe", "A10G", "B200", "B300", "GB200", "GH200",
        "H100", "H100 NVL", "H100 PCIe", "H200", "L4", "L40S", "MI300X", "MI355X", "RTX 4090", "RTX 5090",
        "RTX PRO 6000", "V100",
    )  # fmt: skip
    assert all(same_gpu(name, name) for name in names)
    assert {pair for pair in combinations(names, 2) if same_gpu(*pair)} == {
        ("A100 40GB", "A100 40GB PCIe"),
        ("A100 80GB", "A100 80GB PCIe"),
        ("H100", "H100 NVL"),
        ("H100", "H100 PCIe"),
    }


@pytest.mark.parametrize(("profile", "paid", "told"), [("L40S", "L4", True), ("NVIDIA L40S", "L40S", False)])
def test_another_gpu_than_the_one_paid_for_is_grave(build: Build, profile: str, paid: str, told: bool) -> None:
    capacity: Data = {
        **PAPER, "kind": "measured", "model": "m", "gpu": profile, "gpus_per_replica": 1, "objective": "p99 2 s",
        "requests_per_s": 8, "input_tokens": 1000, "output_tokens": 200,
    }  # fmt: skip
    box: Data = {"name": "Box", "gpu": paid, "gpus": 1, "prices": [{**PAPER, "price": 9000}]}
    own: Data = {
        "kind": "self_hosted",
        "capacity": "frozen/chat",
        "owned": {"hardware": "frozen/box", "life_years": 4, "power": {"price": "$0.1/kWh", "watts": 700}},
    }
    data = {
        "workload": {"volume": "1M tokens/day", "input_tokens": 1000, "output_tokens": 200},
        "options": {"own": own},
    }
    notes = Notes()
    build(data, {**FROZEN, "capacity": {"chat": capacity}, "hardware": {"box": box}}).price(Exact(), notes)
    grave = [x.text for x in notes.warnings if x.grave]
    assert (f"frozen/chat was found on {profile}, and what is paid for is {paid}" in grave) == told
