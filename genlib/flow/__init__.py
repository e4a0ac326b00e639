"""Normalising flows: bijections whose log-determinants add up."""

from genlib.flow.actnorm import ActNorm
from genlib.flow.base import ClassGaussian, Logistic
from genlib.flow.bijection import Bijection, Compose, Inverse, InverseError
from genlib.flow.conv1x1 import InvertibleConv1x1
from genlib.flow.coupling import AdditiveCoupling, AffineCoupling, Coupling
from genlib.flow.dequantization import VariationalDequantize
from genlib.flow.elementwise import Affine, Flatten, Logit, Permute
from genlib.flow.flow import Flow
from genlib.flow.glow import Glow
from genlib.flow.image import Split, Squeeze
from genlib.flow.masked import IAF, MAF, MaskedAffine
from genlib.flow.masks import alternating, checkerboard, halves, rows
from genlib.flow.nice import NICE
from genlib.flow.planar import Planar
from genlib.flow.realnvp import RealNVP
from genlib.flow.reversible import Reversible
from genlib.flow.spline import SplineCoupling, SplineFlow, rational_quadratic_spline
from genlib.flow.waveglow import WaveGlow
from genlib.noise import StandardNormal
from genlib.quantize import Dequantize

__all__ = [
    "IAF",
    "MAF",
    "NICE",
    "ActNorm",
    "AdditiveCoupling",
    "Affine",
    "AffineCoupling",
    "Bijection",
    "ClassGaussian",
    "Compose",
    "Coupling",
    "Dequantize",
    "Flatten",
    "Flow",
    "Glow",
    "Inverse",
    "InverseError",
    "InvertibleConv1x1",
    "Logistic",
    "Logit",
    "MaskedAffine",
    "Permute",
    "Planar",
    "RealNVP",
    "Reversible",
    "SplineCoupling",
    "SplineFlow",
    "Split",
    "Squeeze",
    "StandardNormal",
    "VariationalDequantize",
    "WaveGlow",
    "alternating",
    "checkerboard",
    "halves",
    "rational_quadratic_spline",
    "rows",
]
