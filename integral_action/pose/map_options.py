from dataclasses import dataclass
from typing import Tuple


@dataclass(frozen=True)
class PoseMapOptions:
    """Options of pose maps (section 3.2).

    Args:
        size: (height, width) of the maps, in cells.
        sigma: standard deviation of the heatmaps' Gaussians, in cells.
        limb_width: half width of a bone in the part affinity maps, in cells.
        score_thr: a keypoint is drawn where its score is above this, a bone
            where the scores of both its ends reach it.
        heatmap: whether there are heatmaps.
        paf: whether there are part affinity maps.
        half_pixel: whether a keypoint counts from the centre of the top left
            pixel, and the centre of the top left cell is half a cell from the
            map's edges; the release neglects both halves.

    Raises:
        ValueError: an option that is out of range, or nothing to draw.

    Example:
        >>> PoseMapOptions(size=(28, 28), paf=False).sigma
        0.5
    """

    size: Tuple[int, int] = (56, 56)
    sigma: float = 0.5
    limb_width: float = 1.0
    score_thr: float = 0.1
    heatmap: bool = True
    paf: bool = True
    half_pixel: bool = True

    def __post_init__(self) -> None:
        size = self.size
        if (
            not isinstance(size, (tuple, list))
            or len(size) != 2
            or min(size) < 1
        ):
            raise ValueError(f'size must be (height, width), got {size}')
        object.__setattr__(self, 'size', tuple(size))
        if not self.sigma > 0:
            raise ValueError(f'sigma must be positive, got {self.sigma}')
        if not (self.heatmap or self.paf):
            raise ValueError('nothing to draw: heatmap and paf are both False')
