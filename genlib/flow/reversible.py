r"""Backpropagation without stored activations: the inverse rebuilds them, layer by layer, on the way back.

Backpropagation needs what went into each layer. A chain of bijections has to keep only what came out at the end:

.. math:: x_{k-1} = f_k^{-1}(x_k), \qquad
          \frac{\partial L}{\partial x_{k-1}} = J_{f_k}(x_{k-1})^\top \frac{\partial L}{\partial x_k}
          + \frac{\partial L}{\partial \log|\det J|}\, \frac{\partial \log|\det J_{f_k}|}{\partial x_{k-1}}

Memory then does not grow with depth; the price is one inverse and one more pass a layer. Where an inverse is
ill-conditioned, what it rebuilds drifts from what was there, and so do the gradients.

Reference: Gomez, Ren, Urtasun, Grosse. The Reversible Residual Network: Backpropagation Without Storing Activations.
2017. arXiv:1707.04585
"""

from typing import Any

import torch
from torch import Tensor

from genlib.flow.bijection import Compose


class Reversible(Compose):
    """The same chain of bijections, with the same gradients, that keeps only its last output in memory.

    Arguments: layers, as for Compose. Each must have an exact inverse, and no randomness of its own (dropout would be
    drawn anew). Gradients of gradients are not there: RuntimeError.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        parameters = [p for p in self.parameters() if p.requires_grad]
        if not torch.is_grad_enabled() or not (parameters or x.requires_grad):
            return super().forward(x)
        z, log_det = _Rebuilding.apply(self, x, *parameters)
        return z, log_det


class _Rebuilding(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, chain: Compose, x: Tensor, *parameters: Tensor) -> tuple[Tensor, Tensor]:
        ctx.chain, ctx.parameters = chain, parameters
        z, log_det = Compose.forward(chain, x)  # within a Function no graph is made
        ctx.save_for_backward(z)
        return z, log_det

    @staticmethod
    def backward(ctx: Any, grad_z: Tensor, grad_log_det: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("Reversible has no gradients of gradients; take Compose, which stores what they need")
        (z,) = ctx.saved_tensors
        total: dict[Tensor, Tensor] = {}  # a parameter that several layers share gets its share from each
        for layer in reversed(ctx.chain.layers):
            x = layer.inverse(z)[0].detach()
            with torch.enable_grad():
                x.requires_grad_()
                z_again, log_det = layer(x)
            inputs = [x, *(p for p in layer.parameters() if p.requires_grad)]
            both = [(z_again, grad_z), (log_det, grad_log_det)]
            outputs = [(value, grad) for value, grad in both if value.requires_grad]  # a constant log_det has none
            values, grads = zip(*outputs, strict=True)
            found = torch.autograd.grad(values, inputs, grads, allow_unused=True)
            for p, grad in zip(inputs[1:], found[1:], strict=True):
                if grad is not None:
                    total[p] = total[p] + grad if p in total else grad
            z, grad_z = x.detach(), torch.zeros_like(x) if found[0] is None else found[0]
        return None, grad_z, *(total.get(p) for p in ctx.parameters)
