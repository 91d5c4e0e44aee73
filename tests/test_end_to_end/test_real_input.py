"""Real videos with real detections, through the real pipeline and model."""

import json

import numpy as np
import pytest
import torch
from conftest import CONFIGS
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from integral_action.fileio import write_annotations
from integral_action.pose.files import write_poses

NAME = 'integralaction_r50-r18_4xb8-8x8x1-32x2x1-20e_kinetics400'


def coco_to_openpose(results, frames):
    """COCO keypoint results of a video as 18 keypoints, [M, T, 18, 2]."""
    order = [0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
    keypoint = np.zeros((6, frames, 18, 2), np.float32)
    score = np.zeros((6, frames, 18), np.float32)
    seen = [0] * frames
    for result in results:
        frame = result['image_id']
        points = np.array(result['keypoints'], np.float32).reshape(17, 3)
        shoulders = points[5:7]
        neck = np.append(shoulders[:, :2].mean(0), shoulders[:, 2].min())
        points = np.stack([neck if i is None else points[i] for i in order])
        keypoint[seen[frame], frame] = points[:, :2]
        score[seen[frame], frame] = points[:, 2]
        seen[frame] += 1
    return keypoint, score


@pytest.fixture
def videos(shared, tmp_path):
    """A clip of JHMDB with detections, and a demo video without."""
    import decord

    samples = shared / 'samples'
    chosen = [
        *sorted((samples / 'jhmdb' / 'videos' / 'golf').glob('*.avi'))[:1],
        samples / 'videos' / 'clean_and_jerk.mp4',
    ]
    records = []
    for i, video in enumerate(chosen):
        reader = decord.VideoReader(str(video))
        frames, (height, width) = len(reader), reader[0].shape[:2]
        poses = samples / 'jhmdb' / 'poses' / video.parent.name
        poses = poses / f'{video.stem}.json'
        results = json.loads(poses.read_text()) if poses.is_file() else []
        write_poses(tmp_path / f'{i}.npz', *coco_to_openpose(results, frames))
        records.append(
            dict(
                filename=str(video),
                pose_file=str(tmp_path / f'{i}.npz'),
                label=i,
                total_frames=frames,
                img_shape=[height, width],
            )
        )
    write_annotations(tmp_path / 'list.jsonl', records)
    return tmp_path / 'list.jsonl'


def test_from_videos_to_predictions(videos):
    cfg = Config.fromfile(CONFIGS / f'{NAME}.py')
    cfg.test_pipeline[0].num_clips = 2  # for time
    dataset = DATASETS.build(
        {
            **cfg.test_dataloader.dataset,
            'ann_file': str(videos),
            'data_root': '',
            'data_prefix': dict(video='', pose=''),
            'pipeline': cfg.test_pipeline,
        }
    )
    samples = [dataset[i] for i in range(2)]
    for sample in samples:
        assert sample['inputs']['imgs'].shape == (2, 3, 8, 224, 224)
        assert sample['inputs']['pose'].shape == (2, 32, 5, 18, 3)
    # people were detected in the clip of JHMDB
    for i, people in enumerate((True, False)):
        assert bool(samples[i]['inputs']['pose'][..., 2].any()) == people

    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    batch = model.data_preprocessor(pseudo_collate(samples))
    maps = batch['inputs']['heatmap_imgs']
    assert maps.shape == (2, 2, 52, 32, 56, 56)
    assert maps[0].any() and not maps[1].any()
    with torch.no_grad():
        predictions = model(**batch, mode='predict')
    for label, prediction in enumerate(predictions):
        assert prediction.pred_score.shape == (400,)
        assert prediction.pred_score.sum().item() == pytest.approx(1, abs=1e-4)
        assert prediction.gate.shape == (2, 8)
        assert prediction.gt_label.item() == label
        assert 'filename' in prediction
    # without any pose the gate cannot differ from frame to frame, but for
    # the ends of the clip, where the temporal shift brings in zeros
    gate = predictions[1].gate
    torch.testing.assert_close(gate[0], gate[1])
