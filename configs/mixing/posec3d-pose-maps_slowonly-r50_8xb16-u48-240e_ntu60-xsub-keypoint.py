_base_ = 'mmaction::skeleton/posec3d/slowonly_r50_8xb16-u48-240e_ntu60-xsub-keypoint.py'
custom_imports = dict(imports=['integral_action'])

# heatmaps of 17 keypoints, part affinity fields of 19 bones
maps = dict(type='GeneratePoseMaps', layout='coco17', sigma=0.6)
train_pipeline = _base_.train_pipeline
train_pipeline[7] = maps
val_pipeline = _base_.val_pipeline
val_pipeline[5] = dict(**maps, size=(64, 64))
test_pipeline = _base_.test_pipeline
test_pipeline[5] = dict(**maps, size=(64, 64))

train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

model = dict(backbone=dict(in_channels=55))
