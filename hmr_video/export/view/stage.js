// The room that the people stand in: light, floor, cameras. World space: metres, y up.

const GRID_VERTEX = `
  varying vec3 place;
  void main() {
    vec4 world = modelMatrix * vec4(position, 1.0);
    place = world.xyz;
    gl_Position = projectionMatrix * viewMatrix * world;
  }`;
const GRID_FRAGMENT = `
  varying vec3 place;
  uniform vec3 middle;
  uniform vec3 color;
  uniform float reach;
  float lines(float spacing, float width) {
    vec2 at = place.xz / spacing;
    vec2 far = abs(fract(at - 0.5) - 0.5) / fwidth(at);
    return 1.0 - clamp(min(far.x, far.y) - width, 0.0, 1.0);
  }
  void main() {
    float fade = 1.0 - smoothstep(0.25, 1.0, distance(place.xz, middle.xz) / reach);
    float strength = max(lines(1.0, 0.3), 0.35 * lines(0.25, 0.0));
    gl_FragColor = vec4(color, strength * fade * 0.75);
  }`;
const THEMES = {
  dark: { background: "#14161a", grid: "#49515e", sky: "#c9d4e6", soil: "#3a3733", shadow: 0.45, light: 2.6 },
  light: { background: "#eceef1", grid: "#aab2be", sky: "#ffffff", soil: "#b9b2a8", shadow: 0.22, light: 2.4 },
};
const SLOW = 0.12; // seconds a picture: there is no graphics card, the processor draws
const FIELD_OF_VIEW = 32; // degrees, of the views that are not the source camera's

class Stage {
  constructor(canvas, people) {
    this.people = people;
    this.canvas = canvas;
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true, powerPreference: "high-performance" });
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(FIELD_OF_VIEW, 1, 0.05, 400);
    this.controls = new THREE.OrbitControls(this.camera, canvas);
    this.controls.enableDamping = true;
    this.controls.dampingFactor = 0.12;
    this.controls.maxDistance = 120;
    this.cameraPath = real(scene.worldFromCamera); // 16 numbers a frame, row by row
    this.zooms = real(scene.zooms);
    this.frameTimes = real(scene.frameTimes);
    this.cameraMoves = scene.cameraMoves;
    this.worldFromCamera = new THREE.Matrix4();
    this.moveSourceCamera(0);
    this.following = false;
    this.awake = 1; // pictures still to draw although time stands still
    this.slowPictures = 0;
    this.detail = 1; // of the screen's pixels
    this.controls.addEventListener("change", () => this.wake());
    this.lens = null; // the source camera's, while the view is its own
    this.light();
    this.layFloor();
    for (const person of people) this.scene.add(person.group);
    if (scene.levelled) this.layPaths();
  }

  wake(pictures = 2) {
    this.awake = Math.max(this.awake, pictures);
  }

  light() {
    this.hemisphere = new THREE.HemisphereLight();
    this.hemisphere.intensity = 1.15;
    this.key = new THREE.DirectionalLight("#fff4e6", 2.3);
    this.key.castShadow = true;
    this.key.shadow.mapSize.set(2048, 2048);
    this.key.shadow.normalBias = 0.02;
    this.key.shadow.radius = 4;
    Object.assign(this.key.shadow.camera, { left: -8, right: 8, top: 8, bottom: -8, near: 0.5, far: 30 });
    this.rim = new THREE.DirectionalLight("#b8ccf0", 0.9);
    this.scene.add(this.hemisphere, this.key, this.key.target, this.rim, this.rim.target);
  }

  layFloor() {
    const plane = new THREE.PlaneGeometry(120, 120).rotateX(-Math.PI / 2);
    this.gridMaterial = new THREE.ShaderMaterial({
      vertexShader: GRID_VERTEX,
      fragmentShader: GRID_FRAGMENT,
      uniforms: { middle: { value: new THREE.Vector3() }, color: { value: new THREE.Color() }, reach: { value: 14 } },
      transparent: true,
      depthWrite: false,
      side: THREE.DoubleSide,
    });
    this.shadowMaterial = new THREE.ShadowMaterial({ depthWrite: false });
    const grid = new THREE.Mesh(plane, this.gridMaterial);
    const shadow = new THREE.Mesh(plane, this.shadowMaterial);
    shadow.receiveShadow = true;
    this.floor = new THREE.Group();
    this.floor.add(shadow, grid);
    this.floor.position.y = scene.floor;
    this.scene.add(this.floor);
  }

  setTheme(name) {
    const theme = THEMES[name];
    this.scene.background = new THREE.Color(theme.background);
    this.gridMaterial.uniforms.color.value.set(theme.grid).convertLinearToSRGB(); // the shader writes screen values
    this.hemisphere.color.set(theme.sky);
    this.hemisphere.groundColor.set(theme.soil);
    this.key.intensity = theme.light;
    this.shadowMaterial.opacity = theme.shadow;
  }

  // The middle of the people who are there: where views look.
  middle(time, target) {
    const shown = this.people.filter((person) => person.visible && person.present(time));
    const chosen = shown.length ? shown : this.people;
    target.set(0, 0, 0);
    const pelvis = new THREE.Vector3();
    for (const person of chosen) target.add(person.pelvisAt(time, pelvis));
    return target.divideScalar(chosen.length);
  }

  // How far the people are from their middle at any time of the clip, limbs included, in metres.
  reach() {
    const middle = new THREE.Vector3();
    const pelvis = new THREE.Vector3();
    let far = 1.1;
    for (let sample = 0; sample <= 24; sample++) {
      const time = (sample / 24) * (scene.duration - 1 / scene.frameRate);
      this.middle(time, middle);
      for (const person of this.people) {
        if (person.visible && person.present(time)) far = Math.max(far, person.pelvisAt(time, pelvis).distanceTo(middle) + 1);
      }
    }
    return Math.min(far, 6);
  }

  // A level view from `azimuth` (radians about y, 0 from +z) and `elevation`, far enough to see everybody.
  look(time, azimuth, elevation) {
    this.lens = null;
    const middle = this.middle(time, new THREE.Vector3());
    const reach = this.reach();
    const tangent = Math.tan(THREE.MathUtils.degToRad(FIELD_OF_VIEW / 2));
    const room = Math.max(reach / (tangent * this.camera.aspect), Math.max(1.25, reach * Math.sin(elevation)) / tangent);
    const distance = Math.min(room + 0.7 * (reach - 1), 60);
    const flat = Math.cos(elevation) * distance;
    const offset = new THREE.Vector3(Math.sin(azimuth) * flat, Math.sin(elevation) * distance, Math.cos(azimuth) * flat);
    this.controls.target.copy(middle);
    this.camera.position.copy(middle).add(offset);
    this.camera.up.set(0, 1, 0);
    this.resize(true);
    this.controls.update();
  }

  // Puts the source camera, and the video behind the people, where it was at a time.
  moveSourceCamera(time) {
    const frame = indexAt(this.frameTimes, time + 1e-4);
    this.worldFromCamera.set(...this.cameraPath.subarray(frame * 16, frame * 16 + 16));
    this.zoom = this.zooms[frame];
    if (this.screen) this.placeScreen();
    if (this.lens) this.lookThroughCamera(time);
  }

  // Where people and the source camera go: lines on the floor, those of people in their colours.
  layPaths() {
    const lines = this.people.map((person) => [person.path(), person.color]);
    if (this.cameraMoves) {
      const count = this.cameraPath.length / 16;
      lines.push([Array.from({ length: count }, (_, frame) => [3, 7, 11].map((place) => this.cameraPath[frame * 16 + place])), "#8a93a3"]);
    }
    for (const [points, color] of lines) {
      const geometry = new THREE.BufferGeometry();
      const places = Array.from(points).flatMap(([x, y, z]) => [x, color === "#8a93a3" ? y : scene.floor + 0.005, z]);
      geometry.setAttribute("position", new THREE.BufferAttribute(new Float32Array(places), 3));
      this.scene.add(new THREE.Line(geometry, new THREE.LineBasicMaterial({ color })));
    }
  }

  // From where the source camera stood, through its lens.
  lookThroughCamera(time) {
    const position = new THREE.Vector3().setFromMatrixPosition(this.worldFromCamera);
    const axis = new THREE.Vector3(0, 0, 1).transformDirection(this.worldFromCamera);
    const depth = Math.max(this.middle(time, new THREE.Vector3()).sub(position).dot(axis), 0.5);
    this.lens = { ...scene.camera, focal: scene.camera.focal.map((focal) => focal * this.zoom) };
    this.camera.position.copy(position);
    this.camera.up.set(0, -1, 0).transformDirection(this.worldFromCamera);
    this.controls.target.copy(position).addScaledVector(axis, depth);
    this.resize(true);
    this.controls.update();
  }

  // The light and the floor's middle stay with the people, so that shadows are sharp wherever they go.
  surround(time, elapsed) {
    const middle = this.middle(time, new THREE.Vector3());
    if (this.following && !this.lens) {
      const shift = middle.clone().sub(this.controls.target).multiplyScalar(1 - Math.exp(-4 * elapsed));
      this.controls.target.add(shift);
      this.camera.position.add(shift);
    }
    this.gridMaterial.uniforms.middle.value.copy(middle);
    this.key.target.position.copy(middle);
    this.key.position.copy(middle).add(new THREE.Vector3(3.5, 8, 5));
    this.rim.target.position.copy(middle);
    this.rim.position.copy(middle).add(new THREE.Vector3(-4, 3, -6));
  }

  // The video on a plane behind the people, exactly where the source camera sees it.
  addScreen(video, depth) {
    const { width, height, focal, centre } = scene.camera;
    const corners = [
      [0, height],
      [width, height],
      [0, 0],
      [width, 0],
    ].flatMap(([u, v]) => [((u - centre[0]) / focal[0]) * depth, ((v - centre[1]) / focal[1]) * depth, depth]);
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(new Float32Array(corners), 3));
    geometry.setAttribute("uv", new THREE.BufferAttribute(new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), 2));
    geometry.setIndex([0, 1, 2, 2, 1, 3]);
    const texture = new THREE.VideoTexture(video);
    video.addEventListener("seeked", () => this.wake(10)); // the picture arrives a little later
    texture.colorSpace = THREE.SRGBColorSpace;
    this.screen = new THREE.Mesh(geometry, new THREE.MeshBasicMaterial({ map: texture, side: THREE.DoubleSide, toneMapped: false }));
    this.screen.renderOrder = -1;
    this.screen.matrixAutoUpdate = false;
    this.placeScreen();
    this.screen.visible = false;
    this.scene.add(this.screen);
  }

  // The longer the lens, the smaller what it sees of that plane.
  placeScreen() {
    this.screen.matrix.copy(this.worldFromCamera).scale(new THREE.Vector3(1 / this.zoom, 1 / this.zoom, 1));
  }

  resize(force = false) {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    const ratio = Math.min(window.devicePixelRatio, 2) * this.detail;
    const size = `${width}x${height}x${ratio}`;
    if (!force && size === this.size) return;
    this.size = size;
    this.wake();
    this.renderer.setPixelRatio(ratio);
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / Math.max(height, 1);
    this.camera.fov = this.lens ? this.fittingField() : FIELD_OF_VIEW;
    this.camera.updateProjectionMatrix();
  }

  // The vertical field of view, in degrees, in which the whole picture of the source camera fits.
  fittingField() {
    const { width, height, focal } = this.lens;
    const tangent = Math.max(height / 2 / focal[1], width / 2 / focal[0] / this.camera.aspect);
    return THREE.MathUtils.radToDeg(2 * Math.atan(tangent));
  }

  // Fewer pixels and no shadows, once several pictures in a row have been slow.
  lighten(elapsed) {
    this.slowPictures = elapsed > SLOW ? this.slowPictures + 1 : 0;
    if (this.slowPictures < 6 || this.detail < 1) return;
    this.detail = 0.6;
    this.key.castShadow = false;
  }

  // `elapsed`: seconds since the picture before.
  draw(time, elapsed) {
    this.resize();
    this.controls.update(Math.min(elapsed, 0.1));
    if (time !== this.drawnTime) this.wake(this.following ? 30 : 2); // following goes on after a jump
    if (this.awake === 0) return;
    this.awake -= 1;
    if (this.cameraMoves && time !== this.drawnTime) this.moveSourceCamera(time);
    this.drawnTime = time;
    this.lighten(elapsed);
    this.surround(time, Math.min(elapsed, 0.1));
    this.renderer.render(this.scene, this.camera);
  }
}
