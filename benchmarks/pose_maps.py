"""Pose maps of a clip: what drawing them costs beside what else there is.

    python benchmarks/pose_maps.py [--rounds 15] [--frames 32] [--persons 5]

On one thread of the CPU, for OpenPose's 18 keypoints and 17 bones and maps of
56 x 56. In turns, and in the thread's processor time: work of others on the
machine, which breaks into a long run surely and into a short one by chance, is
not counted. The medians of the rounds are given. Drawing is compared with

- MMAction2's `GeneratePoseTarget` of the same poses, keypoints and limbs (two
  runs: one draws limb i over keypoint i). It draws another thing: the maximum
  over persons, of Gaussians that end at 3 sigma, times the score; limbs are
  Gaussians of the distance, without a direction. So only its heatmaps of one
  person can be checked, where it draws them.
- the paper's formulas (section 3.2), each cell for each person, in torch, and
  as a GPU or an exported model draws them (person by person, Gaussians of x
  times y);
- writing zeros once into an array that is as large as the maps.
"""

import argparse
import statistics
import time
from unittest import mock

import numpy as np
import torch
from mmaction.datasets.transforms import GeneratePoseTarget

from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import render_pose_maps

BONES = KeypointLayout.get('openpose18').bones
SIZE = (56, 56)
SIGMA = 0.5
LIMB_WIDTH = 1.0


def make_poses(frames, persons):
    """Keypoints [T, M, K, 2] in map pixels round the persons' centres, some
    outside the map; bones are 14 cells long on average. All scores are 1."""
    random = np.random.default_rng(0)
    centre = random.uniform(8, 48, (frames, persons, 1, 2))
    keypoint = centre + random.normal(0, 8, (frames, persons, 18, 2))
    score = np.ones(keypoint.shape[:3], np.float32)
    return keypoint.astype(np.float32), score


def evaluate_formulas(keypoint, score, threshold=0.1):
    """Section 3.2 in every cell for every person; [T, K + 2B, H, W]."""
    keypoint, score = torch.from_numpy(keypoint), torch.from_numpy(score)
    row, column = torch.meshgrid(*map(torch.arange, SIZE), indexing='ij')

    x, y = keypoint[..., None, None].unbind(3)  # [T, M, K, 1, 1]
    square = (column - x) ** 2 + (row - y) ** 2
    gaussian = torch.exp(-square / (2 * SIGMA**2))
    drawn = (score > threshold)[..., None, None]
    heatmaps = (gaussian * drawn).sum(1).clamp(max=1)

    parent, child = map(list, zip(*BONES))
    vector = keypoint[:, :, child] - keypoint[:, :, parent]
    length = vector.square().sum(-1, keepdim=True).sqrt()
    unit = vector / length
    unit_x, unit_y = unit[..., None, None].unbind(3)  # [T, M, B, 1, 1]
    along_x, along_y = column - x[:, :, parent], row - y[:, :, parent]
    projection = unit_x * along_x + unit_y * along_y
    distance = (unit_y * along_x - unit_x * along_y).abs()
    drawn = (score >= threshold)[..., None, None]
    covered = (
        (projection >= 0)
        & (projection <= length[..., None])
        & (distance <= LIMB_WIDTH)
        & drawn[:, :, parent]
        & drawn[:, :, child]
    )
    count = covered.sum(1).clamp(min=1)
    fields = torch.stack(
        [(covered * part).sum(1) / count for part in (unit_x, unit_y)], 2
    )
    return torch.cat((heatmaps, fields.flatten(1, 2)), 1).numpy()


def draw(keypoint, score):
    """Draw as the package does on the CPU."""
    return render_pose_maps(
        keypoint, score, BONES, SIZE, sigma=SIGMA, limb_width=LIMB_WIDTH
    )


def draw_densely(keypoint, score):
    """Draw as a GPU and an exported model do."""
    with mock.patch.object(torch.compiler, 'is_compiling', lambda: True):
        return draw(keypoint, score)


def generate_pose_target(keypoint, score, **options):
    """MMAction2's; persons first."""
    transform = GeneratePoseTarget(sigma=SIGMA, skeletons=BONES, **options)
    sample = dict(
        keypoint=keypoint.swapaxes(0, 1),
        keypoint_score=score.swapaxes(0, 1),
        img_shape=SIZE,
    )
    return transform(sample)['imgs']


def check(keypoint, score):
    """Whether the sides draw the same.

    Raises:
        SystemExit: they do not.
    """
    ours = draw(keypoint, score)
    for name, function in (
        ('the dense formulas', evaluate_formulas),
        ('those of an exported model', draw_densely),
    ):
        difference = abs(ours - function(keypoint, score)).max()
        if not difference <= 1e-5:
            raise SystemExit(f'{name}: {difference:.1e} off')
        print(f'Largest difference from {name}: {difference:.1e}.')
    theirs = generate_pose_target(keypoint[:, :1], score[:, :1])
    ours = draw(keypoint[:, :1], score[:, :1])[:, : len(theirs[0])]
    difference = abs(ours - theirs)[theirs > 0].max()
    if not difference <= 1e-5:
        raise SystemExit(f'GeneratePoseTarget: {difference:.1e} off')
    print(
        f'From the heatmaps of GeneratePoseTarget, one person, within its '
        f'3 sigma: {difference:.1e}; outside up to '
        f'{abs(ours - theirs).max():.1e}.'
    )


def milliseconds(runs, rounds):
    """This thread's, of each function, in turns; the median of the rounds."""
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.thread_time()
            run()
            times[name].append((time.thread_time() - start) * 1e3)
    return {name: statistics.median(mine) for name, mine in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--frames', type=int, default=32)
    parser.add_argument('--persons', type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)

    poses = make_poses(args.frames, args.persons)
    check(*poses)
    zeros = np.zeros((args.frames, 18 + 2 * len(BONES), *SIZE), np.float32)
    runs = {
        'ours': lambda: draw(*poses),
        'GeneratePoseTarget, keypoints': lambda: generate_pose_target(*poses),
        'GeneratePoseTarget, limbs': lambda: generate_pose_target(
            *poses, with_kp=False, with_limb=True
        ),
        'the formulas, dense, in torch': lambda: evaluate_formulas(*poses),
        'the formulas, dense, exported': lambda: draw_densely(*poses),
        'writing the array': lambda: zeros.fill(0),
    }
    times = milliseconds(runs, args.rounds)
    ours = times.pop('ours')
    both = 'GeneratePoseTarget, both'
    times[both] = sum(times[name] for name in times if 'Target' in name)
    print(
        f'{args.frames} frames, {args.persons} persons, {args.rounds} rounds'
    )
    print('\n| | ms a clip | times ours |')
    print('| --- | ---: | ---: |')
    print(f'| ours | {ours:.2f} | 1.00 |')
    for name, took in times.items():
        print(f'| {name} | {took:.2f} | {took / ours:.2f} |')
    print(f'\nOurs takes {ours / times["writing the array"]:.1f} writings.')


if __name__ == '__main__':
    main()
