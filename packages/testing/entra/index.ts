export {
  type EntraOptions,
  type EntraRefusal,
  type EntraSimulator,
  startEntraSimulator,
  type TokenRequest,
} from './simulator.ts';
