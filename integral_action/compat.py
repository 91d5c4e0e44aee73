"""Upstream's faults, each mended in one place.

A mend steps aside where its fault is not there; admitting classes to be loaded
does no harm where it is not needed. This module is imported before anything of
MMAction2's.
"""

import importlib.metadata
import importlib.util
import inspect
import os
import sys
import types
import warnings
from functools import partial
from pathlib import Path

MMCV_MISSING = (
    'integral_action needs mmcv: run "pip install mmcv-lite==2.1.0" (enough '
    'for everything here), or "mim install mmcv==2.1.0" for the full package '
    'that mmpose and mmdet need. Install only one of them.'
)


def check_mmcv() -> None:
    """Say what to install where mmcv is missing.

    mmcv, mmcv-lite and onedl-mmcv are distributions of one package, so
    setup.cfg cannot require any.

    Raises:
        ImportError: there is no mmcv.
    """
    if importlib.util.find_spec('mmcv') is None:
        raise ImportError(MMCV_MISSING)


def silence_mmcv_lite() -> None:
    """mmcv-lite warns, at every import, of a part that nobody asked for."""
    warnings.filterwarnings(
        'ignore', 'Fail to import ``MultiScaleDeformableAttention``'
    )


def accept_onedl_mmcv() -> None:
    """Let MMAction2 be imported beside onedl-mmcv, the maintained fork.

    mmaction2 1.2.0 refuses any mmcv from 2.2 on. The fork's 2.3 is mmcv 2.1
    with mends, so its number is hidden while MMAction2 looks at it.
    """
    try:
        importlib.metadata.version('onedl-mmcv')
    except importlib.metadata.PackageNotFoundError:
        return
    import mmcv

    version = mmcv.__version__
    try:
        mmcv.__version__ = '2.1.0'
        import mmaction  # noqa: F401
    finally:
        mmcv.__version__ = version


def provide_numpy_inf() -> None:
    """Give numpy 2 its name ``Inf`` back.

    MMAction2 1.2.0 calls infinity by it in ``PoseCompact`` and ``MMCompact``.
    """
    import numpy as np

    if not hasattr(np, 'Inf'):
        np.Inf = np.inf


def provide_drn() -> None:
    """Stand in for ``mmaction.models.localizers.drn``.

    mmaction2 1.2.0 was released without that package, though
    ``mmaction.models`` imports it (mmaction2 issue 2714). The stand-in holds a
    ``DRN`` that cannot be built.
    """
    name = 'mmaction.models.localizers.drn'
    mmaction = importlib.util.find_spec('mmaction')
    if mmaction is None or name in sys.modules:
        return
    # Looked for by path: find_spec(name) would import mmaction.models.
    root = Path(mmaction.submodule_search_locations[0])
    if (root / 'models' / 'localizers' / 'drn').is_dir():
        return

    class DRN:
        def __init__(self, *_, **__) -> None:
            raise ImportError(
                'this release of mmaction2 lacks DRN '
                '(mmaction2 issue 2714); install mmaction2 from '
                'source to use it'
            )

    package, module = types.ModuleType(name), types.ModuleType(f'{name}.drn')
    package.__path__ = []
    module.DRN = DRN
    package.drn = module
    sys.modules[name] = package
    sys.modules[f'{name}.drn'] = module


def allow_checkpoints() -> None:
    """Let ``torch.load(weights_only=True)`` read mmengine's checkpoints.

    Their message hub holds ``HistoryBuffer`` objects, which torch >= 2.6
    refuses by default (mmengine issue 1655), a one-cycle scheduler's state
    its own annealing functions, and MMPose's ``meta.dataset_meta`` arrays of
    colours (uint8) and sigmas (float32). Just what these consist of is
    admitted: the classes, arrays of numbers, and, of the builtin ``getattr``,
    a version that answers for their named methods alone.
    """
    import numpy as np
    import torch
    from mmengine.logging.history_buffer import HistoryBuffer
    from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
    from numpy.core.multiarray import _reconstruct, scalar

    methods = {
        HistoryBuffer: ('min', 'max', 'mean', 'current'),
        OneCycleParamScheduler: ('_annealing_cos', '_annealing_linear'),
    }

    def named_method(owner, name):
        """``getattr`` for the methods that a checkpoint may name."""
        if name in methods.get(owner, ()):
            return getattr(owner, name)
        raise AttributeError(
            f'a checkpoint asked for {owner}.{name}, which is not admitted'
        )

    dtypes = {
        type(np.dtype(kind)) for kind in f'?{np.typecodes["AllInteger"]}efd'
    }
    torch.serialization.add_safe_globals(
        [
            *methods,
            np.ndarray,
            np.dtype,
            *dtypes,
            (_reconstruct, 'numpy.core.multiarray._reconstruct'),
            (_reconstruct, 'numpy._core.multiarray._reconstruct'),
            (scalar, 'numpy.core.multiarray.scalar'),
            (scalar, 'numpy._core.multiarray.scalar'),
            (named_method, 'builtins.getattr'),
        ]
    )


def load_urls_safely() -> None:
    """Make mmengine load a checkpoint from a URL as it loads one from a file.

    mmengine 0.10.7 hands URLs to a ``load_url`` whose default is
    ``weights_only=False``, so that a downloaded checkpoint could run code.
    """
    from mmengine.runner import checkpoint

    options = inspect.signature(checkpoint.load_url).parameters
    if 'weights_only' in options and not options['weights_only'].default:
        checkpoint.load_url = partial(checkpoint.load_url, weights_only=True)


def silence_onnxruntime() -> None:
    """Turn off what ONNX Runtime tells its maker, before it is imported.

    1.32 writes a device id and a queue of events into the home folder when it
    is imported on Linux. The other name is that of later versions.
    """
    for name in ('ORT_DISABLE_TELEMETRY', 'ORT_TELEMETRY_DISABLED'):
        os.environ.setdefault(name, '1')


check_mmcv()
silence_onnxruntime()
silence_mmcv_lite()
accept_onedl_mmcv()
provide_numpy_inf()
provide_drn()
allow_checkpoints()
load_urls_safely()
