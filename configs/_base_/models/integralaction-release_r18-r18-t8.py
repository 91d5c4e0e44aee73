# the authors' release
_base_ = './integralaction_r18-r18-t8.py'

model = dict(
    # RGB in 0..1
    data_preprocessor=dict(
        mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0), half_pixel=False
    ),
    backbone=dict(
        appearance=dict(type='SlimResNetTSM', shift_div=4, past_first=True),
        pose=dict(shift_div=4, past_first=True),
    ),
    neck=dict(tcb_layers='conv-bn-relu-ln', cgb_layers='conv'),
    cls_head=dict(average_frames='score', init_std=0.01),
)
