_base_ = './pose-8x8.py'

train_pipeline = _base_.train_pipeline
train_pipeline[0]['clip_len']['Pose'] = 32
train_pipeline[0]['frame_interval']['Pose'] = 2
val_pipeline = _base_.val_pipeline
val_pipeline[0]['clip_len']['Pose'] = 32
val_pipeline[0]['frame_interval']['Pose'] = 2
test_pipeline = _base_.test_pipeline
test_pipeline[0]['clip_len']['Pose'] = 32
test_pipeline[0]['frame_interval']['Pose'] = 2
