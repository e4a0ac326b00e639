"""Plain values: what an answer can't fake, and what bytes can't smuggle in."""

import json
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from genlib.course.exercise import Exercise
from genlib.course.exercise.plain import BYTES, Other, PlainError, pack, plain, unpack
from genlib.course.given.lecture_05 import Cubic, Net, standard_normal


class Anything(float):
    """A float that equals anything, and is near it."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __sub__(self, other):
        return 0.0

    __rsub__ = __le__ = __lt__ = __ge__ = __gt__ = __eq__
    __hash__ = float.__hash__

    def __float__(self):
        return 0.5


class AnyFraction(Fraction):
    def __float__(self):
        return 0.5

    __eq__ = __lt__ = __le__ = lambda self, other: True
    __hash__ = Fraction.__hash__


class AnyInt(int):
    def __eq__(self, other):
        return True

    def __abs__(self):
        return 0

    __hash__ = int.__hash__


class AnyText(str):
    def __eq__(self, other):
        return True

    def strip(self, *_):
        return self

    def lower(self):
        return self

    __hash__ = str.__hash__


class AnyTensor(Tensor):
    """A tensor that agrees with every other, and lies when it is asked for its number."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function in (torch.equal, torch.allclose, Tensor.item):
            return True
        return super().__torch_function__(function, types, args, kwargs or {})

    def item(self):
        return 0.5

    def double(self):
        return torch.full(self.shape, 0.5, dtype=torch.float64)

    def __eq__(self, other):
        return torch.ones(self.shape, dtype=torch.bool)


class AnyArray(np.ndarray):
    def __array_ufunc__(self, *_, **__):
        return np.array(True)

    def __array__(self, *_, **__):
        return np.array(0.5)


LIARS = {
    "a float": (Anything(3), 3.0),
    "an int": (AnyInt(3), 3),
    "a text": (AnyText("wrong"), "wrong"),
    "a tensor": (torch.tensor(3.0).as_subclass(AnyTensor), torch.tensor(3.0)),
    "an array": (np.array(3.0).view(AnyArray), torch.tensor(3.0, dtype=torch.float64)),
    "a pair": ((Anything(3), [AnyInt(4)]), (3.0, [4])),
    "a parameter": (torch.nn.Parameter(torch.tensor([3.0])), torch.tensor([3.0])),
}


@pytest.mark.parametrize("what", LIARS)
def test_a_value_that_equals_anything_becomes_the_number_it_is(what):
    value, right = LIARS[what]
    found = plain(value)
    assert type(found) is type(right)
    assert type(found) is not Tensor or (found.dtype == right.dtype and not found.requires_grad)
    assert json.dumps(repr(found)) == json.dumps(repr(right))


@pytest.mark.parametrize("what", [w for w in LIARS if "pair" not in w])
def test_check_is_not_fooled_by_it(what):
    right = "right" if what == "a text" else 5 if what == "an int" else 0.5
    exercise = Exercise("9.1", "number", reference=lambda: right)
    assert exercise.check(lambda: right).mark == "✓"
    assert exercise.check(lambda: LIARS[what][0]).mark == "✗"


def test_a_subclass_is_as_good_as_its_numbers():
    exercise = Exercise("9.1", "number", reference=lambda x: 2 * x, inputs=lambda g: (torch.rand(3, generator=g),))

    assert exercise.check(lambda x: x.as_subclass(AnyTensor)).mark == "✗"
    assert exercise.check(lambda x: (2 * x).as_subclass(AnyTensor)).mark == "✓"


VALUES = [
    None, True, -17, 16**64, 2.5, math.inf, 1e-320, 1 + 2j, "ü ✓ \n", "", (), [1, (2.0, None)], Other("a dict"),
    torch.arange(6).reshape(2, 3).T, torch.tensor(1.5), torch.tensor([True, False]), torch.empty(0, 3),
    torch.tensor([1 + 1j]).conj(), torch.ones(2, dtype=torch.bfloat16), torch.tensor([math.nan, -math.inf]),
    torch.ones(3).expand(2, 3), torch.tensor(3, dtype=torch.uint8),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_there_and_back(value):
    back = unpack(pack(value))
    assert type(back) is type(value)
    if isinstance(value, Tensor):
        assert (back.dtype, back.shape) == (value.dtype, value.shape)
        assert torch.equal(back.nan_to_num(), value.nan_to_num())
    else:
        assert back == value
    assert math.isnan(unpack(pack(math.nan)))


class Trap:
    """Raises whatever is done with it."""

    def __getattribute__(self, name):
        raise SystemError(name)


OTHERS = {
    "a dict": {1: 2},
    "a set": {1},
    "a builtin_function_or_method": print,
    "a Trap": Trap(),
    "a tensor (torch.sparse_coo, on cpu) of shape (3, 3)": torch.eye(3).to_sparse(),
    "a tensor (torch.strided, on meta) of shape (2,)": torch.ones(2, device="meta"),
    "a tensor of shape (1073741824,)": torch.ones(1).expand(2**30),
    "an int that is far too large": 2 ** (2**21),
    "a ndarray": np.array(["x"]),
    "a list_iterator": iter([1]),
}


@pytest.mark.parametrize("what", OTHERS)
def test_whatever_else_there_is_is_named_and_not_touched(what):
    assert plain(OTHERS[what]) == Other(what)


def test_nothing_endless_is_followed():
    endless = []
    endless.append(endless)
    assert "more values" in str(plain(endless))
    assert "more values" in str(plain([0] * 300_000))
    assert len(plain("x" * 10_000)) == 2000
    plain("\ud800").encode()


def test_what_the_course_gives_an_answer_is_made_anew_by_name():
    net, cubic = Net(torch.ones(2, 3), torch.zeros(2)), Cubic(-0.5)
    x = torch.rand(4)
    again, f, density = unpack(pack((net, cubic.f, standard_normal)), ours=True)
    assert torch.equal(again(torch.ones(1, 3)), net(torch.ones(1, 3)))
    assert torch.equal(f(x), cubic.f(x))
    assert density is standard_normal
    for strange in (lambda x: x, print, torch.nn.Linear(1, 1), Exercise, Exercise.check):
        with pytest.raises(PlainError):
            pack(strange)


GIVEN = pack(Cubic(1.0))
HEADERS = {
    "a name of ours": GIVEN,
    "nothing": b"",
    "no JSON": (5).to_bytes(8, "big") + b"abcde",
    "an end too early": (99).to_bytes(8, "big") + b"[]",
    "an unknown kind": ["pickle", "x"],
    "a method of the reader": ["value", ["text", "x"], 0],
    "an attribute of the reader": ["_init__", 1],
    "too few arguments": ["float"],
    "too many": ["float", "0x1p0", 3],
    "a number that is none": ["int", "zz"],
    "a long text": ["text", "x" * 3000],
    "a text that is none": ["text", [1]],
    "a tensor without bytes": ["tensor", "float32", [2]],
    "a tensor of negative size": ["tensor", "float32", [-1]],
    "a tensor of a strange type": ["tensor", "load", [0]],
    "a tensor that is too large": ["tensor", "uint8", [BYTES + 1]],
    "a shape of floats": ["tensor", "uint8", [0.0]],
    "deep nesting": json.loads("[\"list\", [" * 40 + "]]" * 40),
    "a string": "text",
    "a number": 3,
}  # fmt: skip


@pytest.mark.parametrize("what", HEADERS)
def test_bytes_that_are_no_plain_value_are_refused(what):
    data = HEADERS[what]
    if not isinstance(data, bytes):
        header = json.dumps(data).encode()
        data = len(header).to_bytes(8, "big") + header
    with pytest.raises(PlainError):
        unpack(data)
    with pytest.raises(PlainError):
        unpack(pack(torch.ones(2)) + b"more")


def test_fractions_and_decimals_are_numbers_by_what_they_hold():
    lying = Fraction(1, 4)
    lying._numerator = Anything(3.0)
    found = plain((Fraction(3, 4), Decimal("0.75"), AnyFraction(3, 4), lying))
    assert found[:3] == (0.75, 0.75, 0.75)
    assert all(type(value) is float for value in found[:3])
    assert type(found[3]) is Other
