"""Diffusion models: noise is added step by step, and a denoiser walks back."""

from genlib.diffusion.bounds import diffusion_term, noised, ode_log_prob, prior_term, spread_times
from genlib.diffusion.ddpm import DDPM
from genlib.diffusion.denoiser import Denoiser
from genlib.diffusion.guidance import ClassifierFree, ClassifierGuided
from genlib.diffusion.oracles import IdealDenoiser, MixtureDenoiser
from genlib.diffusion.prediction import Prediction, predicted
from genlib.diffusion.samplers import (
    ancestral,
    ddim,
    euler,
    heun,
    langevin,
    probability_flow,
    reverse_sde,
    steps_down,
)
from genlib.diffusion.schedule import EDM, Cosine, Linear, LinearLogSNR, Schedule, VarianceExploding

__all__ = [
    "DDPM",
    "EDM",
    "ClassifierFree",
    "ClassifierGuided",
    "Cosine",
    "Denoiser",
    "IdealDenoiser",
    "Linear",
    "LinearLogSNR",
    "MixtureDenoiser",
    "Prediction",
    "Schedule",
    "VarianceExploding",
    "ancestral",
    "ddim",
    "diffusion_term",
    "euler",
    "heun",
    "langevin",
    "noised",
    "ode_log_prob",
    "predicted",
    "prior_term",
    "probability_flow",
    "reverse_sde",
    "spread_times",
    "steps_down",
]
