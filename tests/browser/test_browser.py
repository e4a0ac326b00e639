"""As a learner walks: JupyterLab in Chromium, Run All, a real drag, typed answers. No request leaves the machine."""

import pytest

FIRST = pytest.mark.parametrize("opened", ["00"], indirect=True)
SECOND = pytest.mark.parametrize("opened", ["01"], indirect=True)


@FIRST
def test_an_unsolved_notebook_runs_from_top_to_bottom(opened):
    opened.assert_ran_unsolved("00")


@FIRST
def test_painting_changes_the_picture_and_what_python_has(opened):
    canvas = opened.widget(".gl-paint canvas")
    before = opened.look(canvas.locator("xpath=.."))
    opened.drag(canvas, (0.1, 0.9), (0.9, 0.9))
    assert opened.look(canvas.locator("xpath=..")) != before
    index = next(i for i, cell in enumerate(opened.cells()) if cell["source"] == "pad.image")
    opened.page.evaluate("async () => { await new Promise(r => setTimeout(r, 300)); }")
    opened.page.evaluate(
        "async (i) => { window.panel.content.activeCellIndex = i;"
        " await window.jupyterapp.commands.execute('notebook:run-cell'); }",
        index,
    )
    text = opened.cells()[index]["outputs"][0]["data"]["text/plain"]
    assert "16, 16, 16, 16, 16, 16, 16" in text, text
    opened.page.evaluate(
        "async () => { const run = (c) => window.jupyterapp.commands.execute(c);"
        " await run('notebook:insert-cell-below');"
        " window.panel.content.activeCell.model.sharedModel.setSource('pad');"
        " await run('notebook:run-cell'); }"
    )
    views = opened.page.locator(".jp-NotebookPanel:visible .gl-paint canvas")
    views.nth(1).wait_for()
    ink = "c => c.getContext('2d').getImageData(4 * 72 + 12, 7 * 72 + 12, 1, 1).data[0]"  # a corner of a painted pixel
    assert (views.nth(0).evaluate(ink), views.nth(1).evaluate(ink)) == (0, 0), "a second view shows another picture"


@FIRST
def test_painting_works_from_the_keyboard(opened):
    canvas = opened.widget(".gl-paint canvas")
    canvas.focus()
    before = opened.look(canvas.locator("xpath=.."))
    for key in ("ArrowRight", "ArrowDown", "+", "+"):
        opened.page.keyboard.press(key)
    after = opened.look(canvas.locator("xpath=.."))
    assert after != before
    assert "row 2, column 2" in after
    focused = opened.page.evaluate("document.activeElement.tagName")
    assert focused == "CANVAS", "JupyterLab took the keys"


@SECOND
def test_dragging_a_slider_makes_the_right_ones_pay(opened):
    widget = opened.widget(".gl-comp")
    slider = widget.locator("input[type=range]").nth(12)  # the shuffled picture, label 1
    slider.scroll_into_view_if_needed()
    before = opened.look(widget)
    opened.drag(slider, (0.1, 0.5), (0.9, 0.5))
    assert opened.look(widget) != before
    words = widget.locator(".say").inner_text()
    assert "of the labels of picture 5, nobody paid" in words, words
    assert "of the other pictures, 1, 2, 3 and 4 paid" in words
    assert "p(x | y = 1): of the other pictures, 1 and 2 paid" in words


@SECOND
def test_the_slider_works_from_the_keyboard(opened):
    widget = opened.widget(".gl-comp")
    slider = widget.locator("input[type=range]").nth(1)  # the first picture, label 7
    slider.focus()
    for _ in range(3):
        opened.page.keyboard.press("ArrowRight")
    assert slider.input_value() == "4"
    assert "of the labels of picture 1, 1 paid" in widget.locator(".say").inner_text()
    widget.get_by_role("button", name="Start again").click()
    assert slider.input_value() == "1"


@SECOND
def test_painting_asks_the_models_again(opened):
    canvas = opened.widget(".gl-paint canvas")
    panels = opened.page.locator(".jp-NotebookPanel:visible .gl-paint .panels")
    before = panels.inner_text()
    assert "naive Bayes" in before
    opened.drag(canvas, (0.05, 0.2), (0.05, 0.9))
    opened.page.wait_for_function(
        "([node, before]) => node.innerText !== before", arg=[panels.element_handle(), before], timeout=10_000
    )
    painted = opened.look(canvas.locator("xpath=.."))
    opened.page.wait_for_timeout(300)
    assert opened.look(canvas.locator("xpath=..")) == painted, "an answer of the kernel undid the painting"


STEPS = {
    "uniform_log_prob": [
        (
            "def uniform_log_prob(dimensions, levels):\n    return dimensions * math.log(levels)",
            "✗",
            "the sign is flipped",
        ),
        ("def uniform_log_prob(dimensions, levels):\n    return -dimensions * math.log2(levels)", "✗", "is in bits"),
        ("def uniform_log_prob(dimensions, levels):\n    while True: pass", "✗", "is there a loop that never ends"),
        ("uniform_log_prob = 3", "✗", "not a function"),
        (
            "def uniform_log_prob(dimensions, levels):\n    return -dimensions * math.log(levels)",
            "✓",
            "all 6 properties hold",
        ),
    ],
    "log_posterior": [
        ("def log_posterior(a, b):\n    return (a + b).softmax(1)", "✗", "these are probabilities"),
        ("def log_posterior(a, b):\n    return (a + b).log_softmax(1)", "✓", "properties hold"),
    ],
}


def walk(lab, name):
    assert lab.verdict(name).startswith("○")
    for answer, mark, words in STEPS[name]:
        lab.type_answer(name, answer)
        line = lab.verdict(name)
        assert line.startswith(mark), line
        assert words in line
        assert "\n" not in line


@FIRST
def test_typing_answers_goes_from_waiting_to_wrong_to_right(opened):
    walk(opened, "uniform_log_prob")


@SECOND
def test_typing_answers_in_the_second_lecture(opened):
    walk(opened, "log_posterior")
