"""What a run needs of its surroundings, whatever was changed in them before; afterwards they are as they were."""

import contextlib
from collections.abc import Iterator

import torch
from torch import nn


def own_random_state(device: torch.device) -> contextlib.AbstractContextManager[None]:
    """Within it, draws leave the random state outside as it was."""
    return torch.random.fork_rng(devices=[device.index or 0] if device.type == "cuda" else [])


@contextlib.contextmanager
def own_surroundings(device: torch.device, model: nn.Module, dtype: torch.dtype | None = None) -> Iterator[None]:
    """Gradients are on, nothing is autocast but by fit, new tensors are float32 on the CPU (float64 where the model is,
    or becomes it by ``dtype``), draws are its own: whatever ``torch.set_grad_enabled``, ``inference_mode``,
    ``autocast``, ``set_default_dtype``, ``set_default_device`` and seeds said before. Threads are left alone."""
    with contextlib.ExitStack() as stack:
        for ours in (torch.inference_mode(False), torch.enable_grad(), own_random_state(device)):
            stack.enter_context(ours)
        for kind in {"cpu", device.type}:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":  # asked first, for every call within it costs a little
            stack.enter_context(torch.device("cpu"))
        before = torch.get_default_dtype()
        stack.callback(torch.set_default_dtype, before)
        torch.set_default_dtype(torch.float64 if (dtype or dtype_of(model)) == torch.float64 else torch.float32)
        yield


def dtype_of(model: nn.Module) -> torch.dtype | None:
    """Of its weights."""
    weight = next(model.parameters(), None)
    return None if weight is None else weight.dtype
