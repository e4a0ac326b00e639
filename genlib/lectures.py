"""The lectures of the course and where their files are: the one place that the README, the map and the tools read.

It imports nothing but Python's own, so that a wrong number on the command line is answered at once.
"""

import dataclasses
import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
SLIDES = ROOT / "slides"
MY_FOLDER = "GENLIB_MY"  # an environment variable: another folder for the learner's own copies


def place_of_copies() -> Path:
    """Where the learner's own copies are: the folder that they named; else my/ in their clone of the course.

    One clone for a whole class is to be read only: then it is genlib/my at home. Where no clone is around (Colab), it
    is the folder that one works in.
    """
    if named := os.environ.get(MY_FOLDER):
        return Path(named).expanduser().absolute()
    if not (NOTEBOOKS / "source").is_dir():
        return Path.cwd()
    beside = ROOT / "my"
    if os.path.lexists(beside) or os.access(ROOT, os.W_OK):
        return beside
    return Path.home() / "genlib" / "my"


MY = place_of_copies()


@dataclasses.dataclass(frozen=True)
class Lecture:
    """number, name of its files without ending, title, what you learn, place on the map (column, row), the lectures it
    needs, and minutes, once it is there."""

    number: str
    name: str
    title: str
    learn: str
    place: tuple[float, float]
    needs: tuple[str, ...] = ()
    minutes: int | None = None

    @property
    def source(self) -> Path:
        return NOTEBOOKS / "source" / f"{self.name}.md"

    @property
    def handed_out(self) -> Path:
        return NOTEBOOKS / f"{self.name}.ipynb"

    @property
    def solution(self) -> Path:
        return NOTEBOOKS / "solutions" / f"{self.name}.ipynb"

    @property
    def deck(self) -> Path:
        return SLIDES / f"{self.name}.md"


LECTURES = (
    Lecture("00", "00_start_here", "Start here", "the tools, the notation, how exercises work", (0, 0), minutes=10),
    Lecture(
        "01",
        "01_discriminative_vs_generative",
        "Discriminative vs generative",
        "what p(y|x), p(x) and p(x|y) can and can't do; why generate; what maximum likelihood fits",
        (1, 0),
        ("00",),
        minutes=75,
    ),
    Lecture(
        "02",
        "02_autoregressive_models",
        "Autoregressive models",
        "the chain rule; MADE, PixelCNN, GPT; fast sampling",
        (2, 1.5),
        ("01",),
        minutes=75,
    ),
    Lecture(
        "03",
        "03_vae_derivation",
        "The VAE, derived",
        "the ELBO two ways; reparameterization; a latent space to walk in",
        (2, 0.5),
        ("01",),
        minutes=75,
    ),
    Lecture(
        "04",
        "04_vaes_in_practice",
        "VAEs in practice",
        "rate and distortion, posterior collapse, CVAE, IWAE, prior mismatch",
        (3, 1),
        ("03",),
        minutes=69,
    ),
    Lecture(
        "05",
        "05_flow_jacobians",
        "The Jacobians of flows",
        "change of variables; NICE, RealNVP, the parts of Glow",
        (2, -0.5),
        ("01",),
        minutes=75,
    ),
    Lecture(
        "06",
        "06_flows_in_practice",
        "Flows in practice",
        "multi-scale Glow, learned noise, constant memory, MAF and IAF, edits, what likelihood misses",
        (3, -1),
        ("03", "05"),
        minutes=75,
    ),
    Lecture(
        "07",
        "07_gan_optimality",
        "GAN optimality",
        "the proof, line by line; saturation, mode collapse",
        (2, -1.5),
        ("01",),
        minutes=75,
    ),
    Lecture(
        "08",
        "08_gans_in_practice",
        "GANs in practice",
        "judging samples; DCGAN, labels and codes, moving earth, CycleGAN, CVAE-GAN",
        (3, -2),
        ("03", "07"),
        minutes=75,
    ),
    Lecture(
        "09",
        "09_vector_quantization",
        "Vector quantization",
        "VQ-VAE, VQGAN, a token prior, text to image",
        (3, 2),
        ("02", "03"),
    ),
    Lecture(
        "10",
        "10_diffusion",
        "Diffusion",
        "from hierarchical VAEs to DDPM; score, SDE and ODE, likelihood; DDIM, guidance, latent diffusion",
        (3, 0),
        ("03",),
        minutes=70,
    ),
    Lecture(
        "11",
        "11_flow_matching",
        "Flow matching",
        "straight paths, few steps, one step; diffusion of tokens",
        (4, -0.5),
        ("05", "10"),
    ),
    Lecture(
        "12",
        "12_applications",
        "Applications",
        "compression, super-resolution, few labels, planning, text, speech",
        (4, 0.75),
        ("06", "08", "09", "10"),
    ),
    Lecture("13", "13_scoreboard", "Scoreboard", "every family, the same data, budget and units", (5, 0), ("11", "12")),
)


def available() -> list[Lecture]:
    """The lectures whose source is there."""
    return [lecture for lecture in LECTURES if lecture.source.exists()]


def with_deck() -> list[Lecture]:
    """The lectures that have slides."""
    return [lecture for lecture in LECTURES if lecture.deck.exists()]


def find(number: str) -> Lecture:
    """The lecture of that number: "3", "03" or the name of its file. Raises: ValueError for an unknown one."""
    for lecture in LECTURES:
        if lecture.name == number or (number.isdecimal() and lecture.number == f"{int(number):02}"):
            return lecture
    raise ValueError(f"there is no lecture {number!r}; the lectures are {', '.join(e.number for e in LECTURES)}")


def choose(numbers: list[str] | None, there: list[Lecture], what: str) -> list[Lecture]:
    """The lectures of these numbers, all that are there without numbers.

    Raises: ValueError for a number that there is not, or a lecture that has none of ``what`` yet.
    """
    chosen = [find(number) for number in numbers] if numbers else there
    if not there:
        raise ValueError(f"there is no {what} in {ROOT}: this is done in a clone of the course")
    for lecture in chosen:
        if lecture not in there:
            numbers_there = ", ".join(e.number for e in there)
            raise ValueError(f"lecture {lecture.number} has no {what} yet; those that have one are {numbers_there}")
    return chosen


def locate(what: str, folder: Path = MY) -> Path:
    """The notebook that is meant: a path, or a lecture's number for the copy in folder. Raises: ValueError."""
    path = Path(what)
    if path.suffix == ".ipynb" or path.exists():
        if not path.is_file():
            raise ValueError(f"there is no notebook {what}")
        return path
    path = folder / find(what).handed_out.name
    if not path.exists():
        advice = "`genlib start` puts it there, or give a path" if available() else "give its path"
        raise ValueError(f"{path.name} is not in {folder.name}/; {advice}")
    return path
