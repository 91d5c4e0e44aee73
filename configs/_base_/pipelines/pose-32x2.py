meta_keys = ('img_shape', 'filename')
train_pipeline = [
    dict(
        type='SampleTwoStreamFrames',
        clip_len=dict(Pose=32),
        frame_interval=dict(Pose=2),
    ),
    dict(type='DecodeTwoStream'),
    dict(type='SelectTopPersons'),
    dict(type='Resize', scale=(-1, 256)),
    dict(
        type='MultiScaleCrop',
        input_size=224,
        scales=(1, 0.875, 0.75, 0.66),
        max_wh_scale_gap=1,
        num_fixed_crops=13,
    ),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='FlipTwoStream', flip_ratio=0.5),
    dict(type='FormatPoses'),
    dict(type='PackActionInputs', collect_keys=('pose',), meta_keys=meta_keys),
]
val_pipeline = [
    dict(
        type='SampleTwoStreamFrames',
        clip_len=dict(Pose=32),
        frame_interval=dict(Pose=2),
        test_mode=True,
    ),
    dict(type='DecodeTwoStream'),
    dict(type='SelectTopPersons'),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='CenterCrop', crop_size=224),
    dict(type='FormatPoses'),
    dict(type='PackActionInputs', collect_keys=('pose',), meta_keys=meta_keys),
]
# ten clips a video (section 3.5)
test_pipeline = [
    dict(
        type='SampleTwoStreamFrames',
        clip_len=dict(Pose=32),
        frame_interval=dict(Pose=2),
        num_clips=10,
        test_mode=True,
    ),
    dict(type='DecodeTwoStream'),
    dict(type='SelectTopPersons'),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='CenterCrop', crop_size=224),
    dict(type='FormatPoses'),
    dict(type='PackActionInputs', collect_keys=('pose',), meta_keys=meta_keys),
]
