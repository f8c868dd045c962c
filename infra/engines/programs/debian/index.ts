// Programs out of the system's packages, without installing them.
export { workFolder } from '../work-folder.ts';
export { runQuietly } from './apt.ts';
export { type SystemSource, systemSource, type UnpackOptions, unpackPackages } from './unpack.ts';
