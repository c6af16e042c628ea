import numpy as np

from hmr_video.people.keypoints.border import within_picture


def test_doubted_points_at_a_border_are_taken_to_lie_beyond_it() -> None:
    keypoints = np.full((1, 17, 3), [400.0, 300.0, 0.9])
    keypoints[0, 15] = [400, 719.5, 0.3]  # an ankle cut off by the lower border
    keypoints[0, 16] = [430, 719.5, 0.9]  # a foot that stands on it
    keypoints[0, 13] = [400, 600, 0.3]  # a knee behind a table
    keypoints[0, 9] = [3, 300, 0.2]  # a wrist out of the left border
    boxes = np.array([[0.0, 200.0, 500.0, 720.0]])
    inside = within_picture(keypoints, boxes, (1280, 720))
    assert inside[0, [15, 9], 2].tolist() == [0, 0]
    assert inside[0, [16, 13, 5], 2].tolist() == [0.9, 0.3, 0.9]
    assert np.array_equal(inside[..., :2], keypoints[..., :2])
    far = within_picture(keypoints, boxes / 100, (1280, 720))  # for a small person four pixels are a lot
    assert far[0, 9, 2] == 0.2
