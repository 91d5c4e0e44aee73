"""Our pipelines with MMAction2's own transforms in our transforms' places."""

import copy

from integral_action.pose.layouts import KeypointLayout

LAYOUT = KeypointLayout.get('openpose18')


def with_maps(pipeline):
    """A config's pipeline that draws the pose maps, not the model."""
    steps = []
    for step in copy.deepcopy(pipeline):
        if step['type'] == 'FormatShape':
            steps.append(dict(type='GeneratePoseMaps'))
        if step['type'] == 'PackActionInputs':
            step['collect_keys'] = ('imgs', 'heatmap_imgs')
        if step['type'] != 'FormatPoses':
            steps.append(step)
    return steps


def stock(pipeline, limbs=False):
    """Return a user's pipeline of MMAction2 for the same frames and sizes, as
    its config of RGBPoseConv3D does: ``MMDecode``, ``Flip``,
    ``GeneratePoseTarget``.

    With ``limbs`` it draws these besides; over the keypoints' maps, but as
    many as they would be.
    """
    steps = []
    for step in with_maps(pipeline):
        if step['type'] == 'DecodeTwoStream':
            step = dict(type='MMDecode')
        elif step['type'] == 'FlipTwoStream':
            step = dict(
                type='Flip', left_kp=LAYOUT.left, right_kp=LAYOUT.right
            )
        elif step['type'] == 'GeneratePoseMaps':
            step = dict(
                type='GeneratePoseTarget',
                sigma=0.5,
                scaling=0.25,
                with_limb=limbs,
                skeletons=LAYOUT.bones,
            )
        if step['type'] != 'SelectTopPersons':
            steps.append(step)
    return steps
