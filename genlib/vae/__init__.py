"""Variational autoencoders: a latent variable, a bound, and a network that guesses the posterior."""

from genlib.likelihoods import Bernoulli, Categorical, Gaussian, Likelihood
from genlib.noise import StandardNormal
from genlib.vae.autoencoder import Autoencoder
from genlib.vae.bounds import log_mean_exp
from genlib.vae.export import mean_decoder
from genlib.vae.gaussians import full_covariance, gaussian_kl, gaussian_kl_each, gaussian_log_prob
from genlib.vae.iwae import IWAE
from genlib.vae.linear_gaussian import LinearGaussianVAE
from genlib.vae.priors import ConditionalNormal, GaussianMixture, VampPrior
from genlib.vae.refining import fit_prior, refine
from genlib.vae.reparameterization import reparameterize, reparameterized_gradient, score_function_gradient
from genlib.vae.schedules import annealed, cyclical
from genlib.vae.vae import VAE

__all__ = [
    "IWAE",
    "VAE",
    "Autoencoder",
    "Bernoulli",
    "Categorical",
    "ConditionalNormal",
    "Gaussian",
    "GaussianMixture",
    "Likelihood",
    "LinearGaussianVAE",
    "StandardNormal",
    "VampPrior",
    "annealed",
    "cyclical",
    "fit_prior",
    "full_covariance",
    "gaussian_kl",
    "gaussian_kl_each",
    "gaussian_log_prob",
    "log_mean_exp",
    "mean_decoder",
    "refine",
    "reparameterize",
    "reparameterized_gradient",
    "score_function_gradient",
]
