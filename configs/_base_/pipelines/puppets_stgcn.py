# MMAction2's transforms for ST-GCN: 8 frames
meta_keys = ('img_shape', 'filename', 'context', 'pose_missing')
train_pipeline = [
    dict(type='LoadPoses'),
    dict(type='PreNormalize2D'),
    dict(type='GenSkeFeat', dataset='openpose', feats=['j']),
    dict(type='UniformSampleFrames', clip_len=8),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs', meta_keys=meta_keys),
]
test_pipeline = [
    dict(type='LoadPoses'),
    dict(type='PreNormalize2D'),
    dict(type='GenSkeFeat', dataset='openpose', feats=['j']),
    dict(type='UniformSampleFrames', clip_len=8, num_clips=1, test_mode=True),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs', meta_keys=meta_keys),
]
val_pipeline = test_pipeline
