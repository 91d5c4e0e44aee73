# 15 frames, the length of JHMDB's shortest clips; pictures of 112 pixels
_base_ = './rgb-8x8.py'

train_pipeline = _base_.train_pipeline
train_pipeline[0]['frame_interval']['RGB'] = 2
train_pipeline[2]['scale'] = (-1, 128)
train_pipeline[3]['input_size'] = 112
train_pipeline[4]['scale'] = (112, 112)
val_pipeline = _base_.val_pipeline
val_pipeline[0]['frame_interval']['RGB'] = 2
val_pipeline[2]['scale'] = (-1, 128)
val_pipeline[3]['crop_size'] = 112
test_pipeline = _base_.test_pipeline
test_pipeline[0]['frame_interval']['RGB'] = 2
test_pipeline[2]['scale'] = (-1, 128)
test_pipeline[3]['crop_size'] = 112
test_pipeline[0]['num_clips'] = 3
