# MMAction2's transforms for PoseC3D: 8 frames, maps of 14 px
meta_keys = ('img_shape', 'filename', 'context', 'pose_missing')
left_kp, right_kp = [5, 6, 7, 11, 12, 13, 15, 17], [2, 3, 4, 8, 9, 10, 14, 16]
pack = dict(type='PackActionInputs', meta_keys=meta_keys)
target = dict(
    type='GeneratePoseTarget',
    sigma=0.6,
    use_score=True,
    with_kp=True,
    with_limb=False,
)
train_pipeline = [
    dict(type='LoadPoses'),
    dict(type='UniformSampleFrames', clip_len=8),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(-1, 16)),
    dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
    dict(type='Resize', scale=(14, 14), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, left_kp=left_kp, right_kp=right_kp),
    target,
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    pack,
]
test_pipeline = [
    dict(type='LoadPoses'),
    dict(type='UniformSampleFrames', clip_len=8, num_clips=1, test_mode=True),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(-1, 16)),
    dict(type='CenterCrop', crop_size=16),
    dict(**target, double=True, left_kp=left_kp, right_kp=right_kp),
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    pack,
]
val_pipeline = test_pipeline
