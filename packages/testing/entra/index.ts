export type { EntraRefusal } from './check.ts';
export {
  type EntraOptions,
  type EntraSimulator,
  startEntraSimulator,
  type TokenRequest,
} from './simulator.ts';
