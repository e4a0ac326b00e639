"""What moves. Each is a function that returns a widget for a notebook cell."""

from genlib.widgets.best_answer import best_answer
from genlib.widgets.competition import competition
from genlib.widgets.completion import completion
from genlib.widgets.continuations import continuations
from genlib.widgets.dirac_game import dirac_game
from genlib.widgets.elbo_by_hand import elbo_by_hand
from genlib.widgets.flow_explorer import flow_explorer
from genlib.widgets.game_arena import game_arena
from genlib.widgets.latent_pad import latent_pad
from genlib.widgets.mass_on_a_line import mass_on_a_line
from genlib.widgets.paint import paint
from genlib.widgets.parallelogram import parallelogram
from genlib.widgets.receptive_field import receptive_field
from genlib.widgets.reparameterization import reparameterization
from genlib.widgets.sampling_player import sampling_player
from genlib.widgets.two_divergences import two_divergences

__all__ = [
    "best_answer",
    "competition",
    "completion",
    "continuations",
    "dirac_game",
    "elbo_by_hand",
    "flow_explorer",
    "game_arena",
    "latent_pad",
    "mass_on_a_line",
    "paint",
    "parallelogram",
    "receptive_field",
    "reparameterization",
    "sampling_player",
    "two_divergences",
]
