# MMAction2's transforms for RGBPoseConv3D: 8 frames of 56 px, maps of 14 px
meta_keys = ('img_shape', 'filename', 'context', 'pose_missing')
left_kp, right_kp = [5, 6, 7, 11, 12, 13, 15, 17], [2, 3, 4, 8, 9, 10, 14, 16]
clip_len = dict(RGB=8, Pose=8)
finish = [
    dict(
        type='GeneratePoseTarget',
        sigma=0.7,
        use_score=True,
        with_kp=True,
        with_limb=False,
        scaling=0.25,
    ),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(
        type='PackActionInputs',
        collect_keys=('imgs', 'heatmap_imgs'),
        meta_keys=meta_keys,
    ),
]
train_pipeline = [
    dict(type='LoadPoses'),
    dict(type='MMUniformSampleFrames', clip_len=clip_len, num_clips=1),
    dict(type='MMDecode'),
    dict(type='MMCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
    dict(type='Resize', scale=(56, 56), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, left_kp=left_kp, right_kp=right_kp),
    *finish,
]
test_pipeline = [
    dict(type='LoadPoses'),
    dict(
        type='MMUniformSampleFrames',
        clip_len=clip_len,
        num_clips=1,
        test_mode=True,
    ),
    dict(type='MMDecode'),
    dict(type='MMCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    *finish,
]
val_pipeline = test_pipeline
