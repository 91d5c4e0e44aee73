"""Models that come with the package; ``README.md`` beside them is their card.

Example::

    from integral_action.apis import IntegralActionInferencer
    from integral_action.zoo import find_model

    inferencer = IntegralActionInferencer(find_model('jhmdb21'))
"""

from pathlib import Path
from typing import Dict

FOLDER = Path(__file__).parent


def list_models() -> Dict[str, Path]:
    """Return the file of each model by its name."""
    # NAME-xxxxxxxx.pth, as publish_model.py writes it
    return {
        path.stem.rpartition('-')[0]: path
        for path in sorted(FOLDER.glob('*-????????.pth'))
    }


def find_model(name: str) -> Path:
    """Return the file of a model.

    Raises:
        ValueError: there is no model of that name; the message lists them.
    """
    models = list_models()
    if name not in models:
        raise ValueError(
            f'the package has no model {name!r}; it has '
            f'{", ".join(models) or "none"}. A file of your own is given by '
            f'--checkpoint FILE'
        )
    return models[name]
