# 15 frames, the length of JHMDB's shortest clips
_base_ = './rgb-8x8.py'

train_pipeline = _base_.train_pipeline
train_pipeline[0]['frame_interval']['RGB'] = 2
val_pipeline = _base_.val_pipeline
val_pipeline[0]['frame_interval']['RGB'] = 2
test_pipeline = _base_.test_pipeline
test_pipeline[0]['frame_interval']['RGB'] = 2
test_pipeline[0]['num_clips'] = 3
