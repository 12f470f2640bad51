"""Where the sources, the programs under test and the corpus of foreign images are.

KEEPGATE_BUILD   folder with the programs under test ("build" otherwise, below the source)
KEEPGATE_CORPUS  folder with data that other programs encrypted ("../shared/corpus" otherwise)
"""
import os
import pathlib

SOURCE = pathlib.Path(__file__).resolve().parent.parent
BUILD = (SOURCE / os.environ.get('KEEPGATE_BUILD', 'build')).resolve()
CORPUS = pathlib.Path(os.environ.get('KEEPGATE_CORPUS', SOURCE.parent / 'shared' / 'corpus'))
