"""How far an exported model is from the model it was made of."""

from pathlib import Path
from typing import Callable, Dict, Iterator, List, Sequence

import torch
from mmaction.registry import DATASETS
from mmaction.structures import ActionDataSample
from torch import Tensor

from integral_action.models.recognizers import TwoStreamRecognizer

from .deployable_recognizer import DeployableRecognizer

BATCH_SIZES = (1, 3, 8)
TOLERANCES = dict(fp32=1e-4, fp16=2e-2)  # of scores and gates
Arrays = Dict[str, Tensor]


def predict(model: TwoStreamRecognizer, inputs: Arrays) -> List[Tensor]:
    """Return the predictions of the model itself, by its own preprocessor.

    Args:
        model: as ``load_model`` builds it.
        inputs: of :class:`DeployableRecognizer`.

    Returns:
        ``scores`` [N, num_classes], and ``gate`` [N, clips, T] if there is
        one.
    """
    number = len(next(iter(inputs.values())))
    batch = dict(
        inputs={name: list(value) for name, value in inputs.items()},
        data_samples=[ActionDataSample() for _ in range(number)],
    )
    with torch.no_grad():
        samples = model.test_step(batch)
    keys = ['pred_score'] + ['gate'] * ('gate' in samples[0])
    return [
        torch.stack([sample.get(key) for sample in samples]) for key in keys
    ]


def largest_differences(
    model: TwoStreamRecognizer,
    run: Callable[[Arrays], Sequence],
    batches: Iterator[Arrays],
) -> List[float]:
    """Return the differences of each output, over all batches.

    Args:
        model: the model itself.
        run: the exported one: inputs to outputs.
        batches: inputs.
    """
    largest = []
    for inputs in batches:
        differences = [
            (torch.as_tensor(given) - expected).abs().max().item()
            for given, expected in zip(run(inputs), predict(model, inputs))
        ]
        largest = [
            max(two) for two in zip(largest or differences, differences)
        ]
    return largest


def noise(
    deployable: DeployableRecognizer, sizes: Sequence[int] = BATCH_SIZES
) -> Iterator[Arrays]:
    """A batch of each size, of frames and poses drawn at random."""
    for size in sizes:
        yield deployable.example_inputs(batch=size, seed=size)


def real_clips(
    model: TwoStreamRecognizer,
    deployable: DeployableRecognizer,
    data_root: str,
    number: int,
    sizes: Sequence[int] = BATCH_SIZES,
) -> Iterator[Arrays]:
    """The first videos of the model's test set, in batches of each size.

    Args:
        model: its config names the test set and its pipeline.
        deployable: what is to take them.
        data_root: where the test set is.
        number: of videos.
        sizes: of batches; all the videos come in each.

    Raises:
        FileNotFoundError, ValueError: as of the data set, or the config
            names a list or folder that is not in ``data_root``.
    """
    config = {**model.cfg.test_dataloader.dataset, 'data_root': data_root}
    for key in ('ann_file', 'class_file', 'data_prefix'):
        value = config.get(key) or ''
        for path in value.values() if isinstance(value, dict) else [value]:
            if Path(path).is_absolute() or '..' in Path(path).parts:
                raise ValueError(
                    f"the checkpoint's config names {path!r} (test_dataloader"
                    f'.dataset.{key}), which is not in {data_root}'
                )
    dataset = DATASETS.build(config)
    number = min(number, len(dataset))
    # few distinct ones in memory at a time
    for size in sizes:
        for start in range(0, number, size):
            samples = [
                _inputs(model, deployable, dataset[i]['inputs'])
                for i in range(start, min(start + size, number))
            ]
            yield {
                name: torch.stack([sample[name] for sample in samples])
                for name in deployable.input_names
            }


def _inputs(
    model: TwoStreamRecognizer,
    deployable: DeployableRecognizer,
    inputs: Arrays,
) -> Arrays:
    if 'heatmap_imgs' in deployable.input_names and 'pose' in inputs:
        maps = model.data_preprocessor.draw(inputs['pose'][None])[0]
        inputs = {**inputs, 'heatmap_imgs': maps}
    return inputs
