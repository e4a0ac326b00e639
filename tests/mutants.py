"""Takes the reference of each exercise apart: every answer that is almost right has to be refused.

A mutant is the reference with one thing changed: a sign, a factor, sum for mean, another axis, an index off by one, a
clamp or an epsilon, ``exp().log()`` where it underflows, a gradient cut, a constant for all inputs, … Each is refused
by the exercise's check, or listed as equal in tests/lectures/equal_NN.toml with the reason why it can't be told apart::

    [gaussian_kl]
    "line 1: mu**2 -> mu*mu" = "the square written as a product"

``python -m tests.mutants 03`` prints what passes, and how many were killed.
"""

import ast
import copy
import inspect
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

EQUAL = Path(__file__).parent / "lectures"

_BINARY: dict[type, list[type]] = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.Mult],
}
_COMPARE: dict[type, list[type]] = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}
_NAMES = {
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "min": "max",
    "amax": "amin",
    "amin": "amax",
    "argmax": "argmin",
    "argmin": "argmax",
    "maximum": "minimum",
    "minimum": "maximum",
    "cumsum": "cumprod",
    "cumprod": "cumsum",
    "ceil": "floor",
    "floor": "ceil",
    "var": "std",
    "std": "var",
    "tril": "triu",
    "triu": "tril",
    "log2": "log",
    "zeros": "ones",
    "ones": "zeros",
    "zeros_like": "ones_like",
    "ones_like": "zeros_like",
    "log_softmax": "softmax",
    "softmax": "log_softmax",
    "softplus": "relu",
    "sigmoid": "tanh",
    "sort": "msort",
}
# Methods and functions of one argument that may be left out: x.abs() -> x, torch.abs(x) -> x.
_LEFT_OUT = {
    "abs",
    "log",
    "exp",
    "sqrt",
    "square",
    "clamp",
    "clamp_min",
    "detach",
    "flip",
    "sigmoid",
    "tanh",
    "softmax",
    "round",
    "floor",
    "ceil",
    "cumsum",
    "neg",
    "t",
    "transpose",
    "relu",
    "sign",
    "contiguous",
    "unsqueeze",
    "squeeze",
    "tril",
    "triu",
}


@dataclass
class Mutant:
    """A changed reference: what was changed, and the function."""

    what: str
    answer: Callable


def mutants(reference: Callable, example: object = None, *, trains: bool = True) -> list[Mutant]:
    """All mutants of a reference. example: its value on one input, for those that return a constant; trains: whether
    gradients flow through it."""
    tree = _tree(reference)
    found: dict[str, Mutant] = {}
    before = ast.unparse(tree)
    for what, changed in _changed_trees(tree):
        text = ast.unparse(ast.fix_missing_locations(changed))
        if text != before and text not in found:
            found[text] = Mutant(what, _compiled(changed, reference))
    wrapped = [] if inspect.isclass(reference) else _wrapped(reference, example, trains)
    return list(found.values()) + wrapped


def _tree(reference: Callable) -> ast.Module:
    source = textwrap.dedent(inspect.getsource(reference))
    if not source.startswith(("def ", "class ", "@")):  # a lambda in a table
        raise ValueError(f"the reference {reference} is no named function: mutants need its source")
    tree = ast.parse(source)
    node = tree.body[0]
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        node.decorator_list = []
    return tree


def _compiled(tree: ast.Module, reference: Callable) -> Callable:
    namespace = dict(vars(sys.modules[reference.__module__]))
    exec(compile(tree, f"<mutant of {reference.__name__}>", "exec"), namespace)
    return namespace[reference.__name__]


# One place changed at a time ------------------------------------------------------------------------------------------


def _changed_trees(tree: ast.Module) -> Iterator[tuple[str, ast.Module]]:
    """(what was changed, the whole tree with that change)."""
    for index, node in enumerate(ast.walk(tree)):
        for replacement in _replacements(node):
            other = copy.deepcopy(tree)
            target = next(n for i, n in enumerate(ast.walk(other)) if i == index)
            changed = _Swap(target, replacement).visit(other)
            line = getattr(node, "lineno", 1) - 1
            after = "nothing" if replacement is None else ast.unparse(ast.fix_missing_locations(replacement))
            yield f"line {line}: {_short(ast.unparse(node))} -> {_short(after)}", changed


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 70 else text[:67] + "..."


class _Swap(ast.NodeTransformer):
    """Puts one node in the place of another."""

    def __init__(self, target: ast.AST, replacement: ast.AST | None):
        self.target, self.replacement = target, replacement

    def visit(self, node: ast.AST):
        if node is self.target:
            return self.replacement if self.replacement is not None else ast.Pass()
        return super().visit(node)


def _replacements(node: ast.AST) -> Iterator[ast.AST | None]:
    """What may stand in the place of a node."""
    match node:
        case ast.BinOp():
            yield from _of_binary(node)
        case ast.UnaryOp(op=ast.USub()) if not isinstance(node.operand, ast.Constant):
            yield node.operand
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            yield from (ast.Constant(v) for v in _other_numbers(-value))
        case ast.Compare(ops=[op]):
            for other in _COMPARE.get(type(op), []):
                yield ast.Compare(node.left, [other()], node.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=str() as letter) if len(letter) == 1 and letter.isalpha():
            yield from (ast.Constant(chr(ord(letter) + step)) for step in (-1, 1))  # the answer beside the right one
        case ast.Constant(value=int() | float() as value):
            yield from (ast.Constant(v) for v in _other_numbers(value))
        case ast.Call():
            yield from _of_call(node)
        case ast.Subscript(slice=ast.Slice() as cut):
            yield from (ast.Subscript(node.value, other, node.ctx) for other in _of_slice(cut))
            if isinstance(node.ctx, ast.Load):
                yield node.value
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.If():
            yield ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        case ast.AugAssign() if type(node.op) in _BINARY:
            for other in _BINARY[type(node.op)]:
                yield ast.AugAssign(node.target, other(), node.value)
            yield None
        case ast.Expr(value=ast.Call()):
            yield None  # a statement that is forgotten
        case ast.Attribute(attr=name, ctx=ast.Load()) if name in ("T", "mT"):
            yield node.value


def _of_binary(node: ast.BinOp) -> Iterator[ast.AST]:
    for other in _BINARY.get(type(node.op), []):
        yield ast.BinOp(node.left, other(), node.right)
    if isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        yield node.left  # a term or a factor is forgotten
        if isinstance(node.op, ast.Add | ast.Mult):
            yield node.right
    if isinstance(node.op, ast.Sub | ast.Div | ast.MatMult):
        yield ast.BinOp(node.right, node.op, node.left)
    if isinstance(node.op, ast.Pow):
        yield node.left


def _other_numbers(value: float) -> list[float]:
    if isinstance(value, int):
        return {0: [1, -1], 1: [0, 2], -1: [0, 1, -2], 2: [1, 3]}.get(value, [value + 1, value - 1])
    return [value * 2, value / 2] if value else [1.0, 1e-3]


def _of_call(node: ast.Call) -> Iterator[ast.AST]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    method = isinstance(node.func, ast.Attribute) and not _is_module(node.func.value)
    if name in _NAMES:
        func = copy.deepcopy(node.func)
        if isinstance(func, ast.Attribute):
            func.attr = _NAMES[name]
            yield ast.Call(func, node.args, node.keywords)
        elif name in ("sum", "max", "min"):
            yield ast.Call(ast.Name(_NAMES[name] if name != "sum" else "max", ast.Load()), node.args, node.keywords)
    if name in _LEFT_OUT:
        inner = node.func.value if method else (node.args[0] if node.args else None)
        if inner is not None:
            yield inner
    if name == "log" and method:  # what people write against log 0
        yield _method(ast.BinOp(node.func.value, ast.Add(), ast.Constant(1e-6)), "log")
    if name == "logsumexp":
        inner, rest = (node.func.value, node.args) if method else (node.args[0], node.args[1:])
        summed = ast.Call(ast.Attribute(_method(inner, "exp"), "sum", ast.Load()), rest, node.keywords)
        yield _method(summed, "log")
    if name == "log_softmax":
        inner, rest = (node.func.value, node.args) if method else (node.args[0], node.args[1:])
        soft = ast.Call(ast.Attribute(inner, "softmax", ast.Load()), rest, node.keywords)
        yield _method(soft, "log")
    if name == "range" and len(node.args) == 1:
        yield ast.Call(node.func, [ast.Constant(1), *node.args], [])
        yield ast.Call(node.func, [ast.BinOp(node.args[0], ast.Sub(), ast.Constant(1))], [])
    if len(node.args) == 2 and not any(isinstance(a, ast.Starred) for a in node.args):
        yield ast.Call(node.func, node.args[::-1], node.keywords)
    for i, _keyword in enumerate(node.keywords):
        yield ast.Call(node.func, node.args, node.keywords[:i] + node.keywords[i + 1 :])


def _method(value: ast.expr, name: str) -> ast.Call:
    return ast.Call(ast.Attribute(value, name, ast.Load()), [], [])


def _is_module(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id in ("torch", "F", "math", "nn", "np")) or (
        isinstance(node, ast.Attribute) and _is_module(node.value)
    )


def _of_slice(cut: ast.Slice) -> Iterator[ast.Slice]:
    for side in ("lower", "upper"):
        bound = getattr(cut, side)
        if bound is not None:
            for step in (ast.Add(), ast.Sub()):
                other = copy.deepcopy(cut)
                setattr(other, side, ast.BinOp(bound, step, ast.Constant(1)))
                yield other


# The whole answer wrapped ---------------------------------------------------------------------------------------------


def _wrapped(reference: Callable, example: object, trains: bool) -> list[Mutant]:
    """What can be done to the value of a right answer."""

    def after(change: Callable) -> Callable:
        def answer(*arguments):
            value = reference(*arguments)
            if isinstance(value, tuple | list):
                return type(value)([change(value[0]), *value[1:]])
            return change(value)

        return answer

    def cut(*arguments):
        with torch.no_grad():
            return reference(*arguments)

    ways = {
        "the value in float32": lambda v: v.float() if isinstance(v, torch.Tensor) and v.is_floating_point() else v,
        "the absolute value": lambda v: abs(v) if _is_number(v) else v,
        "minus the value": lambda v: -v if _is_number(v) else v,
        "clamped to 5 from above": lambda v: v.clamp(max=5) if _is_real(v) else min(v, 5) if _is_number(v) else v,
        "clamped to -5 from below": lambda v: v.clamp(min=-5) if _is_real(v) else max(v, -5) if _is_number(v) else v,
        "an epsilon added": lambda v: v + 1e-3 if _is_real(v) or isinstance(v, float) else v,
        "only the first of the batch": lambda v: v[:1].expand_as(v) if isinstance(v, torch.Tensor) and v.dim() else v,
        "the batch reversed": lambda v: v.flip(0) if isinstance(v, torch.Tensor) and v.dim() else v,
        "an axis more": lambda v: v[None] if isinstance(v, torch.Tensor) else v,
    }
    made = [Mutant(what, after(change)) for what, change in ways.items() if _changes(example, change)]
    if trains:
        made.append(Mutant("under no_grad", cut))
    if inspect.signature(reference).parameters:
        made.append(Mutant("one constant for all inputs", lambda *arguments: copy.deepcopy(example)))
    return made


def _is_real(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | torch.Tensor) and not isinstance(value, bool)


def _changes(example: object, change: Callable) -> bool:
    """Whether a change is one at all for values of this kind."""
    first = example[0] if isinstance(example, tuple | list) and example else example
    try:
        return change(first) is not first
    except (TypeError, RuntimeError):
        return False


# Killed or not --------------------------------------------------------------------------------------------------------


def equal(lecture: str) -> dict[str, dict[str, str]]:
    """{exercise: {mutant: why it is equal}} of a lecture."""
    path = EQUAL / f"equal_{lecture}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _trains(reference: Callable, inputs: tuple) -> bool:
    """Whether gradients flow from a value of the answer to floating inputs."""
    leaves = [
        a.detach().clone().requires_grad_() if isinstance(a, torch.Tensor) and a.is_floating_point() else a
        for a in copy.deepcopy(inputs)
    ]
    try:
        value = reference(*leaves)
    except Exception:
        return False
    values = value if isinstance(value, tuple | list) else [value]
    return any(isinstance(v, torch.Tensor) and v.requires_grad for v in values)


def survivors(exercise) -> tuple[list[str], int]:
    """The mutants of an exercise's reference that its check lets pass, and how many mutants there are."""
    inputs = exercise.example()
    try:
        torch.manual_seed(0)
        value = exercise.reference(*copy.deepcopy(inputs))
    except Exception:
        value = None
    made = mutants(exercise.reference, value, trains=_trains(exercise.reference, inputs))
    return [m.what for m in made if exercise.check(m.answer).mark == "✓"], len(made)


def main(lectures: list[str]) -> None:
    from genlib.course import exercises

    for lecture in lectures:
        known, total, alive = equal(lecture), 0, 0
        for exercise in exercises.of_lecture(lecture):
            passed, count = survivors(exercise)
            listed = known.get(exercise.name, {})
            new = [what for what in passed if what not in listed]
            total, alive = total + count, alive + len(new)
            said = f"{count} mutants, {len(passed)} pass, {len(passed) - len(new)} listed"
            print(f"{exercise.number} {exercise.name}: {said}")
            for what in new:
                print(f"    {what}")
        print(f"lecture {lecture}: {total} mutants, {alive} pass and are not listed")


if __name__ == "__main__":
    main(sys.argv[1:])
