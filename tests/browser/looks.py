"""How a lecture looks that was run in JupyterLab: in the dark, in a narrow window, enlarged.

Of all its outputs at once, its widgets with what they hold there; each widget alone, in any width, is
test_widgets_look.py's matter. A module that runs a lecture has ``class TestLooks(Looks)``.
"""

import pytest

_THEME = "(name) => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
WIDE = {"width": 1280, "height": 1000}
# What a person would see of it; JupyterLab's own margins for screen readers and hidden rows are not that.
_SHARED = """
const outputs = [...window.panel.node.querySelectorAll('.jp-OutputArea-output, .jp-RenderedMarkdown')];
const shown = (node) => node.checkVisibility({visibilityProperty: true}) && !node.closest('.spoken, mjx-assistive-mml');
const box = (node) => node.getBoundingClientRect();
const name = (node) => `${node.tagName} ${node.getAttribute('class') ?? ''}: ${node.textContent.trim().slice(0, 50)}`;
"""

# Whatever of an output stands beyond its right edge. What can be scrolled in a text may: tables, code, equations.
STICKS_OUT = f"""() => {{
  {_SHARED}
  const SCROLLED = 'table, pre, mjx-container';
  return outputs.flatMap((output) => [...output.querySelectorAll('*:not(svg *)')]
    .filter((node) => shown(node) && !(output.matches('.jp-RenderedMarkdown') && node.closest(SCROLLED)))
    .filter((node) => box(node).right > box(output).right + 2)
    .map((node) => name(node)));
}}"""

# Of each widget the pairs of controls and pictures that lie on one another, by their numbers.
OVERLAPS = f"""() => {{
  {_SHARED}
  return [...window.panel.node.querySelectorAll('[role=group].gl')].map((root) => {{
    const parts = [...root.querySelectorAll('canvas, svg, button, input, select')];
    const on = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 3
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
    const pairs = parts.flatMap((a, i) => parts.slice(i + 1).map((b, j) => [a, b, `${{i}} ${{i + 1 + j}}`]));
    return [root.className, ...pairs.filter(([a, b]) => shown(a) && shown(b) && on(box(a), box(b))).map((p) => p[2])];
  }});
}}"""

# Texts whose colour is too near that of what is behind them (WCAG 2: 4.5 to 1). What is switched off may be faint; the
# colours of code in a text are JupyterLab's own.
FAINT = f"""() => {{
  {_SHARED}
  const parse = (colour) => {{
    const [r, g, b, alpha = 1] = colour.startsWith('rgb') ? colour.match(/[\\d.]+/g).map(Number) : [0, 0, 0, 0];
    return [r, g, b, alpha];
  }};
  const over = ([r, g, b, alpha], ground) => [r, g, b].map((v, i) => alpha * v + (1 - alpha) * ground[i]);
  const light = (colour) => colour.map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + [0.2126, 0.7152, 0.0722][i] * v, 0);
  // The page behind a node, and over it, in an SVG picture, the last rectangle or disc below the middle of a text.
  const ground = (node) => {{
    const above = [];
    for (let at = node; at; at = at.parentElement) above.push(parse(getComputedStyle(at).backgroundColor));
    let colour = above.reverse().reduce((below, paint) => over(paint, below), [255, 255, 255]);
    const [middle, all] = [box(node), [...(node.ownerSVGElement?.querySelectorAll('rect, circle, text') ?? [])]];
    const [x, y] = [(middle.left + middle.right) / 2, (middle.top + middle.bottom) / 2];
    for (const shape of all.slice(0, Math.max(0, all.indexOf(node)))) {{
      const [b, style] = [box(shape), getComputedStyle(shape)];
      if (shape.tagName === 'text' || b.left > x || b.right < x || b.top > y || b.bottom < y) continue;
      const [r, g, blue, alpha] = parse(style.fill);
      colour = over([r, g, blue, alpha * style.fillOpacity * style.opacity], colour);
    }}
    return colour;
  }};
  const texts = outputs.flatMap((output) => [...output.querySelectorAll('*')])
    .filter((node) => [...node.childNodes].some((part) => part.nodeType === 3 && part.data.trim()))
    .filter((node) => shown(node) && !node.closest('mjx-container, style, pre code, :disabled, [aria-disabled=true]'));
  return texts.flatMap((node) => {{
    const style = getComputedStyle(node);
    const below = ground(node);
    const [r, g, b, alpha] = parse(node.ownerSVGElement ? style.fill : style.color);
    const [low, high] = [light(over([r, g, b, alpha * style.opacity], below)), light(below)].sort((u, v) => u - v);
    const ratio = (high + 0.05) / (low + 0.05);
    return ratio < 4.5 ? [`${{ratio.toFixed(2)}} ${{style.color}} ${{name(node)}}`] : [];
  }});
}}"""

FRAMES_OF_FIGURES = """() => [...window.panel.node.querySelectorAll('.jp-RenderedImage img')]
  .map((image) => getComputedStyle(image).borderTopWidth)"""
THEMES_OF_WIDGETS = "() => [...window.panel.node.querySelectorAll('[role=group].gl')].map((root) => root.dataset.theme)"


def settle(lab) -> None:
    """Waits until a new size or theme has reached all widgets."""
    lab.page.evaluate(_FRAMES)


def change_theme(lab, name: str) -> None:
    """JupyterLab's theme "Light" or "Dark", on the page and on all its widgets."""
    lab.page.evaluate(_THEME, f"JupyterLab {name}")
    lab.page.wait_for_function(f"(name) => ({THEMES_OF_WIDGETS})().every((theme) => theme === name)", arg=name.lower())


class Looks:
    """What holds of every lecture, for a ``lecture`` that is open and was run."""

    def test_in_the_dark_texts_can_be_read_and_figures_are_framed(self, lecture):
        faint = lecture.page.evaluate(FAINT)
        assert faint == [], faint
        assert set(lecture.page.evaluate(FRAMES_OF_FIGURES)) == {"0px"}
        try:
            change_theme(lecture, "Dark")
            faint = lecture.page.evaluate(FAINT)
            assert faint == [], faint
            assert set(lecture.page.evaluate(FRAMES_OF_FIGURES)) == {"6px"}
        finally:
            change_theme(lecture, "Light")

    @pytest.mark.parametrize(("width", "zoom"), [(1100, 1.0), (1280, 1.5)])
    def test_a_narrow_window_and_an_enlarged_one_lose_nothing(self, lecture, width, zoom):
        whole = lecture.page.evaluate(OVERLAPS)
        assert len(whole) > 1, "no widgets"
        lecture.page.set_viewport_size({"width": int(width / zoom), "height": 900})  # zoom is fewer pixels of the page
        try:
            settle(lecture)
            out = lecture.page.evaluate(STICKS_OUT)
            assert out == [], out
            assert lecture.page.evaluate(OVERLAPS) == whole, "a control and a picture have met"
        finally:
            lecture.page.set_viewport_size(WIDE)
            settle(lecture)
