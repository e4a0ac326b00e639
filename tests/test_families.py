"""The families are listed once, and all who must know them read that list."""

import importlib
import tomllib

import pytest

from genlib import launch
from genlib.families import FAMILIES, models
from genlib.lectures import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
PACKAGES = {f"genlib.{name}" for name in FAMILIES}


def test_every_package_that_holds_a_model_is_a_family():
    for path in (ROOT / "genlib").iterdir():
        if (path / "__init__.py").exists() and path.name not in ("course", "data", "plots", "training", "widgets"):
            assert path.name in FAMILIES, f"genlib/{path.name} is not listed in genlib/families.py"
    assert sorted(FAMILIES) == list(FAMILIES)


def test_the_settings_of_the_import_linter_name_exactly_these_families():
    """What lists families of models lists all of them; networks, which all may import, where they belong to it."""
    families = PACKAGES - {"genlib.nets", "genlib.hybrid"}
    (apart,) = (contract for contract in CONTRACTS if contract["type"] == "independence")
    assert set(apart["modules"]) == families
    for contract in CONTRACTS:
        for key in ("source_modules", "forbidden_modules", "modules"):
            named = families & set(contract.get(key, []))
            assert named in (set(), families), f"{contract['name']}: {key} leaves out {sorted(families - named)}"


def test_a_hybrid_may_know_families_and_nothing_that_families_may_not_know():
    """It is bound by what binds families, but for their independence; and none of them imports it."""
    binding = [c for c in CONTRACTS if c["type"] == "forbidden" and "genlib.vae" in c["source_modules"]]
    assert len(binding) >= 3
    for contract in binding:
        hybrid_is_what_is_forbidden = contract["forbidden_modules"] == ["genlib.hybrid"]
        assert ("genlib.hybrid" in contract["source_modules"]) != hybrid_is_what_is_forbidden, contract["name"]
    for contract in CONTRACTS:
        if contract["type"] == "forbidden" and "genlib.vae" in contract["forbidden_modules"]:
            assert "genlib.hybrid" in contract["forbidden_modules"], contract["name"]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_model_is_found_in_its_family_and_can_be_trained_by_name(name):
    package = importlib.import_module(f"genlib.{name}")
    of_family = [n for n, kind in models().items() if getattr(package, n, None) is kind]
    assert of_family
    for model in of_family:
        if model not in (
            "Flow",
            "LatentDiffusion",
            "TextToImage",
            "TokenPrior",
        ):  # a terminal can't name their parts
            assert launch.find_model(model) is models()[model]
