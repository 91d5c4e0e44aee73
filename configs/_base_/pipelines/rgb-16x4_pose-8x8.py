_base_ = './rgb-8x8_pose-8x8.py'

train_pipeline = _base_.train_pipeline
train_pipeline[0]['clip_len']['RGB'] = 16
train_pipeline[0]['frame_interval']['RGB'] = 4
val_pipeline = _base_.val_pipeline
val_pipeline[0]['clip_len']['RGB'] = 16
val_pipeline[0]['frame_interval']['RGB'] = 4
test_pipeline = _base_.test_pipeline
test_pipeline[0]['clip_len']['RGB'] = 16
test_pipeline[0]['frame_interval']['RGB'] = 4
