"""A learner's global state changes no verdict, and is theirs again afterwards."""

import random
import sys
import warnings

import numpy as np
import pytest
import torch

from genlib.course import exercises
from genlib.course.exercise import Exercise

RIGHT = {name: exercises.find(name).reference for name in ("kl_of_gaussians", "log_posterior", "accept")}


def state() -> dict:
    """All of it, as far as an answer or a cell further up might change it."""
    return {
        "gradients": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "threads": torch.get_num_threads(),
        "precision": torch.get_float32_matmul_precision(),
        "torch's numbers": torch.get_rng_state().tolist(),
        "NumPy's numbers": np.random.get_state()[1].tolist(),  # noqa: NPY002
        "Python's numbers": random.getstate(),
        "NumPy's errors": np.geterr(),
        "warnings": list(warnings.filters),
    }


def default_device_meta():
    torch.set_default_device("meta")


CHANGES = {
    "gradients off": lambda: torch.set_grad_enabled(False),
    "float64 as the default": lambda: torch.set_default_dtype(torch.float64),
    "another device as the default": default_device_meta,
    "more threads": lambda: torch.set_num_threads(3),
    "less exact products": lambda: torch.set_float32_matmul_precision("medium"),
    "other seeds": lambda: (torch.manual_seed(5), np.random.seed(5), random.seed(5)),  # noqa: NPY002
    "NumPy told to raise": lambda: np.seterr(all="raise"),
    "warnings told to raise": lambda: warnings.simplefilter("error"),
}


@pytest.fixture(autouse=True)
def as_it_was():
    dtype, threads, errors = torch.get_default_dtype(), torch.get_num_threads(), np.geterr()
    with warnings.catch_warnings(), torch.random.fork_rng():
        yield
    torch.set_grad_enabled(True)
    torch.set_default_dtype(dtype)
    torch.set_default_device(None)
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")
    np.seterr(**errors)


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("what", CHANGES)
def test_what_a_cell_further_up_has_changed_changes_no_verdict(what, name):
    exercise = exercises.find(name)
    CHANGES[what]()
    before = state()
    assert str(exercise.check(RIGHT[name])) == str(exercise.solved())
    assert state() == before


@pytest.mark.parametrize("what", CHANGES)
def test_what_an_answer_changes_stays_within_it(what):
    exercise = exercises.find("kl_of_gaussians")

    def answer(*arguments):
        CHANGES[what]()
        return RIGHT["kl_of_gaussians"](*arguments)

    before = state()
    verdict = exercise.check(answer)
    assert state() == before
    if what not in ("gradients off", "another device as the default"):  # its own gradients, and its own values
        assert verdict.mark == "✓", verdict


def test_inference_mode_around_a_check_does_not_matter():
    with torch.inference_mode():
        assert exercises.find("kl_of_gaussians").check(RIGHT["kl_of_gaussians"]).mark == "✓"


def test_random_numbers_of_an_answer_are_the_same_each_time():
    exercise = Exercise("9.1", "draw", reference=lambda: 0.5)
    for draw in (lambda: random.random(), lambda: float(np.random.rand()), lambda: torch.rand(()).item()):  # noqa: NPY002
        assert len({str(exercise.check(draw)) for _ in range(3)}) == 1


def test_a_lecture_loaded_late_draws_its_inputs_in_float32(monkeypatch):
    monkeypatch.delitem(sys.modules, "genlib.course.exercises.lecture_03", raising=False)
    torch.set_default_dtype(torch.float64)
    found = next(e for e in exercises.of_lecture("03") if e.name == "gaussian_kl")
    assert found.example()[0].dtype == torch.float32
