"""docs/custom_dataset.md, command by command, over real clips."""

import re
import shlex

import pytest
from commands import fork, run
from conftest import CONFIGS, ROOT
from test_tools import mim  # noqa: F401  a fixture

from integral_action.fileio import load_pickle, read_annotations

BLOCK = re.compile(r'```bash\n(.*?)```', re.DOTALL)
CLASSES = ('golf', 'pullup')
# what makes a training short, and needs no network
SHORT = (
    'train_cfg.max_epochs=1 train_dataloader.batch_size=2 '
    'train_dataloader.num_workers=0 val_dataloader.num_workers=0'
)
SCRATCH = {
    'appearance': ' model.backbone.appearance.pretrained=None '
    'model.backbone.appearance.pretrained2d=False',
    'pose': ' model.backbone.pose.pretrained=None',
}


def commands():
    """The page's commands, a line each."""
    text = (ROOT / 'docs' / 'custom_dataset.md').read_text()
    text = text.split('## Few videos')[0]  # whose networks take long
    lines = ''.join(BLOCK.findall(text)).replace('\\\n', ' ').splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def test_the_pages_commands(shared, mim, tmp_path):  # noqa: F811
    pytest.importorskip('onnxruntime')
    samples = shared / 'samples'
    clips = samples / 'jhmdb' / 'videos'
    for name in CLASSES:
        (tmp_path / 'my_videos' / name).mkdir(parents=True)
        for clip in sorted((clips / name).iterdir())[:2]:
            (tmp_path / 'my_videos' / name / clip.name).symlink_to(clip)
    for folder in ('tools', 'configs'):
        (tmp_path / folder).symlink_to(ROOT / folder)
    model = samples / 'models' / 'movenet-multipose.onnx'

    ran, stage = [], ''
    for command in commands():
        command = command.replace(  # whose weights are here
            '--poses rtmpose', f'--poses movenet --model {model}'
        )
        if 'mim train' in command:
            stage = re.search(r'integralaction-?([a-z]*)_', command)[1]
            command += f' --cfg-options {SHORT}{SCRATCH.get(stage, "")}'
            command = command.replace('--gpus 1', '--gpus 0')
        if 'mim test' in command:
            command = command.replace('--gpus 1', '--gpus 0')
            command += (
                ' --dump test.pkl --cfg-options test_dataloader.num_workers=0'
                ' test_dataloader.dataset.pipeline.0.num_clips=2'
            )
        if 'browse_dataset' in command:
            command += ' --num 1'
        words = shlex.split(command)
        if words[0] == 'python':
            fork(words[1].removeprefix('tools/'), *words[2:], cwd=tmp_path)
        elif stage in ('appearance', 'pose'):  # one by mim is enough
            config = next(CONFIGS.rglob(words[3]))
            fork('train.py', config, *words[6:], cwd=tmp_path)
        else:
            run(mim, *words[1:], cwd=tmp_path)
        ran.append(command)
        for checkpoint in tmp_path.glob('work_dirs/*/epoch_1.pth'):
            epochs = re.search(r'-(\d+)e_', checkpoint.parent.name)[1]
            checkpoint.rename(checkpoint.with_name(f'epoch_{epochs}.pth'))
    assert [sum(word in c for c in ran) for word in ('train ', ' test ')] == [
        3,
        1,
    ]

    data = tmp_path / 'data' / 'custom'
    assert (data / 'classes.txt').read_text().split() == list(CLASSES)
    train = read_annotations(data / 'poses' / 'train.jsonl')
    test = read_annotations(data / 'poses' / 'test.jsonl')
    assert (len(train), len(test)) == (2, 2)
    assert {record['label'] for record in test} == {0, 1}
    samples = load_pickle(tmp_path / 'test.pkl')
    assert [int(sample['gt_label']) for sample in samples] == [
        record['label'] for record in test
    ]
    assert all(sample['gate'].shape == (2, 8) for sample in samples)
    assert list((tmp_path / 'work_dirs' / 'browse').rglob('*.png'))
