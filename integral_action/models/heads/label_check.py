from mmaction.utils import SampleList
from torch import stack


def check_labels(data_samples: SampleList, num_classes: int) -> None:
    """Look whether the model has a class for every label.

    On CUDA the loss would end in an assertion that tells neither label nor
    video.

    Raises:
        ValueError: a label that the model has no class for.
    """
    labels = stack([sample.gt_label for sample in data_samples])
    if labels.shape[1:] == (1,):  # not one-hot or soft
        # all at once: one wait for the device a step
        for sample, label in zip(data_samples, labels.flatten().tolist()):
            if not 0 <= label < num_classes:
                raise ValueError(
                    f'{sample.get("filename", "a video")}: its label is '
                    f'{label}, but the model has {num_classes} classes '
                    f'(cls_head.num_classes)'
                )
