"""LatentPad in Chromium, without a kernel: frames a second, and from the pointer to the picture.

The decoder is that of the letters (8 latents, 28×28 pixels), and "nearest" searches 2,000 pictures.
python -m tests.benchmarks.latent_pad
"""

import statistics

import torch
from playwright.sync_api import sync_playwright

from genlib import data, pretrained, widgets
from genlib.vae import mean_decoder
from tests.browser.lab import FLAGS, chromium
from tests.browser.test_latent_pad import show

# Moves the pointer once a frame for some seconds; t0 when it moves, t1 when the new picture stands on its canvas.
DRIVE = """(seconds) => new Promise((done) => {
  const plane = document.querySelector('canvas.plane'), box = plane.getBoundingClientRect();
  const waits = [], work = [];
  const send = (kind, u, v) => plane.dispatchEvent(new PointerEvent(kind, {pointerId: 1, bubbles: true,
    clientX: box.left + u * box.width, clientY: box.top + v * box.height}));
  plane.setPointerCapture = () => {};
  let t0 = 0, frames = 0;
  window.element.addEventListener('moved', () => { if (t0) { waits.push(performance.now() - t0); t0 = 0; } });
  send('pointerdown', 0.5, 0.5);
  const start = performance.now();
  const frame = (now) => {
    frames += 1;
    if (now - start > 1000 * seconds) { send('pointerup', 0.5, 0.5); return done({waits, frames, ms: now - start}); }
    setTimeout(() => {  // somewhere within the frame, as a hand would
      t0 = performance.now();
      send('pointermove', 0.5 + 0.4 * Math.sin(frames / 9), 0.5 + 0.4 * Math.cos(frames / 7));
    }, 4);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""


def main() -> None:
    train, _ = data.glyphs()
    model = pretrained.load("vae_glyphs")
    x, y = train[torch.arange(2_000)]
    images = x.float() / (train.levels - 1)
    pad = widgets.latent_pad(mean_decoder(model), shape=train.shape, images=images, image_labels=y)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 900, "height": 700})
        show(page, pad)
        page.evaluate(DRIVE, 1)  # warm-up
        seen = page.evaluate(DRIVE, 8)
        browser.close()
    waits = sorted(seen["waits"])
    frames, pictures = (1000 * count / seen["ms"] for count in (seen["frames"], len(waits)))
    print(f"{frames:.0f} frames a second, {pictures:.0f} with a picture;")
    middle, late = statistics.median(waits), waits[int(0.9 * len(waits))]
    print(f"pointer to picture: median {middle:.1f} ms, 90 % within {late:.1f} ms")


if __name__ == "__main__":
    main()
