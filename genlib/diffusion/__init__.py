"""Diffusion models and flow matching: from noise to data in many steps or in one; and masks for tokens."""

from genlib.diffusion.bounds import diffusion_term, noised, ode_log_prob, prior_term, spread_times
from genlib.diffusion.couplings import independent, transport
from genlib.diffusion.ddpm import DDPM
from genlib.diffusion.denoiser import Denoiser
from genlib.diffusion.few_steps import ConsistencyModel, MeanFlow
from genlib.diffusion.flow_matching import FlowMatching, Noise, Reflow, rectify, straightness
from genlib.diffusion.guidance import ClassifierFree, ClassifierGuided
from genlib.diffusion.masked import MaskedDiffusion
from genlib.diffusion.oracles import IdealDenoiser, MixtureDenoiser
from genlib.diffusion.prediction import Prediction, predicted
from genlib.diffusion.samplers import (
    ancestral,
    ddim,
    euler,
    heun,
    langevin,
    midpoint,
    probability_flow,
    reverse_sde,
    runge_kutta,
    steps_down,
)
from genlib.diffusion.schedule import EDM, Cosine, Linear, LinearLogSNR, Schedule, Straight, VarianceExploding

__all__ = [
    "DDPM",
    "EDM",
    "ClassifierFree",
    "ClassifierGuided",
    "ConsistencyModel",
    "Cosine",
    "Denoiser",
    "FlowMatching",
    "IdealDenoiser",
    "Linear",
    "LinearLogSNR",
    "MaskedDiffusion",
    "MeanFlow",
    "MixtureDenoiser",
    "Noise",
    "Prediction",
    "Reflow",
    "Schedule",
    "Straight",
    "VarianceExploding",
    "ancestral",
    "ddim",
    "diffusion_term",
    "euler",
    "heun",
    "independent",
    "langevin",
    "midpoint",
    "noised",
    "ode_log_prob",
    "predicted",
    "prior_term",
    "probability_flow",
    "rectify",
    "reverse_sde",
    "runge_kutta",
    "spread_times",
    "steps_down",
    "straightness",
    "transport",
]
