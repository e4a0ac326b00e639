r"""The linear-Gaussian VAE, also known as probabilistic PCA: the one VAE in which every term is known exactly.

.. math:: p(z) = \mathcal N(0, I), \qquad p(x \mid z) = \mathcal N(Wz + b, \sigma^2 I), \qquad
          p(x) = \mathcal N(b, WW^\top + \sigma^2 I)

.. math:: p(z \mid x) = \mathcal N\big(M^{-1} W^\top (x - b), \; \sigma^2 M^{-1}\big), \qquad M = W^\top W + \sigma^2 I

It is the yardstick of the course: a bound that is computed for it can be held against the truth. So can the optimum of
the β-VAE's objective: with λ_j for the eigenvalues of the data's covariance, a latent is in use exactly when its λ_j is
above βσ², where distortion and rate meet the rate-distortion function of a Gaussian (reverse water-filling):

.. math:: W = U_L (\Lambda_L - \beta \sigma^2 I)_+^{1/2}, \qquad
          R = \tfrac12 \sum_j \Big(\log \frac{\lambda_j}{\beta \sigma^2}\Big)_+ , \qquad
          \mathbb E |x - \hat x|^2 = \sum_j \min(\lambda_j, \beta \sigma^2)

References: Tipping, Bishop. Probabilistic principal component analysis. 1999. J. R. Statist. Soc. B 61:611-622
Lucas, Tucker, Grosse, Norouzi. Don't blame the ELBO! A linear VAE perspective on posterior collapse. 2019.
arXiv:1911.02469
"""

import math

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, LowRankMultivariateNormal, MultivariateNormal, kl_divergence

from genlib.arguments import as_shape, finite, needed, whole
from genlib.likelihoods import Gaussian
from genlib.vae.gaussians import full_covariance
from genlib.vae.vae import VAE


class LinearEncoder(nn.Module):
    """q(z | x) = N(A x + c, diag e^s): the mean is linear in x and the variances are the same for all x."""

    def __init__(self, D: int, latent: int):
        super().__init__()
        self.mean = nn.Linear(D, latent)  # A and c
        self.logvar = nn.Parameter(torch.zeros(latent))  # s

    def forward(self, x: Tensor) -> Tensor:
        mu = self.mean(x.flatten(1))
        return torch.cat([mu, self.logvar.to(mu).expand_as(mu)], 1)


class LinearGaussianVAE(VAE):
    r"""A VAE whose encoder and decoder are linear and whose noise σ is one learned number.

    What a VAE does it does too, with the same code; besides it knows ``log_prob`` and ``posterior``. A new one has
    random weights and a q that is off, so that its bounds have a gap; ``solve_encoder`` closes it as far as a diagonal
    covariance can, and after ``fit_closed_form`` that is entirely.
    Arguments: shape of x, real values; latent L; scale σ to start with; beta, the weight of the KL term in ``loss``
    and in what the closed forms solve. Take float64 (``.double()``) for comparisons.
    """

    likelihood: Gaussian
    encoder: LinearEncoder
    decoder: nn.Linear

    beta: float

    def __init__(self, shape: tuple[int, ...], latent: int = 2, *, scale: float = 1.0, beta: float = 1.0):
        whole(latent=latent)
        needed(latent=latent, scale=scale)
        finite(beta=beta)
        D = math.prod(as_shape(shape))
        encoder, decoder = LinearEncoder(D, latent), nn.Linear(latent, D)
        super().__init__(shape, latent, Gaussian(scale), encoder=encoder, decoder=decoder, beta=beta)

    @property
    def W(self) -> Tensor:
        """(D, L), which leads from z to x."""
        return self.decoder.weight

    @property
    def b(self) -> Tensor:
        """(D,), the mean of x."""
        return self.decoder.bias

    @property
    def log_scale(self) -> nn.Parameter:
        """log σ, a scalar that is learned."""
        return self.likelihood.log_scale

    @property
    def sigma(self) -> Tensor:
        """The standard deviation of the noise, a scalar."""
        return self.likelihood.sigma

    @property
    def M(self) -> Tensor:
        """WᵀW + σ² I, (L, L)."""
        return self.W.T @ self.W + self.sigma**2 * torch.eye(self.latent).to(self.W)

    def marginal(self) -> LowRankMultivariateNormal:
        """p(x), over flat x (D,)."""
        return LowRankMultivariateNormal(self.b, self.W, (self.sigma**2).expand_as(self.b))

    def log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x), (B,), exact, in nats."""
        x, _ = self.check(x, y)
        self.check_weights()
        if len(x) == 0:  # torch's distributions can't take none
            return self.b.new_zeros(0)
        return self.never_nan(self.marginal().log_prob(x.flatten(1)))

    def posterior(self, x: Tensor) -> MultivariateNormal:
        """p(z | x), exact: a Gaussian over (L,) for each example, with a full covariance."""
        x = self.check_examples(x)
        mean = torch.linalg.solve(self.M, self.W.T @ (x.flatten(1) - self.b).T).T  # (B, L)
        covariance = self.sigma**2 * torch.linalg.inv(self.M)
        return MultivariateNormal(mean, (covariance + covariance.T) / 2)  # inv is symmetric up to rounding only

    def exact_elbo(self, x: Tensor, q: Distribution | None = None) -> Tensor:
        r"""The ELBO in closed form, (B,), in nats, for any Gaussian q over z; the model's own q(z | x) unless given.

        .. math:: \mathbb E_q[\log p(x \mid z)] = -\tfrac{D}{2} \log 2\pi\sigma^2 - \frac{1}{2\sigma^2}
                  \Big(|x - b - Wm|^2 + \mathrm{tr}(W S W^\top)\Big), \qquad q = \mathcal N(m, S)
        """
        x = self.check_examples(x)
        reconstruction, kl = self.exact_terms(x, q)
        return reconstruction - kl

    def exact_terms(self, x: Tensor, q: Distribution | None = None) -> tuple[Tensor, Tensor]:
        """The two terms of ``exact_elbo``, (B,) each, in nats: E[log p(x | z)], the negative of the distortion, and the
        KL, the rate."""
        x = self.check_examples(x)
        q = full_covariance(self.encode(x) if q is None else q)
        residual = x.flatten(1) - self.b - q.mean @ self.W.T  # (B, D)
        spread = torch.einsum("dl, ...lm, dm -> ...", self.W, q.covariance_matrix, self.W)  # tr(W S Wᵀ)
        D, variance = len(self.b), self.sigma**2
        log_px = -0.5 * (D * (2 * math.pi * variance).log() + (residual.square().sum(-1) + spread) / variance)
        I = torch.eye(self.latent).to(self.W)
        return log_px, kl_divergence(q, MultivariateNormal(I[0] * 0, I))

    @torch.no_grad()
    def fit_closed_form(self, x: Tensor, *, scale: float | None = None) -> "LinearGaussianVAE":
        r"""Sets W and b, σ and q to the optimum of the objective; returns the model.

        .. math:: b = \bar x, \qquad \sigma^2 = \frac{1}{D - L} \sum_{i > L} \lambda_i, \qquad
                  W = U_L (\Lambda_L - \beta \sigma^2 I)_+^{1/2}

        λ, U: eigenvalues (largest first) and eigenvectors of the data's covariance. With β = 1 it is the maximum of the
        likelihood, and q the posterior. Arguments: x (n, *shape) reals; scale, a σ that is given and stays: then
        latents whose λ is at most βσ² get a column of zeros.
        Raises: ValueError where L is not below D, or the data lie in an L-dimensional plane, where σ would be 0; for a
        β other than 1 without scale.
        """
        x = self.check_examples(x)
        flat, L = x.flatten(1).double(), self.latent
        if flat.shape[1] <= L or len(flat) < 2:
            raise ValueError(
                f"{len(flat)} examples of {flat.shape[1]} values: fewer latents than values are needed, not {L}"
            )
        if scale is None and self.beta != 1:
            raise ValueError(f"beta={self.beta}: say which scale= it goes with")
        values, vectors = torch.linalg.eigh(flat.T.cov(correction=0))
        values, vectors = values.flip(0), vectors.flip(1)  # largest first
        variance = values[L:].mean() if scale is None else values.new_tensor(scale**2)
        if not variance > 1e-12 * values[0].clamp(min=1e-300):
            raise ValueError(
                f"the data have no spread outside of {L} dimensions, so that σ would be 0: take fewer latents"
            )
        U = vectors[:, :L]
        U = U * U.gather(0, U.abs().argmax(0, keepdim=True)).sign()  # eigh leaves the signs open
        self.W.copy_(U * (values[:L] - self.beta * variance).clamp(min=0).sqrt())
        self.b.copy_(flat.mean(0))
        self.log_scale.copy_(variance.log() / 2)
        self.initialised.fill_(True)
        return self.solve_encoder()

    @torch.no_grad()
    def solve_encoder(self) -> "LinearGaussianVAE":
        """Sets q(z | x) to the Gaussian with diagonal covariance that makes the objective best; returns the model.

        With β = 1 its mean is the posterior's, and its variances are one over the diagonal of the posterior's precision
        M / σ², which is less than the posterior's variances unless M is diagonal. Another β is another σ, for q: the
        objective divided by β is the ELBO of a model with noise βσ², but for a constant.
        """
        noise = self.beta * self.sigma**2
        M = self.W.T @ self.W + noise * torch.eye(self.latent).to(self.W)
        A = torch.linalg.solve(M, self.W.T)
        self.encoder.mean.weight.copy_(A)
        self.encoder.mean.bias.copy_(-A @ self.b)
        self.encoder.logvar.copy_((noise / M.diagonal()).log())
        return self
