_base_ = (
    './posec3d-pose-maps_slowonly-r50_8xb16-u48-240e_ntu60-xsub-keypoint.py'
)

# frames one by one: without FormatShape, which makes clips of them
train_pipeline = _base_.train_pipeline
train_pipeline[0]['clip_len'] = 8
train_pipeline.pop(8)
val_pipeline = _base_.val_pipeline
val_pipeline[0]['clip_len'] = 8
val_pipeline.pop(6)
test_pipeline = _base_.test_pipeline
test_pipeline[0]['clip_len'] = 8
test_pipeline.pop(6)

train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

backbone = dict(type='PoseResNetTSM', depth=18, in_channels=55)
cls_head = dict(type='FrameAverageHead', num_classes=60, in_channels=512)
model = dict(
    _delete_=True, type='Recognizer2D', backbone=backbone, cls_head=cls_head
)
