meta_keys = ('img_shape', 'filename', 'context', 'pose_missing')
train_pipeline = [
    dict(
        type='SampleTwoStreamFrames',
        clip_len=dict(RGB=8),
        frame_interval=dict(RGB=1),
    ),
    dict(type='DecodeTwoStream'),
    dict(
        type='MultiScaleCrop',
        input_size=56,
        scales=(1, 0.875, 0.75),
        max_wh_scale_gap=1,
        num_fixed_crops=13,
    ),
    dict(type='Resize', scale=(56, 56), keep_ratio=False),
    dict(type='FlipTwoStream', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', collect_keys=('imgs',), meta_keys=meta_keys),
]
test_pipeline = [
    dict(
        type='SampleTwoStreamFrames',
        clip_len=dict(RGB=8),
        frame_interval=dict(RGB=1),
        test_mode=True,
    ),
    dict(type='DecodeTwoStream'),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', collect_keys=('imgs',), meta_keys=meta_keys),
]
val_pipeline = test_pipeline
