export type { AnthropicSimulatorOptions, ModelOptions } from './options.ts';
export { type AnthropicSimulator, startAnthropicSimulator } from './simulator.ts';
