import { z } from 'zod';

const id = z.string().min(1);
const milliseconds = z.int().min(0);
const nanoPerMillion = z.int().min(0);

/** Nano-dollars for a million tokens. Absent: the price list has no such price, and what has none is unpriced usage. */
const priceRow = {
  promptNanoPerMillion: nanoPerMillion,
  cachedPromptNanoPerMillion: nanoPerMillion,
  cacheWriteNanoPerMillion: nanoPerMillion.optional(),
  completionNanoPerMillion: nanoPerMillion,
  /** Absent: as the completion. */
  reasoningNanoPerMillion: nanoPerMillion.optional(),
  audioPromptNanoPerMillion: nanoPerMillion.optional(),
  audioCompletionNanoPerMillion: nanoPerMillion.optional(),
};

const priceTier = {
  ...priceRow,
  /** For the whole of a request with more prompt tokens than this. */
  longContext: z.strictObject({ abovePromptTokens: z.int().min(1), ...priceRow }).optional(),
};

// Strict: a kind of price that this build does not know would be charged at another.
const price = z.strictObject({
  ...priceTier,
  toolCallsNanoPerThousand: z.record(z.string(), z.int().min(0)).optional(),
  /** By the `service_tier` of the answer; others are the price's own. */
  serviceTiers: z.record(z.string(), z.strictObject(priceTier)).optional(),
});

// Strict, as are limits and guardrails: a setting that this build does not know may change what is enforced, and a
// replica must rather not be ready than skip it.
const credential = z.union([z.strictObject({ env: z.string() }), z.strictObject({ file: z.string() })]);

const entraWorkloadIdentity = z.strictObject({
  /** What is absent, upstream's environment says. */
  tenantId: z.string().optional(),
  clientId: z.string().optional(),
  tokenFile: z.string().optional(),
  authority: z.string().optional(),
  scope: z.string(),
});

// Strict, as is a team: what a router must not pass, or pass by, must not be skipped.
const model = z.strictObject({
  /** What callers say. */
  name: z.string(),
  /** What the provider is told. */
  deployment: z.string(),
  /** What the price follows. */
  baseModel: z.string(),
  /** Where the provider works on it: its own, else its provider's. Absent: nobody said, so in no region. */
  region: z.string().optional(),
  /** Requests and tokens of a minute that the provider lets pass. Absent: nobody said. */
  rpm: z.int().min(1).optional(),
  tpm: z.int().min(1).optional(),
  /** Under a strict limit: the output limit, in tokens, of a caller that gives none. */
  outputTokensMax: z.int().min(1).optional(),
  /** Upper bounds of the tokens of one image and one file of a prompt. Absent: not to be bounded. */
  imageTokensMax: z.int().min(1).optional(),
  fileTokensMax: z.int().min(1).optional(),
});

const provider = z.object({
  name: z.string(),
  type: z.enum(['azure-openai', 'openai', 'anthropic']),
  /** Base URL without a slash at its end, query or credentials. */
  endpoint: z.string(),
  /** Plain http to other machines was allowed. */
  insecure: z.boolean(),
  /** Where the credential stands, never the credential. Absent: the endpoint needs none. */
  apiKey: credential.optional(),
  /** Instead of a key: how tokens are come by. */
  credential: z.strictObject({ entraWorkloadIdentity }).optional(),
  apiVersion: z.string().optional(),
  models: z.array(model).min(1),
});

const limit = z.strictObject({
  /** As reservations on the wire call it. */
  quantity: z.enum(['tokens', 'prompt_tokens', 'completion_tokens', 'cost_nano_usd', 'requests', 'concurrency']),
  /** In units of the quantity. */
  amount: z.int().min(1),
  /** 1m, 15m, 6h, 7d, 1mo, …; empty for concurrency. */
  window: z.string(),
  /** As callers name them, sorted. Absent: all. */
  models: z.array(z.string()).min(1).optional(),
  /** Of a team: names of its keys that it binds, sorted. Absent: all. */
  keys: z.array(z.string()).min(1).optional(),
  /** Counts each of these apart: key, user (the caller's `user`), metadata.<name>. Absent: all together. */
  per: z.string().optional(),
  /** With per: values beyond so many in a window share one counter, as do requests without a value. */
  valuesMax: z.int().min(1).optional(),
  /**
   * hard refuses by what requests are estimated to use; strict by the most that they can, and bounds their output; soft tells
   * the caller and the ledger that it is passed; shadow only the ledger.
   */
  mode: z.enum(['hard', 'strict', 'soft', 'shadow']),
  /** IANA name; UTC unless the file says otherwise. */
  timeZone: z.string(),
  /** What counts is what was used in the time of one window before, whenever that begins. Absent: calendar windows. */
  rolling: z.literal(true).optional(),
  /**
   * A rate by GCRA: the amount flows back evenly over each window, and so much may come at once, in units of the
   * quantity. Absent: what was used is counted by windows.
   */
  burst: z.int().min(1).optional(),
  /** While the store of the budgets is away, admissions that only such limits bind go on. Absent: refused. */
  onStoreFailure: z.literal('allow-within-share').optional(),
  /** In per cent, ascending: counters that reach them are told. Absent: as `thresholdsOf` says. */
  thresholds: z.array(z.int().min(1).max(100)).optional(),
});

const webhook = z.object({
  /** Unique in a configuration; its queue is called by it. */
  name: z.string(),
  /** Told of limits of this scope and of those below it. */
  scope: z.enum(['organization', 'project', 'team']),
  scopeId: id,
  /** Or where it stands, where it is a secret itself. */
  url: z.union([z.string(), credential]),
  format: z.enum(['json', 'slack', 'teams']),
  /** Where the secret stands that signs. Absent: nothing is signed. */
  secret: credential.optional(),
  /** Only these, in per cent. Absent: all that limits tell. */
  thresholds: z.array(z.int()).optional(),
  /** Told of limits that begin to refuse, too. */
  refusals: z.boolean(),
  /** Plain http to other machines was allowed. */
  insecure: z.boolean(),
});

const onError = z.enum(['refuse', 'pass']);

const piiMasking = z.strictObject({
  kind: z.literal('piiMasking'),
  onError,
  entities: z.array(z.enum(['email', 'phone', 'ssn'])).min(1),
  /** Absent: each value becomes a placeholder. */
  mode: z.enum(['redact', 'block']).optional(),
});

const semanticCache = z.strictObject({
  kind: z.literal('semanticCache'),
  onError,
  /** Cosine, 0 to 1. */
  similarityThreshold: z.number().min(0).max(1),
  ttlSeconds: z.int().min(1),
  scope: z.enum(['key', 'team', 'proxy']),
  maxEntries: z.int().min(1),
  agreement: z.enum(['exact', 'content', 'facts', 'none']),
  embedder: z.literal('LOCAL'),
});

/** Which target of a rotation is tried first; the others follow as failover. */
export const STRATEGIES = [
  'round-robin',
  'weighted',
  'least-latency',
  'least-busy',
  'lowest-cost',
  'priority',
] as const;

const modelRotation = z.strictObject({
  kind: z.literal('modelRotation'),
  onError: z.literal('refuse'),
  strategy: z.enum(STRATEGIES),
  models: z
    .array(
      z.strictObject({
        model: z.string(),
        provider: z.string(),
        /** Its part of the turns; of strategy weighted only. */
        weight: z.int().min(1).optional(),
      }),
    )
    .min(1),
  /** 0 = never suspended. */
  suspendDurationSeconds: z.int().min(0),
  maxSuspendSeconds: z.int().min(0),
  /** Targets tried for one request at most. */
  attempts: z.int().min(1),
  /** Models that the proxy does not offer are served by the rotation, too. */
  override: z.boolean(),
  /** A second call beside one without content for so long, of this share of requests at most. Absent: none. */
  hedge: z.strictObject({ afterMs: z.int().min(1), maxShare: z.number().gt(0).max(1) }).optional(),
});

const guardrail = z.discriminatedUnion('kind', [piiMasking, semanticCache, modelRotation]);

const proxy = z.object({
  /** `<project>.<name>` */
  id,
  name: z.string(),
  /** The project's name. */
  project: z.string(),
  version: z.string(),
  /** First segment of the path, without slashes. */
  context: z.string(),
  /** Serves what is not in the rotation. */
  provider: z.string(),
  /** Also served at the root. */
  isDefault: z.boolean(),
  /** In the order in which they run. */
  guardrails: z.array(guardrail),
  /** For a whole JSON answer, from the request's arrival. */
  deadlineMs: z.int().min(1),
});

const team = z.strictObject({
  /** `<project>.<name>` */
  id,
  name: z.string(),
  limits: z.array(limit),
  /** Its requests go to models in these only, sorted. Absent: to all. */
  regions: z.array(z.string()).min(1).optional(),
});

const project = z.object({
  id,
  name: z.string(),
  limits: z.array(limit),
  teams: z.array(team),
  proxies: z.array(proxy),
});

/** One revision of the configuration with everything resolved, as the bucket holds it. Other unknown members are ignored. */
export const snapshotSchema = z.object({
  revision: z.int().min(1),
  appliedAtMs: milliseconds,
  /** Changes when a price does; stands in each row of the ledger. */
  priceListVersion: z.string(),
  organization: z.object({ id, name: z.string() }),
  limits: z.array(limit),
  webhooks: z.array(webhook).optional(),
  /** Of the base models that are offered. */
  prices: z.record(z.string(), price),
  /** Of what `prices` does not have; absent: every offered model is there. */
  fallbackPrice: price.optional(),
  providers: z.array(provider),
  projects: z.array(project),
  /** What the operator should know; services log them at each start. */
  warnings: z.array(z.string()),
});

export type ConfigSnapshot = z.output<typeof snapshotSchema>;
export type Price = z.output<typeof price>;
export type Credential = z.output<typeof credential>;
export type EntraWorkloadIdentity = z.output<typeof entraWorkloadIdentity>;
export type Model = z.output<typeof model>;
export type Provider = z.output<typeof provider>;
export type Limit = z.output<typeof limit>;
export type Webhook = z.output<typeof webhook>;
export type Guardrail = z.output<typeof guardrail>;
export type PiiMasking = z.output<typeof piiMasking>;
export type SemanticCache = z.output<typeof semanticCache>;
export type ModelRotation = z.output<typeof modelRotation>;
export type ProxySettings = z.output<typeof proxy>;
export type Team = z.output<typeof team>;
export type Project = z.output<typeof project>;
