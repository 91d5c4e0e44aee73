# pictures of 112 pixels
_base_ = './jhmdb_rgb-8x2_pose-8x2.py'

train_pipeline = _base_.train_pipeline
train_pipeline[3]['scale'] = (-1, 128)
train_pipeline[4]['input_size'] = 112
train_pipeline[5]['scale'] = (112, 112)
val_pipeline = _base_.val_pipeline
val_pipeline[3]['scale'] = (-1, 128)
val_pipeline[4]['crop_size'] = 112
test_pipeline = _base_.test_pipeline
test_pipeline[3]['scale'] = (-1, 128)
test_pipeline[4]['crop_size'] = 112
