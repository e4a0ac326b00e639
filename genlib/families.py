"""The families of models, listed once: whoever walks over all of them, or keeps them apart, reads it here."""

import importlib

from genlib.model import Trainable

# The packages whose public models can be trained by name. "nets" is no family: all may import it.
FAMILIES = ("autoregressive", "classical", "diffusion", "flow", "gan", "hybrid", "nets", "vae", "vq")


def models() -> dict[str, type[Trainable]]:
    """{name: class} of every public model of every family. They are imported only now."""
    found: dict[str, type[Trainable]] = {}
    for family in FAMILIES:
        module = importlib.import_module(f"genlib.{family}")
        public = {name: getattr(module, name) for name in module.__all__}
        found |= {name: c for name, c in public.items() if isinstance(c, type) and issubclass(c, Trainable)}
    return found
