// Run by node: what three.js makes of an FBX file. Arguments: the file, frames a second, how many, the file of float32 to write.
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';

const three = (file) => import(pathToFileURL(`${process.env.NODE_PATH}/three/${file}`));
const { AnimationMixer, Vector3 } = await three('build/three.module.js');
const { FBXLoader } = await three('examples/jsm/loaders/FBXLoader.js');

const [path, rate, count, target] = process.argv.slice(2);
globalThis.window = globalThis;
const scene = new FBXLoader().parse(new Uint8Array(fs.readFileSync(path)).buffer, '');
let body;
scene.traverse((thing) => { if (thing.isSkinnedMesh) body = thing; });
const mixer = new AnimationMixer(scene);
mixer.clipAction(scene.animations[0]).play();
const corners = body.geometry.attributes.position.count;
const places = new Float32Array(count * corners * 3), corner = new Vector3();
for (let frame = 0; frame < count; frame++) {
    mixer.setTime(Math.min(frame / rate, scene.animations[0].duration - 1e-6));
    scene.updateMatrixWorld(true);
    for (let index = 0; index < corners; index++) {
        body.getVertexPosition(index, corner).applyMatrix4(body.matrixWorld).toArray(places, (frame * corners + index) * 3);
    }
}
fs.writeFileSync(target, new Uint8Array(places.buffer));
