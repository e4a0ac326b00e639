"""What moves. Each is a function that returns a widget for a notebook cell.

How to add a widget, NAME. It is a folder, genlib/widgets/NAME, and a line below; nothing else has to know it.

- ``NAME/draw.js`` exports ``draw(element, state)``, one call of the kit's ``mount``: with the ``title`` that stands
  above, a ``hint`` that says what to try, the ``width`` below which it shrinks, and ``setup``. That is ``setup(root,
  state, {tell, theme})``, which builds the page below root and returns ``{show(state), paint()}``. From ``../kit.js``
  it imports what drawings share (elements, SVG, ``Frame`` and axes, ``drag``, ``arrows``, ``slider``, ``buttons``,
  ``gliding``, ``Terrain``, colours) and holds only what is its own; mathematics goes into files beside it, which
  tests/javascript imports as they are. What it says in words has the class "say": it is read aloud at rest.
- ``NAME/widget.py`` has the function, which checks its arguments and returns a ``Drawing`` with its ``_esm``, which is
  ``module("NAME")``, a ``still()`` picture, that picture in words, and what Python reads of it (see drawing.py).
- ``NAME/__init__.py`` imports the function from there.

Its tests: the function in tests/drawings, its mathematics in tests/javascript/NAME.test.js, mouse and keys in
tests/browser with ``show(page, widget)``. All modules are linted, formatted and checked for names that clash.
"""

from genlib.widgets.best_answer import best_answer
from genlib.widgets.caption import caption
from genlib.widgets.cell import cell
from genlib.widgets.competition import competition
from genlib.widgets.completion import completion
from genlib.widgets.continuations import continuations
from genlib.widgets.denoising import denoising
from genlib.widgets.dirac_game import dirac_game
from genlib.widgets.draw_density import draw_density
from genlib.widgets.earth_mover import earth_mover
from genlib.widgets.edit_by_arithmetic import edit_by_arithmetic
from genlib.widgets.elbo_by_hand import elbo_by_hand
from genlib.widgets.flow_explorer import flow_explorer
from genlib.widgets.game_arena import game_arena
from genlib.widgets.guidance import guidance
from genlib.widgets.latent_pad import latent_pad
from genlib.widgets.listen import listen
from genlib.widgets.mass_on_a_line import mass_on_a_line
from genlib.widgets.memory_meter import memory_meter
from genlib.widgets.paint import paint
from genlib.widgets.parallelogram import parallelogram
from genlib.widgets.perplexity_meter import perplexity_meter
from genlib.widgets.rate_distortion import rate_distortion
from genlib.widgets.receptive_field import receptive_field
from genlib.widgets.reparameterization import reparameterization
from genlib.widgets.sampling_player import sampling_player
from genlib.widgets.scale_mixer import scale_mixer
from genlib.widgets.schedules import schedules
from genlib.widgets.there_and_back import there_and_back
from genlib.widgets.token_editor import token_editor
from genlib.widgets.tricks import tricks
from genlib.widgets.two_divergences import two_divergences

__all__ = [
    "best_answer",
    "caption",
    "cell",
    "competition",
    "completion",
    "continuations",
    "denoising",
    "dirac_game",
    "draw_density",
    "earth_mover",
    "edit_by_arithmetic",
    "elbo_by_hand",
    "flow_explorer",
    "game_arena",
    "guidance",
    "latent_pad",
    "listen",
    "mass_on_a_line",
    "memory_meter",
    "paint",
    "parallelogram",
    "perplexity_meter",
    "rate_distortion",
    "receptive_field",
    "reparameterization",
    "sampling_player",
    "scale_mixer",
    "schedules",
    "there_and_back",
    "token_editor",
    "tricks",
    "two_divergences",
]
