"""Small weights that the project's own scripts trained: each with its recipe, its hash, and what it must reach.

judge = pretrained.load("classifier_digits")
judge.features(x)

weights/index.toml says what there is, and how it was made; ``genlib retrain NAME`` makes it anew. What runs were like
is kept beside it: ``pretrained.runs("dcgan_tricks")``.
"""

import dataclasses
import hashlib
import importlib
import json
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from genlib.condition import Images
from genlib.files import placed, write
from genlib.model import Trainable

FOLDER = Path(__file__).parent / "weights"


class WeightsError(Exception):
    """Weights that are not there, or not the ones that were trained; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Weights:
    """What the index says of a file of weights; its head explains each word."""

    model: str
    arguments: dict[str, Any]
    data: str
    stages: list[dict[str, Any]]
    sha256: str
    reaches: dict[str, float]
    binarized: str | None = None
    heard: bool = False
    where: list[dict[str, list[float]]] = dataclasses.field(default_factory=list)
    half: bool = False

    @property
    def steps(self) -> int:
        """Training steps, of all stages."""
        return sum(stage["steps"] for stage in self.stages)

    def make(self) -> Trainable:
        """The model, untrained."""
        arguments = {key: tuple(v) if isinstance(v, list) else v for key, v in self.arguments.items()}
        if self.heard:
            from genlib.data import mel

            arguments["condition"] = Images(mel.heard_shape(arguments["shape"]))
        return _made(self.model, arguments)

    def examples(self) -> tuple[Any, Any]:
        """What it is trained and tested on, two data sets."""
        from genlib.data import mel
        from genlib.launch import find_data

        train, test = find_data(self.data)
        if self.heard:
            train, test = (mel.heard(part, self.arguments.get("levels")) for part in (train, test))
        if self.binarized is not None:
            train, test = (part.binarized(self.binarized) for part in (train, test))
        if self.where:
            train, test = (self._chosen(part) for part in (train, test))
        return train, test

    def _chosen(self, part: Any) -> Any:
        """The examples that ``where`` names; of two choices, the first as X and the second as Y, without pairs."""
        chosen = [part.within(**{factor: (low, high) for factor, (low, high) in one.items()}) for one in self.where]
        return chosen[0] if len(chosen) == 1 else chosen[0].unpaired(chosen[1])


def _made(name: str, arguments: dict[str, Any]) -> Any:
    """family.Name of its arguments; one that is a table with "is" is itself made of what stands beside."""
    family, kind = name.split(".")
    parts = {k: _made(v["is"], {n: w for n, w in v.items() if n != "is"}) if isinstance(v, dict) else v
             for k, v in arguments.items()}  # fmt: skip
    return getattr(importlib.import_module(f"genlib.{family}"), kind)(**parts)


def settings_of(stage: dict[str, Any]) -> dict[str, Any]:
    """What ``fit`` takes of a stage: betas = [0.5, 0.999] stands for Adam with these, as GANs are mostly trained."""
    settings = {key: value for key, value in stage.items() if key != "betas"}
    if "betas" in stage:
        settings["optimizer"] = partial(torch.optim.Adam, betas=tuple(stage["betas"]))
    return settings


def read_index(path: Path) -> dict[str, Weights]:
    """All entries of an index, by name. Raises: WeightsError for one that says too little or something unknown."""
    entries = {}
    for name, said in tomllib.loads(path.read_text(encoding="utf-8")).items():
        try:
            entries[name] = Weights(**said)
        except TypeError as error:
            raise WeightsError(f"{path.name}, [{name}]: {error}") from error
    return entries


AVAILABLE = read_index(FOLDER / "index.toml")


def load(name: str) -> Trainable:
    """The model of that name with its weights, in evaluation mode.

    Raises: WeightsError for an unknown name, a missing file or one whose hash is another.
    """
    known = _known(name)
    content = _content(f"{name}.safetensors", known.sha256, f"train it again: genlib retrain {name}")
    model = known.make()
    model.load_state_dict(safetensors.torch.load(content))
    return model.eval()


def runs(name: str) -> dict[str, Any]:
    """What was kept of several runs, beside weights/runs.toml: losses, figures and pictures, for a widget.

    Raises: WeightsError for an unknown name, a missing file or one whose hash is another.
    """
    index = tomllib.loads((FOLDER / "runs.toml").read_text(encoding="utf-8"))
    if name not in index:
        raise WeightsError(f"there are no runs {name!r}; there are {', '.join(sorted(index))}")
    again = f"make it again: {index[name]['command']}"
    found: dict[str, Any] = json.loads(_content(f"{name}.json", index[name]["sha256"], again))
    return found


def _content(name: str, sha256: str, again: str) -> bytes:
    """A file of the folder. Raises: WeightsError, with what to do, where it is not the one in the index."""
    path, restore = FOLDER / name, f"restore genlib/weights/{name}, or {again}"
    try:
        content = placed(path).read_bytes()
    except OSError as error:
        raise WeightsError(f"{name} is missing or can't be read ({error.strerror or error}); {restore}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise WeightsError(f"{name} is damaged or was changed; {restore}")
    return content


def retrain(name: str, out: Path | str = "runs", *, device: str = "cpu", bar: bool = True) -> str:
    """Follows the recipe of that name, writes ``out``/NAME.safetensors and tells, beside what the index says, its hash
    and what it reaches. Called again, it goes on where it ended, stage by stage.

    On the same machine the file is the same to the last bit; on another one, rounding makes it a little different.
    Raises: WeightsError for an unknown name.
    """
    known, out = _known(name), Path(out)
    model = _trained(known, out / name, device, bar).cpu().eval()
    tensors = {key: (t.half() if known.half and t.is_floating_point() else t) for key, t in model.state_dict().items()}
    content = safetensors.torch.save({key: t.contiguous() for key, t in tensors.items()})
    try:
        write(out / f"{name}.safetensors", content)
    except OSError as error:
        raise WeightsError(
            f"{out / name}.safetensors could not be written ({error.strerror or error}); mend that, and the same call "
            f"goes on from the last checkpoint"
        ) from error
    model.load_state_dict(safetensors.torch.load(content))  # as ``load`` will give it
    return _compared(known, out / f"{name}.safetensors", hashlib.sha256(content).hexdigest(), reached(known, model))


def _trained(known: Weights, checkpoints: Path, device: str, bar: bool) -> Trainable:
    """The model after all stages of its recipe."""
    from genlib.training import fit

    train, _ = known.examples()
    torch.manual_seed(0)
    model = known.make()
    for number, stage in enumerate(known.stages, 1):
        checkpoint = Path(f"{checkpoints}.stage{number}.checkpoint.safetensors")
        history = fit(model, train, device=device, checkpoint=checkpoint, bar=bar, **settings_of(stage))
        if history.stopped:
            raise WeightsError(f"stopped in stage {number} of {len(known.stages)}; the same call goes on from there")
        if history.averaged is not None:
            model.load_state_dict(history.averaged.state_dict())
    return model


@torch.no_grad()
def reached(known: Weights, model: Trainable) -> dict[str, float]:
    """Each player's losses on the test data, noise of seed 0: {measure: value}, of a game {"player.measure": value}."""
    _, test = known.examples()
    players = model.players()
    found: dict[str, float] = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        x, y = test[torch.arange(len(test))]
        for player in players:
            parts: dict[str, Tensor] = player.loss(x, None if model.condition is None else y)
            found |= {part if len(players) == 1 else f"{player.name}.{part}": v.item() for part, v in parts.items()}
    return found


def _compared(known: Weights, path: Path, sha256: str, figures: dict[str, float]) -> str:
    same = "the one in the index" if sha256 == known.sha256 else f"in the index it is {known.sha256}"
    lines = [f"{path}", f"sha256 {sha256}, {same}"]
    for measure, value in figures.items():
        said = f", in the index {known.reaches[measure]:g}" if measure in known.reaches else ""
        lines.append(f"test {measure} {value:.4g}{said}")
    return "\n".join(lines)


def _known(name: str) -> Weights:
    if name not in AVAILABLE:
        raise WeightsError(f"there are no weights {name!r}; there are {', '.join(sorted(AVAILABLE))}")
    return AVAILABLE[name]
