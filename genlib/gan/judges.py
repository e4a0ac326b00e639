r"""Four ways to tell a discriminator what an example is said to be: "is this a real 7?", or only "is this real?".

A condition y comes as F features e(y), of labels a one-hot vector. The network answers with numbers a(x); the logit is

    name             the network sees    it answers with     the logit
    product          x                   F numbers           a(x) · e(y)
    projection       x                   1 + F numbers       a₀(x) + a₁…F(x) · e(y)
    concatenation    x beside e(y)       1 number            a₀(x, e(y))
    blind            x                   1 number            a₀(x)

With labels the product has a logit for each class, and that of y counts. Projection adds what all classes share: is it
a good picture at all? It is the form of the optimal discriminator where log p(y | x) of data and of what is generated
are both log-linear in the same features of x. (In the paper the last layer V has no bias; here each class has one.)
A blind judge does not know y: the generator has no reason to follow it, unless somebody else asks for it (ACGAN).

References: concatenation: Mirza, Osindero. Conditional Generative Adversarial Nets. 2014. arXiv:1411.1784
projection: Miyato, Koyama. cGANs with Projection Discriminator. 2018. arXiv:1802.05637
"""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Judge:
    """told: whether the network sees the features beside x; shared: whether its first number counts for every y;
    product: whether it gives a number for each feature, to be multiplied with it."""

    told: bool = False
    shared: bool = False
    product: bool = False

    def outputs(self, F: int) -> int:
        """How many numbers the network gives, for F features."""
        return self.shared + self.product * F

    def logit(self, answer: Tensor, features: Tensor | None) -> Tensor:
        """(B, outputs) and features (B, F) -> (B,)."""
        logit = answer.new_zeros(len(answer))
        if self.shared:
            logit, answer = answer[:, 0], answer[:, 1:]
        if self.product and features is not None:
            logit = logit + (answer * features.to(answer)).sum(1)
        return logit


JUDGES = {
    "product": Judge(product=True),
    "projection": Judge(shared=True, product=True),
    "concatenation": Judge(told=True, shared=True),
    "blind": Judge(shared=True),
}


def judge_of(name: str) -> Judge:
    """By name. Raises: ValueError for one that is not there."""
    if name not in JUDGES:
        raise ValueError(f"judge={name!r} is not one of {', '.join(JUDGES)}")
    return JUDGES[name]
