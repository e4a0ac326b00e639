"""Data: embedded, offline and known to the last factor; and the two classics, fetched once and verified.

digits: real, 8x8. glyphs: drawn, 28x28; numerals: the digits of them, 16x16. shapes: drawn, in colour, with captions.
toy: densities in the plane. text: sentences with a known entropy, and English. tones, vowels: short sounds. mnist,
fashion_mnist: the real ones, in full size. read_shapes and judge_caption take pictures of shapes back to words.
"""

from genlib.data.dataset import Dataset
from genlib.data.digits import digits
from genlib.data.glyphs import glyphs, numerals
from genlib.data.grammar import GRAMMAR, Grammar
from genlib.data.mnist import fashion_mnist, mnist
from genlib.data.reading import judge_caption, read_shapes
from genlib.data.shapes import shapes
from genlib.data.text import text
from genlib.data.tones import tones
from genlib.data.toy import toy
from genlib.data.vowels import vowels

__all__ = [
    "GRAMMAR",
    "Dataset",
    "Grammar",
    "digits",
    "fashion_mnist",
    "glyphs",
    "judge_caption",
    "mnist",
    "numerals",
    "read_shapes",
    "shapes",
    "text",
    "tones",
    "toy",
    "vowels",
]
