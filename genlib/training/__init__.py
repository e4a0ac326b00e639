r"""One loop that trains everything.

A new model needs three things: a ``shape``, a ``loss`` that returns ``{"loss": scalar, part: scalar, …}``, ``sample``::

    class Line(GenerativeModel):
        def __init__(self, shape):
            super().__init__()
            self.shape, self.mean = shape, nn.Parameter(torch.zeros(shape))

        def loss(self, x, y=None):  # nats, up to a constant
            return {"loss": (x - self.mean).pow(2).flatten(1).sum(1).mean() / 2}

        def sample(self, n, y=None, *, generator=None):
            return self.mean + torch.randn(n, *self.shape, generator=generator)

    train, test = data.digits()
    model = Line(train.shape)
    history = fit(model, train.x / 16, test=test.x / 16, steps=500)
    history.plot()

A model in which several learn against each other (a GAN) returns its ``players`` instead: each has its parameters and
its own loss, and in every step each takes its turn, in order. Everything else is the same for all of them:

- Data stay on the device; a batch is an index. Data are a tensor or an array, a pair (x, y), anything with ``x``,
  ``y``, ``to`` and ``[i]``, torch's TensorDataset, or a Subset of these. They are looked at once, before the first
  step, and refused where they are not what the model takes: another shape, reals for integers, a level or a label that
  there is not. Within a step nobody looks at numbers. A model without a condition leaves labels out.
- Nothing waits for the device inside a step. Losses are kept there and read when the progress bar is refreshed.
- The stop button ends training after the step that is running; model and history are good, a checkpoint is written.
- A loss that is not finite stops the run with a LossError that names step, player and part; the model gets back the
  last weights that were seen to be finite.
- Every player is evaluated on test data; and once more with the averaged weights, where ``ema`` asks for some.
- After each of its updates a player's ``after_step`` is called: a critic's weights are clipped there, so that nobody
  ever meets an unclipped one.
- What can't be honoured is refused with a ValueError. Nothing that fit is told is ignored.
- With ``checkpoint="name.safetensors"`` the run is saved now and then, and the same call goes on where it ended: on the
  same machine to the same weights, to the last bit, as a run that was never interrupted. A file that is damaged or
  belongs to another run (other data, another model, player or function, to the last constant) is a CheckpointError. A
  disk that is full when it is written is a warning: the run goes on, and tries again.
- ``callback=lambda step, model: …`` is called now and then; ``plots.Live`` draws a figure anew in place.
- With several processes (``genlib train … --devices 2``) each takes its share of every batch, and gradients are
  averaged before they are used.

fit.py holds the loop: read it first. batches.py, what comes next; evaluate.py, test data; guard.py, the last finite
weights; history.py, what is handed back; processes.py, one or several; resume.py, checkpoints.py, fingerprint.py, going
on; settings.py, what is refused; stop.py, the button; surroundings.py, a torch that somebody changed.
"""

from genlib.training.checkpoints import CheckpointError
from genlib.training.fit import fit
from genlib.training.guard import LossError
from genlib.training.history import History

__all__ = ["CheckpointError", "History", "LossError", "fit"]
