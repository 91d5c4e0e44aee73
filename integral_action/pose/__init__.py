"""Keypoint layouts, poses, and the maps that are drawn of them."""
