# The release neglects that keypoints count from a pixel's centre, and leaves
# out weak keypoints, never whole persons.
_base_ = './pose-8x8.py'

train_pipeline = _base_.train_pipeline
train_pipeline[1]['half_pixel'] = False
train_pipeline[2]['score_thr'] = 0
val_pipeline = _base_.val_pipeline
val_pipeline[1]['half_pixel'] = False
val_pipeline[2]['score_thr'] = 0
test_pipeline = _base_.test_pipeline
test_pipeline[1]['half_pixel'] = False
test_pipeline[2]['score_thr'] = 0
