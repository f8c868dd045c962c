// The only reader of process.env, and the resource model.
export { z } from 'zod';
export { readCredential } from './env/credential.ts';
export { declareService, type Environment, processEnvironment } from './env/derived.ts';
export { EnvironmentError } from './env/fault.ts';
export {
  cacheRedisEnv,
  clickhouseEnv,
  type GuardEnv,
  guardEnv,
  type HealthEnv,
  healthEnv,
  type NatsEnv,
  natsEnv,
  type ReplicaEnv,
  redisEnv,
  replicaEnv,
  responseIdsEnv,
  type UrlEnv,
} from './env/fragments.ts';
export {
  type EnvironmentOf,
  type EnvironmentSchema,
  group,
  readEnvironment,
  type VariableGroup,
} from './env/read.ts';
export { booleanVariable, integerVariable, portVariable, urlVariable } from './env/variables.ts';
export { type WorkloadIdentity, workloadIdentityOf } from './env/workload-identity.ts';
export type { ConfigFile } from './file/config-file.ts';
export { configJsonSchema } from './file/json-schema.ts';
export { webhookUrlProblem } from './file/notifications.ts';
export { type ParsedConfig, parseConfigFile, referredFiles } from './file/parse.ts';
export { resolveConfig } from './file/resolve.ts';
export { itemTagCharacters, itemTagOf } from './ids/item-tags.ts';
export { contentMarkCharactersMax, contentMarkOf, type IssuedResponse, ResponseIds } from './ids/response-ids.ts';
export { type Cost, costOf, type Usage } from './model/cost.ts';
export { type ConfigChange, diffConfig } from './model/diff.ts';
export { type KeyRecord, keyNameSchema } from './model/key-record.ts';
export { limitsNeedBound, limitsNeedUser } from './model/limit-needs.ts';
export { findProxy, hasRegions, providerByName, proxyById, teamById } from './model/lookup.ts';
export { type ModelPrice, modelPrice, modelPrices } from './model/model-price.ts';
export {
  findTarget,
  isWithin,
  modelOf,
  offeredModels,
  type ResolvedModel,
  resolveModel,
  rotationOf,
} from './model/resolve-model.ts';
export type {
  ConfigSnapshot,
  Credential,
  EntraWorkloadIdentity,
  Guardrail,
  Limit,
  Model,
  ModelRotation,
  PiiMasking,
  Project,
  Provider,
  ProxySettings,
  SemanticCache,
  Team,
  Webhook,
} from './model/snapshot.ts';
export { parseKeyRecord, parseSnapshot } from './model/stored.ts';
export { servesSurface } from './model/surfaces.ts';
export { thresholdsOf } from './model/thresholds.ts';
export { windowLengthMs } from './model/window.ts';
export { type WindowBounds, windowBounds } from './model/window-bounds.ts';
