"""On an NVIDIA GPU: bf16, fp16 and torch.compile beside float32, and cached sampling as one CUDA graph.

Times are those of CUDA events. What a model or a card can't do is left out with its reason, so that one refusal does
not end the run.
"""

from functools import partial

import torch

from genlib.autoregressive.sampling import distribution, draw
from tests.benchmarks.growth import SAMPLERS
from tests.benchmarks.measure import pairs
from tests.benchmarks.steps import cases


def elapsed(run, times=10):
    """Milliseconds of a call on the device."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(times):
        run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / times


def step(case, dtype=None, compiled=False):
    """A training step on the GPU; fp16 with a scaled loss, as fit does it."""
    model, x = case.make(case.depth).cuda(), case.x.cuda()
    loss = torch.compile(model.loss) if compiled else model.loss
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    scaler = torch.amp.GradScaler("cuda", enabled=dtype == torch.float16)

    def run():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", dtype or torch.float32, enabled=dtype is not None):
            value = loss(x)["loss"]
        scaler.scale(value).backward()
        scaler.step(optimizer)
        scaler.update()

    return run


@torch.no_grad()
def graph(model, n):
    """All D steps of cached sampling, recorded once: replaying it asks nothing of Python."""
    D = len(model.order)
    uniforms, x = torch.rand(D, n, device="cuda"), torch.zeros(D, n, dtype=torch.long, device="cuda")

    def loop():
        one, value = model.cached(n, None), None
        for t in range(D):
            value = draw(distribution(one(t, value)), uniforms[t])
            x[t] = value

    aside = torch.cuda.Stream()
    with torch.cuda.stream(aside):
        loop()  # what is set up at the first call must not be recorded
    torch.cuda.current_stream().wait_stream(aside)
    recorded = torch.cuda.CUDAGraph()
    with torch.cuda.graph(recorded):
        loop()

    def run():
        uniforms.uniform_()
        recorded.replay()

    return run


def rows():
    ways = {"bf16": {"dtype": torch.bfloat16}, "fp16": {"dtype": torch.float16}, "compiled": {"compiled": True}}
    for name, case in cases().items():
        for what, how in ways.items():
            title = f"{name}: training step on CUDA, batch {len(case.x)}, {what}"
            yield from beside(title, partial(step, case, **how), partial(step, case), "float32")
    for name, make in SAMPLERS.items():
        if name != "Glow":
            model = make((1, 28, 28)).cuda().eval()
            title = f"{name}: 16 samples of 28×28 on CUDA, as a graph"
            plain = partial(partial, model.sample, 16)
            yield from beside(title, partial(graph, model, 16), plain, "without a graph", times=1)


def beside(title, make, other, peer, times=10):
    """One row, or none with the reason printed."""
    try:
        sides = make(), other()
        for run in sides:
            run(), run()
        yield pairs(title, *(partial(elapsed, run, times) for run in sides), peer)
    except Exception as reason:  # what this machine can't do is no result, and no reason to end the run
        print(f"{title}: left out, {type(reason).__name__}: {str(reason)[:200]}")
