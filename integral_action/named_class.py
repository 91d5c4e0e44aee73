import pkgutil
from typing import Dict


def find_class(name: str, known: Dict[str, type], base: type, what: str):
    """Return a class by a short name, or one of the user's own.

    Args:
        name: a key of ``known``, or ``'module:Class'``.
        known: classes by name.
        base: the class that it must derive from.
        what: what such classes are, for messages.

    Raises:
        ValueError: there is no such class, or it is no subclass of ``base``.

    Example:
        >>> find_class('one', dict(one=int), int, 'number')
        <class 'int'>
    """
    if name in known:
        return known[name]
    if ':' not in name:
        raise ValueError(
            f'unknown {what} {name!r}; there are '
            f'{", ".join(map(repr, known))}, or give your own as '
            f"'module:Class'"
        )
    try:
        found = pkgutil.resolve_name(name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f'{what} {name!r}: {error}') from error
    if not (isinstance(found, type) and issubclass(found, base)):
        package = base.__module__.rpartition('.')[0]  # which exports it
        raise ValueError(
            f'{name!r} is no subclass of {package}.{base.__name__}'
        )
    return found
