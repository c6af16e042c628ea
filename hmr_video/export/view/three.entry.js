// What three.min.js is made of: three.js 0.187.0 and its OrbitControls, as esbuild 0.28 bundles this file with
//   --bundle --minify --format=iife --global-name=THREE
export {
  Bone, BufferAttribute, BufferGeometry, Color, DirectionalLight, DoubleSide, Group, HemisphereLight, MathUtils, Matrix4, Mesh,
  MeshBasicMaterial, MeshStandardMaterial, PCFShadowMap, PerspectiveCamera, PlaneGeometry, SRGBColorSpace, Scene,
  ShaderMaterial, ShadowMaterial, Skeleton, SkinnedMesh, Vector3, VideoTexture, WebGLRenderer,
} from "three";
export { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
