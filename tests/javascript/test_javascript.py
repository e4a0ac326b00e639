"""The widgets' JavaScript: linted, formatted, and its mathematics tested with node's own runner.

A missing node or npm fails; it never skips. eslint and prettier come from npm, in the versions of package-lock.json.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from genlib.course import npm
from genlib.lectures import ROOT
from genlib.widgets.drawing import FOLDER, bundle, module

HERE = Path(__file__).parent
LAB = ROOT / "genlib" / "course" / "jupyter"  # what `make lab` adds to JupyterLab
DECK = ROOT / "slides" / "template"  # what a deck's page runs
TOOLS = ROOT / "build" / "javascript"
WIDGETS = sorted(path.parent.name for path in FOLDER.glob("*/draw.js"))


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    program = shutil.which(str(command[0]))
    assert program, f"{command[0]} is missing: install Node.js 20 or newer, with npm"
    return subprocess.run(
        [program, *map(str, command[1:])], cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=300
    )


@pytest.fixture(scope="module")
def tools() -> Path:
    """Where eslint and prettier are."""
    return npm.install(HERE, TOOLS)


def test_the_linter_finds_nothing(tools):
    folders = (FOLDER, LAB, HERE, DECK)
    done = run("node", tools / "eslint/bin/eslint.js", "--config", HERE / "eslint.config.js", *folders)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_formatter_would_change_nothing(tools):
    files = [*FOLDER.rglob("*.js"), *LAB.rglob("*.js"), *HERE.glob("*.js")]
    done = run("node", tools / "prettier/bin/prettier.cjs", "--config", HERE / "prettier.json", "--check", *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_linter_refuses_what_it_must(tools, tmp_path):
    """Markup made of strings, an unused name, a line too long, a function too long, code made of strings."""
    faults = {
        "no-restricted-properties": "document.body.innerHTML = '';",
        "no-unused-vars": "const unused = 1;",
        "max-len": f"// {'x' * 120}",
        "max-lines-per-function": "export function f() {\n" + "  atob('');\n" * 61 + "}",
        "no-eval": "eval('1');",
    }
    folder = tmp_path / "genlib" / "widgets"
    folder.mkdir(parents=True)
    (folder / "bad.js").write_text("\n".join(faults.values()), encoding="utf-8")
    config = HERE / "eslint.config.js"
    done = run("node", tools / "eslint/bin/eslint.js", "--config", config, "genlib/widgets", cwd=tmp_path)
    for rule in faults:
        assert rule in done.stdout, f"{rule} is not enforced:\n{done.stdout}{done.stderr}"


MARKUP = {
    "node.innerHTML = name;": "no-restricted-properties",
    "node.outerHTML = name;": "no-restricted-properties",
    "node.insertAdjacentHTML('beforeend', name);": "no-restricted-properties",
    "document.writeln(name);": "no-restricted-properties",
    "node.srcdoc = name;": "no-restricted-properties",
    "node.setHTMLUnsafe(name);": "no-restricted-properties",
    "new DOMParser().parseFromString(name, 'text/html');": "no-restricted-properties",
    "document.createRange().createContextualFragment(name);": "no-restricted-properties",
    "const { innerHTML } = node;": "no-restricted-properties",
    "node.setAttribute('onclick', name);": "no-restricted-syntax",
    "node.setAttribute('srcdoc', name);": "no-restricted-syntax",
    "import(name);": "no-restricted-syntax",
    "eval(name);": "no-eval",
    "window.eval(name);": "no-eval",
    "setTimeout('f()', 1);": "no-implied-eval",
    "Function(name);": "no-new-func",
    "new Function(name);": "no-new-func",
    "location = 'javascript:f()';": "no-script-url",
}


def test_markup_and_code_made_of_strings_are_refused_in_widgets_and_slides(tools, tmp_path):
    for folder in ("genlib/widgets", "slides/template"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "bad.js").write_text("\n".join(MARKUP) + "\n", encoding="utf-8")
        config = HERE / "eslint.config.js"
        done = run("node", tools / "eslint/bin/eslint.js", "--config", config, "--format", "json", folder, cwd=tmp_path)
        (told,) = json.loads(done.stdout)
        found = {(message["line"], message["ruleId"]) for message in told["messages"]}
        for line, (code, rule) in enumerate(MARKUP.items(), 1):
            assert (line, rule) in found, f"{code} in {folder} is not refused"


def test_the_mathematics():
    tests = sorted(HERE.glob("*.test.js"))
    assert tests
    done = run("node", "--test", *tests)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


# One module of many files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widgets_module_is_whole_and_parses(name, tmp_path):
    text = module(name)
    assert "export function draw(element, state)" in text
    assert not any(line.startswith("import ") for line in text.splitlines())
    path = tmp_path / "module.mjs"
    path.write_text(text, encoding="utf-8")
    done = run("node", "--check", path)
    assert done.returncode == 0, done.stderr


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder / "draw.js"


def test_each_file_comes_once_and_before_who_needs_it(tmp_path):
    path = write(
        tmp_path,
        kit="export const kit = 1;\n",
        part='import { kit } from "./kit.js";\nexport function part() {\n  return kit;\n}\n',
        draw='import {\n  kit,\n} from "./kit.js";\nimport { part } from "./part.js";\nexport const d = part(kit);\n',
    )
    text = bundle(path)
    assert text == ("const kit = 1;\n\nfunction part() {\n  return kit;\n}\n\nexport const d = part(kit);\n"), (
        "draw keeps its export, the others don't"
    )


@pytest.mark.parametrize(
    ("kit", "draw", "said"),
    [
        (
            "export const a = 1;\n",
            'import { a } from "./kit.js";\nfunction a() {}\n',
            "kit.js and draw.js both",
        ),
        ("let hidden = 1;\n", 'import { a } from "./kit.js";\nclass hidden {}\n', "both declare hidden"),
        ("export const a = 1;\n", 'import { a as b } from "./kit.js";\n', "renames what it imports"),
        ("export default 1;\n", 'import { a } from "./kit.js";\n', "kit.js: 'export default 1;' can't be bundled"),
        ("", 'import * as kit from "./kit.js";\n', "can't be bundled"),
        ("", 'import { a } from "far-away";\n', "can't be bundled"),
        ("", "const { a } = { a: 1 };\n", "can't be bundled"),
    ],
)
def test_what_would_go_wrong_in_one_text_is_refused(tmp_path, kit, draw, said):
    with pytest.raises(ValueError, match=said.replace("*", r"\*")):
        bundle(write(tmp_path, kit=kit, draw=draw))
