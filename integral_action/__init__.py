"""IntegralAction: action recognition that is not fooled by context.

Importing the package registers every component in MMAction2's registries::

    custom_imports = dict(imports=['integral_action'])
"""

from . import compat  # isort: skip  # mends upstream before it is imported
from . import (
    apis,
    datasets,
    engine,
    evaluation,
    models,
    out_of_context,
    robust,
)
from .version import __version__

__all__ = [
    '__version__',
    'apis',
    'compat',
    'datasets',
    'engine',
    'evaluation',
    'models',
    'out_of_context',
    'robust',
]
