# as MMAction2's stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-2d
model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='STGCN', graph_cfg=dict(layout='coco', mode='stgcn_spatial')
    ),
    cls_head=dict(type='GCNHead', num_classes=60, in_channels=256),
)
