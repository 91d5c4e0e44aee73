from typing import Dict, Optional

from mmaction.datasets.transforms import Flip
from mmaction.registry import TRANSFORMS

from integral_action.pose.layouts import KeypointLayout


@TRANSFORMS.register_module()
class FlipTwoStream(Flip):
    """MMAction2's ``Flip``, left and right taken from the keypoint layout.

    Every person of every frame is mirrored, a keypoint at x = 0 too, which
    ``Flip`` takes for a missing one.

    Required keys: those of ``Flip``, and ``keypoint_layout`` where there are
    poses and no ``layout`` is given.

    Args:
        flip_ratio: the probability of a flip.
        layout: as of :meth:`KeypointLayout.get`; None for the sample's own.
        flip_label_map: as of ``Flip``.
    """

    def __init__(
        self,
        flip_ratio: float = 0.5,
        layout: Optional[str] = None,
        flip_label_map: Optional[Dict[int, int]] = None,
    ) -> None:
        super().__init__(flip_ratio, flip_label_map=flip_label_map)
        self.layout = layout

    def transform(self, results: Dict) -> Dict:
        """Flip frames and poses, or leave both."""
        if 'keypoint' in results:
            layout = KeypointLayout.get(
                self.layout or results['keypoint_layout']
            )
            self.left_kp, self.right_kp = layout.left, layout.right
        return super().transform(results)

    def _flip_kps(self, kps, kpscores, img_width):
        order = list(range(kps.shape[2]))
        for left, right in zip(self.left_kp, self.right_kp):
            order[left], order[right] = right, left
        kps = kps[:, :, order]
        kps[..., 0] = img_width - kps[..., 0]
        return kps, None if kpscores is None else kpscores[:, :, order]

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(flip_ratio={self.flip_ratio}, '
            f'layout={self.layout!r}, '
            f'flip_label_map={self.flip_label_map})'
        )
