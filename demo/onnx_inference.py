"""Run an exported model on a video: onnxruntime, numpy, OpenCV and PyAV alone.

    python demo/onnx_inference.py MODEL.onnx VIDEO [--poses POSES.npz]

MODEL.onnx is one of tools/deployment/export_onnx.py that takes keypoints (or
frames alone); POSES.npz has keypoint [M, T, K, 2], in pixels of the video,
counted from the centre of the top left one, and keypoint_score [M, T, K], as
tools/extract_poses.py writes them. Which frames are taken, how big they are
and how many people count is read from the model's metadata; the steps below do
what the package's transforms of these names do.

It needs nothing of integral_action, torch or MMAction2: copy it.
"""

import argparse
import json
import os
import sys

import av
import cv2
import numpy as np

os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')  # before its import
import onnxruntime


class Sample:
    """A video on its way through the steps.

    Attributes:
        frames: of each stream, the numbers of its frames, [clips, T].
        imgs: RGB uint8 [clips * T, H, W, 3].
        keypoint: [M, clips * T', K, 2] in pixels of imgs, from the edge.
        score: [M, clips * T', K].
        shape: (height, width) of imgs.
    """

    def __init__(self, video, poses):
        self.video, self.poses = video, poses
        self.frames = {}
        self.imgs = self.keypoint = self.score = self.shape = None


def sample_frames(
    sample,
    clip_len,
    frame_interval,
    num_clips=1,
    out_of_bound_opt='loop',
    test_mode=False,
):
    """SampleTwoStreamFrames: clips spread from the first frame to the last."""
    total = len(sample.video)
    span = max((clip_len[s] - 1) * frame_interval[s] + 1 for s in clip_len)
    last = max(total - span, 0)
    starts = np.linspace(0, last, num_clips).astype(int)
    if num_clips == 1:
        starts = np.array([last // 2])
    for stream, length in clip_len.items():
        numbers = starts[:, None] + np.arange(length) * frame_interval[stream]
        if out_of_bound_opt == 'loop':
            numbers = numbers % total
        sample.frames[stream] = np.minimum(numbers, total - 1)


def decode(sample, half_pixel=True, **_):
    """DecodeTwoStream: the frames, and the poses of the frames."""
    sample.shape = sample.video[0].shape[:2]
    if 'RGB' in sample.frames:
        numbers = sample.frames['RGB'].ravel()
        sample.imgs = sample.video.read(numbers)
    if 'Pose' in sample.frames:
        keypoint, score = sample.poses
        if score.shape[1] != len(sample.video):
            raise SystemExit(
                f'error: poses of {score.shape[1]} frames, but the video has '
                f'{len(sample.video)}'
            )
        numbers = sample.frames['Pose'].ravel()
        keypoint = keypoint[:, numbers].astype(np.float32)
        score = score[:, numbers].astype(np.float32)
        finite = np.isfinite(keypoint).all(-1) & np.isfinite(score)
        found = finite & (score > 0) & keypoint.any(-1)  # (0, 0) is not
        sample.keypoint = np.where(finite[..., None], keypoint, 0)
        sample.keypoint = sample.keypoint + np.float32(0.5 * half_pixel)
        sample.score = np.where(found, score, 0)


def select_persons(sample, num_person=5, score_thr=0.1):
    """SelectTopPersons: the best of every frame."""
    if sample.score is None:
        return
    best = np.argsort(-sample.score.mean(-1), axis=0, kind='stable')
    best = best[:num_person]
    score = np.take_along_axis(sample.score, best[..., None], 0)
    mean = score.sum(-1) / (score > 0).sum(-1).clip(1)  # of what is found
    sample.keypoint = np.take_along_axis(
        sample.keypoint, best[..., None, None], 0
    )
    sample.score = score * (mean >= score_thr)[..., None]


def resize(sample, scale, keep_ratio=True, **_):
    """Resize: bilinear; -1 and a number give the shorter side."""
    height, width = sample.shape
    if keep_ratio:
        long, short = max(scale), min(scale)
        factor = long / min(height, width)
        if short > 0:
            factor = min(long / max(height, width), short / min(height, width))
        new = int(height * factor + 0.5), int(width * factor + 0.5)
    else:
        new = scale[1], scale[0]
    if sample.imgs is not None:
        sample.imgs = np.stack(
            [cv2.resize(img, new[::-1]) for img in sample.imgs]
        )
    if sample.keypoint is not None:
        factors = np.array((new[1] / width, new[0] / height), np.float32)
        sample.keypoint = sample.keypoint * factors
    sample.shape = new


def center_crop(sample, crop_size, **_):
    """CenterCrop."""
    size = np.broadcast_to(crop_size, 2)  # width, height
    height, width = sample.shape
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    if sample.imgs is not None:
        sample.imgs = sample.imgs[
            :, top : top + size[1], left : left + size[0]
        ]
    if sample.keypoint is not None:
        sample.keypoint = sample.keypoint - np.float32((left, top))
    sample.shape = int(size[1]), int(size[0])


STEPS = dict(
    SampleTwoStreamFrames=sample_frames,
    DecodeTwoStream=decode,
    SelectTopPersons=select_persons,
    Resize=resize,
    CenterCrop=center_crop,
)
PACKING = ('FormatShape', 'FormatPoses', 'PackActionInputs')


def make_inputs(metadata, video, poses=None):
    """The arrays that the model takes, of one video.

    Args:
        metadata: of the model.
        video: RGB frames, by their numbers.
        poses: (keypoint, score), where the model takes them.
    """
    sample = Sample(video, poses)
    for step in metadata['test_pipeline']:
        options = dict(step)
        name = options.pop('type')
        if name not in PACKING:
            if name not in STEPS:
                raise SystemExit(f'error: the step {name} is not known here')
            STEPS[name](sample, **options)
    inputs = {}
    for name, shape in metadata['inputs'].items():
        if name == 'imgs':
            clips = sample.imgs.reshape(
                -1, shape[3], *sample.imgs.shape[1:]
            )  # [clips, T, H, W, 3]
            inputs[name] = clips.transpose(0, 4, 1, 2, 3)[None]
        elif name == 'pose':
            height, width = sample.shape
            persons, frames, keypoints = sample.score.shape
            pose = np.zeros((frames, shape[3], keypoints, 3), np.float32)
            fraction = sample.keypoint / np.float32((width, height))
            pose[:, :persons, :, :2] = fraction.swapaxes(0, 1)
            pose[:, :persons, :, 2] = sample.score.swapaxes(0, 1)
            inputs[name] = pose.reshape(1, -1, *shape[2:])
        else:
            raise SystemExit(
                f'error: the model takes {name}; export it with --input '
                f'keypoints'
            )
    return inputs


class Video:
    """Frames of a video file, RGB, counted as they are shown; of a long video
    only those that are asked for are in memory at once."""

    def __init__(self, path):
        self.path = path
        try:
            self.total = sum(1 for _ in self.decode())
        except (OSError, ValueError, RuntimeError) as error:
            raise SystemExit(f'error: {path}: {error}') from error
        if not self.total:
            raise SystemExit(f'error: {path}: cannot be read as a video')

    def decode(self):
        """All frames in order."""
        with av.open(f'file:{self.path}') as container:
            films = [
                stream
                for stream in container.streams.video
                if not stream.disposition & av.stream.Disposition.attached_pic
            ]
            film = max(
                films,
                key=lambda film: (
                    bool(film.disposition & av.stream.Disposition.default),
                    film.width * film.height,
                ),
                default=None,
            )
            if film is not None:
                yield from container.decode(film)

    def __len__(self):
        return self.total

    def __getitem__(self, number):
        return self.read([number])[0]

    def read(self, numbers):
        """RGB [len(numbers), H, W, 3], upright."""
        wanted, found = set(map(int, numbers)), {}
        for number, frame in enumerate(self.decode()):
            if number in wanted:
                picture = to_rgb(frame)
                # counter-clockwise, as files of telephones ask for
                turns = round(frame.rotation / 90)
                found[number] = np.rot90(picture, turns)
            if len(found) == len(wanted):
                break
        return np.stack([found[int(number)] for number in numbers])


def to_rgb(frame):
    """Convert a decoded frame as FFmpeg does, uint8 [H, W, 3]."""
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add(
            'buffer',
            f'video_size={frame.width}x{frame.height}:time_base=1/1'
            f':pix_fmt={frame.format.name}'
            f':colorspace={int(frame.colorspace)}'
            f':range={int(frame.color_range)}',
        ),
        graph.add('scale', 'flags=bicubic'),
        graph.add('format', 'rgb24'),
        graph.add('buffersink'),
    ).configure()
    graph.push(frame)
    return graph.pull().to_ndarray()


def main(arguments=None):
    """Print the best labels and the gate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('model')
    parser.add_argument('video')
    parser.add_argument('--poses', help='keypoint and keypoint_score, .npz')
    parser.add_argument('--json', help='write scores and gate here')
    args = parser.parse_args(arguments)

    session = onnxruntime.InferenceSession(
        args.model, providers=onnxruntime.get_available_providers()
    )
    properties = session.get_modelmeta().custom_metadata_map
    metadata = json.loads(properties['integral_action'])
    poses = None
    if 'imgs' != ''.join(metadata['inputs']):
        if not args.poses:
            raise SystemExit('error: the model takes poses; give --poses')
        with np.load(args.poses) as arrays:
            poses = arrays['keypoint'], arrays['keypoint_score']
    inputs = make_inputs(metadata, Video(args.video), poses)
    outputs = dict(zip(metadata['outputs'], session.run(None, inputs)))

    scores = outputs['scores'][0]
    if not np.isfinite(scores).all():
        raise SystemExit(f'error: {args.model}: its scores are nan or inf')
    names = metadata['classes'] or [str(i) for i in range(len(scores))]
    for i in np.argsort(-scores)[:5]:
        name = ''.join(c if c.isprintable() else '?' for c in names[i])
        print(f'{scores[i]:.3f} {name}')
    if 'gate' in outputs:
        print(
            f'gate (share of appearance let in): {outputs["gate"].mean():.3f}'
        )
    if args.json:
        with open(args.json, 'w') as file:
            json.dump({k: v[0].tolist() for k, v in outputs.items()}, file)
    return 0


if __name__ == '__main__':
    sys.exit(main())
