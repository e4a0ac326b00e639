r"""More of the condition than the model would give: guidance.

.. math:: \tilde s = s(x_t) + w\,\big(s(x_t \mid y) - s(x_t)\big), \qquad s = \nabla \log p_t

w = 0 is the unconditional model, w = 1 the conditional one, more of it exaggerates. (Ho and Salimans count from the
conditional model: their w is ours minus one. Both are the same dial.) For w > 1 what is sampled is *not*
p(x) p(y | x)^w: the scores add up at each noise level, and noising does not commute with raising to a power.

References: Ho, Salimans. Classifier-free diffusion guidance. 2022. arXiv:2207.12598
Dhariwal, Nichol. Diffusion models beat GANs on image synthesis. 2021. arXiv:2105.05233
"""

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from genlib.diffusion.prediction import Prediction
from genlib.diffusion.schedule import Schedule

TwoWay = Callable[[Tensor, Tensor, Tensor | None], Prediction]


class ClassifierFree:
    """A denoiser of x given y with weight w, made of one that answers with and without y (y=None).

    Guesses x̂, ε̂ and scores are affine in each other, so that mixing one of them mixes all.
    """

    def __init__(self, denoiser: TwoWay, schedule: Schedule, y: Tensor, w: float):
        self.denoiser, self.schedule, self.y, self.w = denoiser, schedule, y, w

    def __call__(self, x_t: Tensor, t: Tensor) -> Prediction:
        if self.w == 1:
            return self.denoiser(x_t, t, self.y)
        without = self.denoiser(x_t, t, None)
        if self.w == 0:
            return without
        given = self.denoiser(x_t, t, self.y)
        return dataclasses.replace(without, x=without.x + self.w * (given.x - without.x))


class ClassifierGuided:
    """A denoiser, and a classifier of noisy x that pushes: the score is larger by w ∇ log p_t(y | x_t).

    Arguments: log_prob, (x_t, t) -> log p_t(y | x_t), (B,), differentiable.
    """

    def __init__(self, denoiser: Callable, schedule: Schedule, log_prob: Callable[[Tensor, Tensor], Tensor], w: float):
        self.denoiser, self.schedule, self.log_prob, self.w = denoiser, schedule, log_prob, w

    def __call__(self, x_t: Tensor, t: Tensor) -> Prediction:
        with torch.enable_grad():
            x = x_t.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.log_prob(x, t).sum(), x)
        return self.denoiser(x_t, t).moved_by(self.w * gradient)
