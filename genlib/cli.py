"""The command line: `genlib start | check | progress` to learn, `grade | handout` to teach, `build | slides | train |
retrain` to make."""

import io
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from genlib.lectures import Lecture

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@app.callback()
def main() -> None:
    """An interactive notebook course on deep generative models."""
    for stream in (sys.stdout, sys.stderr):  # Windows: what is sent to a file could hold no ✓
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() not in ("utf-8", "utf8"):
            stream.reconfigure(encoding="utf-8")


@app.command()
def start(
    lecture: Annotated[str, typer.Argument(help="the lecture to open, such as 01")] = "00",
    browser: Annotated[bool, typer.Option(help="open a browser window")] = True,
) -> None:
    """Copy what is missing into my/ and open JupyterLab on a lecture. Nothing of yours is ever overwritten."""
    from genlib.lectures import available

    _lectures([lecture], available(), "notebook")
    from genlib.course.start import StartError
    from genlib.course.start import start as open_lab

    try:
        raise typer.Exit(open_lab(lecture, browser=browser))
    except (StartError, OSError, ValueError) as error:
        _stop(error)


@app.command()
def build(
    lectures: Annotated[list[str] | None, typer.Argument(help="numbers such as 01; all of them without")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="only say whether the notebooks are what their sources say")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="run the solutions even where nothing changed")] = False,
) -> None:
    """Make the handed-out notebooks and the executed solutions from notebooks/source/."""
    from genlib.lectures import available

    chosen = _lectures(lectures, available(), "source")
    from genlib.course import build as builder

    try:
        if not check:
            builder.build(chosen, force=force, say=typer.echo)
            return
        faults = [fault for lecture in chosen for fault in builder.drift(lecture)]
    except (builder.BuildError, ValueError) as error:
        _stop(error)
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(1)
    typer.echo(f"{len(chosen)} lectures are what their sources say")


@app.command()
def slides(
    lectures: Annotated[list[str] | None, typer.Argument(help="numbers such as 03; all decks without")] = None,
    force: Annotated[bool, typer.Option("--force", help="make them even where nothing changed")] = False,
) -> None:
    """Make the slides in build/slides/: for each deck in slides/ one HTML file that needs nothing else, and a PDF."""
    from genlib.lectures import with_deck

    chosen = _lectures(lectures, with_deck(), "deck")
    from genlib.course import slides as decks
    from genlib.course.build import BuildError

    try:
        decks.build(chosen, force=force, say=typer.echo)
    except (BuildError, OSError, ValueError) as error:
        _stop(error)


@app.command()
def check(
    notebook: Annotated[str, typer.Argument(help="a lecture's number, for your copy in my/, or a path")],
) -> None:
    """Run your notebook and tell the verdict on each of its exercises."""
    from genlib.lectures import locate

    try:
        path = locate(notebook)
    except ValueError as error:
        _stop(error)
    from genlib.course.check.notebook import ValidateError, validate
    from genlib.course.grade import safe

    try:
        typer.echo(f"running {safe.line(path.name)} from top to bottom, as nbval does: a minute or two", err=True)
        results, errors = validate(path)
    except ValidateError as error:
        _stop(error)
    for result in results:
        typer.echo(safe.line(result.line, 2000))
    for line in errors:
        typer.echo(f"! {safe.line(line, 2000)}")
    solved = sum(result.solved for result in results)
    typer.echo(f"{solved} of {len(results)} exercises solved")
    raise typer.Exit(0 if solved == len(results) else 1)


@app.command()
def grade(
    folder: Annotated[str, typer.Argument(help="a folder with what a class handed in")],
    lecture: Annotated[str | None, typer.Option(help="the lecture that was asked for, such as 03")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="notebooks at a time")] = 1,
    full: Annotated[bool, typer.Option("--full", help="run every cell: a minute or more a notebook")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="mark anew whoever has a note")] = False,
    marks: Annotated[str | None, typer.Option(help="the folder to write to; FOLDER_marks, beside it, without")] = None,
) -> None:
    """Mark a class: a table, FOLDER_marks/marks.csv and a feedback file for each notebook. Goes on where it ended."""
    from pathlib import Path

    from genlib.lectures import available

    if lecture is not None:
        lecture = _lectures([lecture], available(), "notebook")[0].number
    from genlib.course.check.notebook import ValidateError
    from genlib.course.grade.feedback import table
    from genlib.course.grade.folder import grade_all, marks_of
    from genlib.course.grade.sandbox import protection

    typer.echo(protection(full))
    where = Path(marks) if marks else marks_of(Path(folder))
    try:
        grades = grade_all(
            Path(folder), lecture=lecture, jobs=jobs, full=full, retry=retry, marks=where, say=typer.echo
        )
    except (ValidateError, OSError, ValueError) as error:
        _stop(error)
    typer.echo(table(grades))
    seconds = sorted(g.seconds for g in grades)[len(grades) // 2]
    typer.echo(f"{len(grades)} rows, {seconds:.1f} s a notebook (median); table and feedback in {where}")


@app.command()
def handout(
    folder: Annotated[str, typer.Argument(help="a folder to write the notebooks without solutions to")],
) -> None:
    """Write the notebooks without solutions, for a class that should not have them."""
    from pathlib import Path

    from genlib.course.start import StartError, write_handout

    try:
        for line in write_handout(Path(folder)):
            typer.echo(line)
    except (StartError, OSError) as error:
        _stop(error)


@app.command()
def progress(
    take: Annotated[str | None, typer.Option(help="a progress.json from Colab, Binder or another machine")] = None,
) -> None:
    """What you have solved so far, by lecture, as my/ remembers it. Nothing leaves this machine."""
    from pathlib import Path

    from genlib.course.check import progress as so_far

    try:
        if take is not None:
            typer.echo(so_far.take(Path(take)))
    except (OSError, ValueError) as error:
        _stop(error)
    typer.echo(so_far.overview())


# What --help says, so that it need not import all of them; a test compares it with what there is.
MODELS = """ACGAN, Autoencoder, CVAEGAN, Classifier, ConsistencyModel, Contrastive, CycleGAN, DCGAN, DDPM,
FlowMatching, FlowPriorVAE, GAN, GatedPixelCNN, Glow, GumbelVAE, IAF, IAFVAE, IWAE, InfoGAN, LinearGaussianVAE, MADE,
MAF, MaskedDiffusion, MeanFlow, NICE, NaiveBayes, PixelCNN, PixelRNN, PixelVAE, RealNVP, Reflow, SplineFlow,
Transformer, VAE, VQGAN, VQVAE, WaveGlow, WaveNet"""
DATA = """digits, english, fashion_mnist, glyphs, mnist, numerals, shapes, text, tones,
vowels; points in the plane: banana, checkerboard, eight_gaussians, grid, moons, pinwheel, rings, spirals,
two_gaussians"""


@app.command(epilog=f"Models: {MODELS}.\n\nData: {DATA}.")
def train(
    model: Annotated[str, typer.Argument(help="a model's public name, such as NaiveBayes")],
    data: Annotated[str, typer.Option(help="a data set of genlib.data, such as digits")] = "digits",
    steps: Annotated[int, typer.Option(help="training steps")] = 1000,
    batch_size: Annotated[int, typer.Option(help="examples a step, over all processes")] = 128,
    lr: Annotated[float, typer.Option(help="learning rate")] = 1e-3,
    seed: Annotated[int, typer.Option(help="of weights, batches and noise")] = 0,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="an argument of the model, NAME=VALUE; may be given several times")
    ] = None,
    binarized: Annotated[str | None, typer.Option(help="dynamic or threshold: pixels 0 and 1")] = None,
    weight_decay: Annotated[float, typer.Option(help="of AdamW")] = 0.0,
    clip_norm: Annotated[float, typer.Option(help="the largest norm of a gradient")] = 1.0,
    ema: Annotated[float | None, typer.Option(help="such as 0.999: write exponentially averaged weights")] = None,
    test_every: Annotated[int | None, typer.Option(help="steps from test to test; else a tenth of all")] = None,
    precision: Annotated[str, typer.Option(help="32-true, bf16-mixed, 16-mixed, bf16-true or 64-true")] = "32-true",
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
    devices: Annotated[int, typer.Option(help="processes on each machine, one a device")] = 1,
    nodes: Annotated[int, typer.Option(help="machines")] = 1,
    out: Annotated[str, typer.Option(help="the folder for checkpoint and weights")] = "runs",
) -> None:
    """Train a model in a terminal, on several devices if you like; called again, it goes on where it ended."""
    from genlib.launch import TrainError, read_settings, train_model
    from genlib.training import CheckpointError

    try:
        train_model(
            model,
            data,
            out=out,
            accelerator=accelerator,
            devices=devices,
            nodes=nodes,
            precision=precision,
            steps=steps,
            batch_size=batch_size,
            lr=lr,
            seed=seed,
            architecture=read_settings(settings or []),
            binarized=binarized,
            weight_decay=weight_decay,
            clip_norm=clip_norm,
            ema=ema,
            test_every=test_every,
        )
    except (TrainError, CheckpointError, ValueError) as error:
        _stop(error)


@app.command()
def retrain(
    name: Annotated[str, typer.Argument(help="of the weights, such as vae_glyphs")],
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps; the recipes were made on a cpu")] = "cpu",
    out: Annotated[str, typer.Option(help="the folder for checkpoints and weights")] = "runs",
) -> None:
    """Train weights of the course anew by their recipe, and compare them with what genlib/weights/index.toml says."""
    from genlib import pretrained
    from genlib.launch import TrainError
    from genlib.training import checkpoints

    try:
        typer.echo(pretrained.retrain(name, out, device=device))
    except (pretrained.WeightsError, TrainError, checkpoints.CheckpointError, ValueError) as error:
        _stop(error)


# A wrong number is answered before anything heavy is imported: torch alone takes seconds.
def _lectures(numbers: list[str] | None, there: "list[Lecture]", what: str) -> "list[Lecture]":
    """The lectures of these numbers, or all that have one; ends the program where there are none."""
    from genlib.lectures import choose

    try:
        return choose(numbers, there, what)
    except ValueError as error:
        _stop(error)


def _stop(error: Exception) -> NoReturn:
    typer.echo(f"genlib: {error}", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
