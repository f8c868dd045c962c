import type { ProgramSource } from '../types.ts';

/** A program on this machine. */
export interface BinaryProgram {
  kind: 'binary';
  /** What to start, arguments that belong to the program itself included (a loader and its library path). */
  command: readonly string[];
  version: string;
  source: Extract<ProgramSource, 'path' | 'cache' | 'packages'>;
}

/** An image for a Docker engine that answers. */
interface DockerProgram {
  kind: 'docker';
  image: string;
  version: string;
  source: 'docker';
}

export type Program = BinaryProgram | DockerProgram;
