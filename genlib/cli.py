"""The command line: `genlib start`, `genlib build`, `genlib check`, `genlib train`."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@app.callback()
def main():
    """An interactive notebook course on deep generative models."""


@app.command()
def start(
    lecture: Annotated[str, typer.Argument(help="the lecture to open, such as 01")] = "00",
    browser: Annotated[bool, typer.Option(help="open a browser window")] = True,
):
    """Copy what is missing into my/ and open JupyterLab on a lecture. Nothing of yours is ever overwritten."""
    from genlib.course.start import StartError
    from genlib.course.start import start as open_lab

    try:
        raise typer.Exit(open_lab(lecture, browser=browser))
    except (StartError, ValueError) as error:
        _stop(error)


@app.command()
def build(
    lectures: Annotated[list[str] | None, typer.Argument(help="numbers such as 01; all of them without")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="only say whether the notebooks are what their sources say")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="run the solutions even where nothing changed")] = False,
):
    """Make the handed-out notebooks and the executed solutions from notebooks/source/."""
    from genlib.course import build as builder
    from genlib.course.lectures import available, find

    try:
        chosen = [find(number) for number in lectures] if lectures else available()
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
def check(
    notebook: Annotated[str, typer.Argument(help="a lecture's number, for your copy in my/, or a path")],
):
    """Run your notebook and tell the verdict on each of its exercises."""
    from genlib.course.start import MY
    from genlib.course.validate import ValidateError, locate, validate

    try:
        path = locate(notebook, MY)
        results, errors = validate(path)
    except ValidateError as error:
        _stop(error)
    for result in results:
        typer.echo(result.line)
    for error in errors:
        typer.echo(f"! {error}")
    solved = sum(result.solved for result in results)
    typer.echo(f"{solved} of {len(results)} exercises solved")
    raise typer.Exit(0 if solved == len(results) else 1)


@app.command()
def train(
    model: Annotated[str, typer.Argument(help="a model's public name, such as NaiveBayes")],
    data: Annotated[str, typer.Option(help="a data set of genlib.data, such as digits")] = "digits",
    steps: Annotated[int, typer.Option(help="training steps")] = 1000,
    batch_size: Annotated[int, typer.Option(help="examples a step, over all processes")] = 128,
    lr: Annotated[float, typer.Option(help="learning rate")] = 1e-3,
    seed: Annotated[int, typer.Option(help="of weights, batches and noise")] = 0,
    precision: Annotated[str, typer.Option(help="32-true, bf16-mixed or 16-mixed")] = "32-true",
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
    devices: Annotated[int, typer.Option(help="processes on each machine, one a device")] = 1,
    nodes: Annotated[int, typer.Option(help="machines")] = 1,
    out: Annotated[str, typer.Option(help="the folder for checkpoint and weights")] = "runs",
):
    """Train a model in a terminal, on several devices if you like; called again, it goes on where it ended."""
    from genlib import checkpoints
    from genlib.launch import TrainError, train_model

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
        )
    except (TrainError, checkpoints.CheckpointError, ValueError) as error:
        _stop(error)


def _stop(error: Exception):
    typer.echo(f"genlib: {error}", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
