"""The web page in a real browser, and what it is made of."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import av
import decord
import numpy as np
import pytest
import torch
from conftest import CONFIGS, ROOT
from converters import load_tool
from mmaction.registry import MODELS
from mmengine.config import Config

from integral_action.apis import IntegralActionInferencer
from integral_action.datasets.coco_results import read_coco_results
from integral_action.pose.files import write_poses

gradio = pytest.importorskip('gradio')

NAMES = dict(
    fused='integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets',
    appearance='integralaction-appearance_r18w16_1xb32-8x1x1-12e_puppets',
)
CHROMIUM = next(
    filter(
        None,
        map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome')),
    ),
    None,
)


@pytest.fixture(scope='module')
def inferencers(tmp_path_factory):
    """Of two checkpoints whose probabilities differ from video to video."""
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')
    folder = tmp_path_factory.mktemp('checkpoints')
    made = {}
    for stage, name in NAMES.items():
        cfg = Config.fromfile(CONFIGS / f'{name}.py')
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        for linear in model.modules():
            if isinstance(linear, torch.nn.Linear):
                torch.nn.init.normal_(linear.weight, std=0.3)
        names = tuple(f'act {i}' for i in range(12))
        meta = dict(cfg=cfg.pretty_text, dataset_meta=dict(classes=names))
        content = dict(meta=meta, state_dict=model.state_dict())
        path = folder / f'{stage}.pth'
        torch.save(content, path)
        made[stage] = IntegralActionInferencer(
            path, device='cpu', show_progress=False
        )
    return made


@pytest.fixture(scope='module')
def tool():
    sys.path.insert(0, str(ROOT / 'tools'))
    try:
        import web_demo
    finally:
        sys.path.remove(str(ROOT / 'tools'))
    return web_demo


@pytest.fixture(scope='module')
def generated(tmp_path_factory):
    """A video of Puppets, its poses, and how many frames it has."""
    out = tmp_path_factory.mktemp('puppets')
    settings = dict(seed=0, size=56, frames=24)
    load_tool('puppets').make_video(out, settings, ('in_context', 0))
    return (
        out / 'videos' / 'in_context' / '00000.mp4',
        out / 'poses' / 'in_context' / '00000.npz',
        24,
    )


# --------------------------------------------------------- without a browser


@pytest.mark.parametrize('stage, window', [('fused', 0.3), ('appearance', 0)])
def test_each_request_has_a_folder_of_its_own(
    stage, window, inferencers, tool, generated
):
    video, poses = map(str, generated[:2])
    for message, labels, gate, overlay in tool.predict(
        inferencers[stage], video, poses, window
    ):
        assert not message.visible
        assert len(labels) == 5
        assert gate.visible == (stage == 'fused')
        # heading, picture, and the gate's curve and the timeline
        height = 58 + 640 + (108 + 26 if stage == 'fused' else 0)
        assert decord.VideoReader(overlay)[0].shape == (height, 640, 3)
    assert not os.path.exists(os.path.dirname(overlay))


@pytest.mark.parametrize('error', ['no file', 'no model', 'busy', 'gradio'])
def test_errors_are_one_line(
    error, tool, inferencers, capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, 'environ', dict(os.environ))
    monkeypatch.setenv('TMPDIR', str(tmp_path))
    arguments = ['--checkpoint', inferencers['appearance'].checkpoint]
    if error == 'no file':
        arguments, expected = ['--checkpoint', 'none.pth'], 'none.pth'
    elif error == 'no model':
        arguments[1] = str(tmp_path / 'text.pth')
        (tmp_path / 'text.pth').write_text('no model')
        expected = 'text.pth'
    elif error == 'gradio':
        monkeypatch.setitem(sys.modules, 'gradio', None)
        expected = 'pip install "integral_action[web]"'
    with socket.create_server(('127.0.0.1', 0)) as taken:
        if error == 'busy':
            expected = str(taken.getsockname()[1])
            arguments += ['--port', expected]
        assert tool.main([*arguments, '--device', 'cpu']) == 1
    printed = capsys.readouterr().err
    assert printed.startswith('error: ') and expected in printed
    assert len(printed.splitlines()) == 1


def test_usage(tool):
    for arguments in (
        ['--checkpoint', 'c', '--poses', 'p'],  # the page asks for them
        ['--checkpoint', 'c', '--pose-model', 'm'],
        ['--checkpoint', 'c', '--port', 'p'],
    ):
        with pytest.raises(SystemExit) as info:
            tool.main(arguments)
        assert info.value.code == 2


# ------------------------------------------------------------- in a browser


@contextmanager
def serve(checkpoint, folder, *options):
    """Run the command; gives the page's address and the process."""
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    environment = dict(
        os.environ,
        PYTHONPATH=os.pathsep.join((str(ROOT), str(ROOT / 'tests'))),
        OMP_NUM_THREADS='1',
        TMPDIR=folder,
    )
    program = (  # without what finds poses, installed or not
        'import sys, integral_action_cli as cli; '
        'sys.modules.update(rtmlib=None, mediapipe=None); cli.main()'
    )
    process = subprocess.Popen(
        [
            sys.executable, '-c', program, 'web', '--checkpoint', checkpoint,
            '--device', 'cpu', '--port', str(port), *options,
        ],
        stdout=subprocess.PIPE, env=environment, text=True,
    )  # fmt: skip
    with process:
        address = process.stdout.readline().strip()
        assert address == f'http://127.0.0.1:{port}/'
        yield address, process
        process.kill()


@pytest.fixture(scope='module')
def server(inferencers, tmp_path_factory):
    """The page's address, its temporary folder, and the process."""
    folder = tmp_path_factory.mktemp('server')
    with serve(inferencers['fused'].checkpoint, folder) as (address, process):
        yield address, folder, process


@pytest.fixture(scope='module')
def launch():
    """Start a browser with options; there is one Playwright at a time."""
    sync_api = pytest.importorskip('playwright.sync_api')
    if CHROMIUM is None:
        pytest.skip('no Chromium here (Debian: apt-get install chromium)')
    # root is not let into its sandbox
    sandbox = ['--no-sandbox'] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        yield lambda *options: playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*options, *sandbox]
        )


@pytest.fixture(scope='module')
def browser(launch):
    with launch() as browser:
        yield browser


class Page:
    """The page, as somebody uses it."""

    def __init__(self, browser, address):
        self.page = browser.new_page()
        self.page.set_default_timeout(120_000)
        self.asked = []
        self.page.on('request', lambda one: self.asked.append(one.url))
        self.page.goto(address)
        self.button = self.page.get_by_role('button', name='Predict')
        self.button.wait_for()

    def drop(self, place, path):
        remove = self.page.locator(f'#{place} button[aria-label="Clear"]')
        if remove.count():
            remove.click()
        self.page.locator(f'#{place} input[type=file]').set_input_files(path)
        self.page.locator(f'#{place} td.filename').wait_for()

    def predict(self):
        self.button.click()

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def run(self, code):
        return self.page.evaluate(code)

    def wait_for(self, code):
        self.page.wait_for_function(code)


@pytest.fixture
def page(browser, server):
    page = Page(browser, server[0])
    yield page
    page.page.close()


def real_sample(folder, shared):
    """The shortest clip of golf, and what MoveNet found in it."""
    samples = shared / 'samples' / 'jhmdb'
    video = min(
        (samples / 'videos' / 'golf').glob('*.avi'),
        key=lambda path: path.stat().st_size,
    )
    poses = samples / 'poses' / 'golf' / f'{video.stem}.json'
    frames = len(decord.VideoReader(str(video)))
    found = read_coco_results(poses, frames, to_openpose18=True)
    write_poses(folder / 'golf.npz', *found)
    return video, folder / 'golf.npz', frames


@pytest.mark.parametrize('kind', ['generated', 'real'])
def test_a_video_is_shown_with_its_labels(
    kind, page, inferencers, generated, request, tmp_path
):
    sample = generated
    if kind == 'real':
        sample = real_sample(tmp_path, request.getfixturevalue('shared'))
    video, poses, frames = sample
    (expected,) = inferencers['fused'](video, poses)['predictions']
    page.drop('video', video)
    page.drop('poses', poses)
    page.predict()
    page.wait_for("document.querySelector('#shown video')?.readyState == 4")

    top = expected['top']
    best = page.text('[data-testid=label-output-value]')
    assert best.strip() == top[0]['name']
    shown = page.page.locator('[data-testid$=-confidence-set]').all()
    shown = [one.inner_text().split() for one in shown]
    assert [one[:2] for one in shown] == [one['name'].split() for one in top]
    for one, text in zip(top, shown):
        assert int(text[-1].rstrip('%')) == round(100 * one['score'])

    # the film itself: as wide, as long, and as fast as it was made
    width, duration = page.run(
        "(v => [v.videoWidth, v.duration])(document.querySelector('video'))"
    )
    assert width == 640
    assert duration == pytest.approx(expected['duration'], abs=0.02)
    with av.open(str(video)) as container:
        told = container.duration / 1e6
    assert expected['duration'] == pytest.approx(told, abs=0.02)
    page.run("document.querySelector('video').pause()")
    colours = page.run(
        """(v => {
            const canvas = new OffscreenCanvas(v.videoWidth, v.videoHeight);
            const context = canvas.getContext('2d');
            context.drawImage(v, 0, 0);
            const size = [v.videoWidth, v.videoHeight];
            return new Set(context.getImageData(0, 0, ...size).data).size;
        })(document.querySelector('video'))"""
    )
    assert colours > 50  # a picture, not a blank

    mean = expected['gate']['mean']
    assert f'{mean:.0%} of appearance let in' in page.text('#gate')
    curve = page.page.locator('#gate :is(canvas, svg.marks)')
    curve.wait_for()
    size = curve.bounding_box()
    assert min(size['width'], size['height']) > 100
    assert not page.page.locator('#message').is_visible()


def test_what_is_wrong_is_said_and_the_server_goes_on(
    page, server, generated, tmp_path
):
    video, poses, frames = generated
    (tmp_path / 'notes.txt').write_text('no video at all')
    (tmp_path / 'empty.mp4').write_bytes(b'')
    other = tmp_path / 'other.npz'
    shape = (1, frames + 5, 18)
    write_poses(other, np.ones((*shape, 2)), np.ones(shape))

    page.predict()
    said = []

    def next_sentence():
        told = said[-1] if said else ''
        page.wait_for(
            '(p => p && p.offsetParent && p.innerText && p.innerText != '
            f"{told!r})(document.querySelector('#message p'))"
        )
        said.append(page.text('#message p'))
        return said[-1]

    assert next_sentence() == 'there is no video yet: drop one'
    page.drop('video', video)
    page.predict()
    assert next_sentence().startswith('no pose estimator is installed: pip')
    page.drop('poses', poses)
    page.drop('video', tmp_path / 'notes.txt')
    page.predict()
    assert next_sentence().startswith('notes.txt: cannot be read as a video')
    page.drop('video', tmp_path / 'empty.mp4')
    page.predict()
    assert next_sentence() == 'empty.mp4: an empty file, not a video'
    page.drop('video', video)
    page.drop('poses', other)
    page.predict()
    assert f'{frames + 5}' in next_sentence()
    for sentence in said:
        assert str(server[1]) not in sentence  # the name that it was given
        assert 'Traceback' not in sentence and '\n' not in sentence

    page.drop('poses', poses)
    page.predict()
    page.wait_for("document.querySelector('#shown video')?.readyState == 4")
    assert not page.page.locator('#message').is_visible()


def test_nothing_is_asked_of_others_or_left_behind(page, server, generated):
    """The last one: it ends the server."""
    address, folder, process = server
    page.drop('video', generated[0])
    page.drop('poses', generated[1])
    page.predict()
    page.wait_for("document.querySelector('#shown video')?.readyState == 4")
    assert len(page.asked) > 10
    for url in page.asked:
        assert url.startswith((address, 'data:', 'blob:')), url
    (cache,) = folder.iterdir()  # no request's folder
    overlays = list(cache.rglob(f'{generated[0].stem}.mp4'))
    assert overlays  # what the browser is shown
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not list(folder.iterdir())


def test_a_camera_is_labelled_as_it_runs(inferencers, launch, tmp_path):
    """Grey frames, and somebody whom the estimator sees in each."""
    camera = tmp_path / 'camera.y4m'
    grey = bytes([128]) * (320 * 240 * 3 // 2)
    camera.write_bytes(
        b'YUV4MPEG2 W320 H240 F30:1 Ip A1:1 C420\n' + (b'FRAME\n' + grey) * 9
    )
    folder = tmp_path / 'server'
    folder.mkdir()
    options = (
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
        f'--use-file-for-fake-video-capture={camera}',
    )
    checkpoint = inferencers['fused'].checkpoint
    poses = '--poses', 'inferencers:Middle'
    with (
        serve(checkpoint, folder, *poses) as (address, process),
        launch(*options) as browser,
    ):
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        page.get_by_role('tab', name='Camera').click()
        page.get_by_text('Click to Access Webcam').click()
        page.get_by_role('button', name='capture photo').click()
        page.wait_for_function(
            "document.querySelector('#live img')?.naturalWidth == 640"
        )
        best = page.locator('[data-testid=label-output-value]:visible')
        best.wait_for()
        assert best.inner_text().strip().startswith('act ')
        late = page.locator('#late :is(input, textarea)').input_value()
        assert late.endswith(' s late')
        page.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
