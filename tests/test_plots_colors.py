"""The palette for readers who see fewer colors, and for paper without color.

colorspacious simulates color-vision deficiency after Machado, Oliveira and Fernandes
(2009) and measures distances in CAM02-UCS, where a difference of 1 can just be seen.
"""

import warnings

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from emgmm.plots import COLORS, UNKNOWN

with warnings.catch_warnings():
    # Where Python compiles it for the first time, it warns of an escape in a docstring.
    warnings.simplefilter("ignore")
    from colorspacious import cspace_convert, deltaE

# The first two groups carry the course; more groups also differ in shape.
PAIR = np.array([to_rgb(c) for c in COLORS[:2]])
ALL = np.array([to_rgb(c) for c in COLORS])
KINDS = ("protanomaly", "deuteranomaly", "tritanomaly")


def seen(colors, kind):
    """The colors as a reader sees them who lacks one kind of cone."""
    space = {"name": "sRGB1+CVD", "cvd_type": kind, "severity": 100}
    return np.clip(cspace_convert(colors, space, "sRGB1"), 0, 1)


def closest(colors):
    """The smallest difference between two of the colors."""
    pairs = [(a, b) for i, a in enumerate(colors) for b in colors[:i]]
    return min(deltaE(a, b, input_space="sRGB1") for a, b in pairs)


@pytest.mark.parametrize("kind", KINDS)
def test_groups_differ_for_readers_who_see_fewer_colors(kind):
    assert closest(seen(PAIR, kind)) > 40
    assert closest(seen(ALL, kind)) > 10


def test_groups_differ_from_points_without_a_label():
    for kind in KINDS:
        both = np.vstack([PAIR, to_rgb(UNKNOWN)])
        assert closest(seen(both, kind)) > 15


def lightness(colors):
    return cspace_convert(colors, "sRGB1", "CIELab")[..., 0]


def test_groups_differ_in_gray():
    first, second = lightness(PAIR)
    assert abs(first - second) > 5


def test_red_and_green_of_equal_lightness_are_found():
    red_and_green = np.array([[0.8, 0.25, 0.2], [0.45, 0.5, 0.1]])
    assert closest(red_and_green) > 30
    assert closest(seen(red_and_green, "deuteranomaly")) < 10
