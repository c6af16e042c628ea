// A person: a skinned mesh that is posed at any moment, and the two ghosts of its predicted past and future.

const JOINTS = 24;

class Person {
  constructor(data, body, number) {
    this.name = data.name;
    this.number = number;
    this.color = data.color;
    this.times = real(data.times);
    this.confidence = real(data.confidence);
    this.pelvis = real(data.pelvis);
    this.angles = Object.fromEntries(Object.entries(data.angles).map(([name, reference]) => [name, real(reference)]));
    this.restJoints = real(data.restJoints);
    this.geometry = personGeometry(real(data.restVertices), body);
    this.visible = true;
    this.group = new THREE.Group();
    const solid = new THREE.MeshStandardMaterial({ color: data.color, roughness: 0.62, metalness: 0.02 });
    this.figure = this.addFigure(real(data.quaternions), body.parents, solid);
    this.figure.mesh.castShadow = true;
    this.figure.mesh.receiveShadow = true;
    this.ghosts = [
      [data.past, -1, 0.3],
      [data.future, 1, 0.3],
    ].map(([reference, direction, opacity]) => {
      const veil = new THREE.MeshStandardMaterial({ color: data.color, roughness: 1, transparent: true, opacity, depthWrite: false });
      const figure = this.addFigure(real(reference), body.parents, veil);
      figure.delay = direction * scene.ghostSeconds;
      figure.mesh.renderOrder = 1;
      return figure;
    });
  }

  addFigure(quaternions, parents, material) {
    const bones = [];
    const rest = this.restJoints;
    for (let joint = 0; joint < JOINTS; joint++) {
      const bone = new THREE.Bone();
      bone.position.set(rest[3 * joint], rest[3 * joint + 1], rest[3 * joint + 2]);
      if (joint > 0) {
        const above = 3 * parents[joint];
        bone.position.sub(new THREE.Vector3(rest[above], rest[above + 1], rest[above + 2]));
        bones[parents[joint]].add(bone);
      }
      bones.push(bone);
    }
    const mesh = new THREE.SkinnedMesh(this.geometry, material);
    mesh.frustumCulled = false;
    mesh.add(bones[0]);
    mesh.updateMatrixWorld(true);
    mesh.bind(new THREE.Skeleton(bones));
    this.group.add(mesh);
    return { mesh, bones, quaternions };
  }

  get firstTime() {
    return this.times[0];
  }

  get lastTime() {
    return this.times[this.times.length - 1];
  }

  // Where a moment lies between two frames: the first one's index and the weight of the second.
  place(time) {
    const before = indexAt(this.times, time);
    const after = Math.min(before + 1, this.times.length - 1);
    const span = this.times[after] - this.times[before];
    const weight = span > 0 ? Math.min(Math.max((time - this.times[before]) / span, 0), 1) : 0;
    return { before, after, weight };
  }

  present(time) {
    return time >= this.firstTime - 1e-3 && time < this.lastTime + 1 / scene.frameRate - 1e-3;
  }

  pelvisAt(time, target) {
    const { before, after, weight } = this.place(time);
    const at = (axis) => this.pelvis[3 * before + axis] * (1 - weight) + this.pelvis[3 * after + axis] * weight;
    return target.set(at(0), at(1), at(2));
  }

  // The places of the pelvis, frame by frame.
  path() {
    return Array.from(this.times, (_, frame) => this.pelvis.subarray(3 * frame, 3 * frame + 3));
  }

  pose(time, ghosts) {
    this.group.visible = this.visible && this.present(time);
    if (!this.group.visible) return;
    this.poseFigure(this.figure, time, time);
    for (const ghost of this.ghosts) {
      ghost.mesh.visible = ghosts;
      if (ghosts) this.poseFigure(ghost, time, time + ghost.delay);
    }
  }

  // Rotations of one moment at the place of another: ghosts are predicted at each frame for another time.
  poseFigure(figure, time, pelvisTime) {
    const { before, after, weight } = this.place(time);
    for (let joint = 0; joint < JOINTS; joint++) {
      const from = 4 * (before * JOINTS + joint);
      const to = 4 * (after * JOINTS + joint);
      blendedQuaternion(figure.quaternions, from, to, weight, figure.bones[joint].quaternion);
    }
    this.pelvisAt(pelvisTime, figure.bones[0].position);
  }
}

// Normalised linear blending: neighbours lie close and on one side of the sphere, where it equals slerp.
function blendedQuaternion(values, from, to, weight, target) {
  const mix = (k) => values[from + k] * (1 - weight) + values[to + k] * weight;
  target.set(mix(0), mix(1), mix(2), mix(3)).normalize();
}

function personGeometry(vertices, body) {
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute("position", new THREE.BufferAttribute(vertices, 3));
  geometry.setAttribute("skinIndex", new THREE.BufferAttribute(stored(body.joints), 4));
  geometry.setAttribute("skinWeight", new THREE.BufferAttribute(stored(body.weights), 4, true));
  geometry.setIndex(new THREE.BufferAttribute(stored(body.faces), 1));
  geometry.computeVertexNormals();
  return geometry;
}
