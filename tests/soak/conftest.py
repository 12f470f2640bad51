"""Tests that take as long as they are given: make soak."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'keep'))


def pytest_addoption(parser):
    parser.addoption('--minutes', type=float, default=5, help='for each test, about')
