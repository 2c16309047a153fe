"""Shared ground: imports nothing of ours, knows nothing of the business."""
