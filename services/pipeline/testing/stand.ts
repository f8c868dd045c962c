import { EventEmitter } from 'node:events';
import type { AnswerSender, Bus } from '@tollgate/bus';
import { type ConfigSnapshot, parseConfigFile, resolveConfig } from '@tollgate/config';
import {
  AuthResult,
  type Dispatch,
  type Entry,
  type GuardReply,
  Receipt,
  Request,
  RouteResult,
  Surface,
  type Target,
  type UsageEvent,
} from '@tollgate/contracts';
import type { GuardBus, GuardPool } from '@tollgate/guard';
import { createLogger } from '@tollgate/telemetry';
import type { Dispatcher } from '../adapters/dispatcher.ts';
import type { ParsePool } from '../adapters/parse-pool.ts';
import type { Tools } from '../handlers/steps/tools.ts';
import { Taker } from '../handlers/take.ts';

export const silent = createLogger({ service: 'pipeline', replica: 'test', level: 'silent' });

const noBytes = new Uint8Array(0);
type Result = NonNullable<GuardReply['result']>;
type Complete = Parameters<AnswerSender['complete']>[0];

/** A guard that answers so, whatever it is asked. */
export const answering = (answer: () => Result | Promise<Result>): GuardPool => {
  const call = async () => answer();
  return { call, callEncoded: call, ready: () => true, usable: 1, outstanding: 0, close: () => {} };
};

const receipt: Receipt = { ...Receipt.decode(noBytes), requestId: 'r', organizationId: 'acme', teamId: 'sample.team' };
const target: Target = { provider: 'azure', model: 'm', deployment: 'm', baseModel: 'm', region: '', probe: false };

const guards = () => ({
  auth: answering(() => ({ $case: 'auth', value: { ...AuthResult.decode(noBytes), receipt } })),
  pii: answering(() => ({ $case: 'pii', value: { masked: [], entities: {}, originals: {}, refusal: undefined } })),
  cache: answering(() => ({ $case: 'cache', value: { hit: undefined } })),
  router: answering(() => ({
    $case: 'route',
    value: { ...RouteResult.decode(noBytes), targets: [target], attemptsMax: 1 },
  })),
});

/** A proxy `proxy` with these guardrails, as a YAML list. */
export function snapshotWith(guardrails: string): ConfigSnapshot {
  const configuration = `
organization: acme
priceList: { m: { prompt: 1, completion: 1 } }
providers: [{ name: azure, type: azure-openai, endpoint: 'https://azure.example', apiKey: { env: KEY }, models: [m] }]
projects:
  - name: sample
    teams: [{ name: team }]
    proxies: [{ name: proxy, context: /proxy, provider: azure, default: true, guardrails: ${guardrails} }]
`;
  return resolveConfig(parseConfigFile(configuration), 1, Date.now());
}

export interface StandOptions {
  snapshot: ConfigSnapshot;
  parser: ParsePool;
  /** Instead of guards that let all pass. */
  pools: Partial<ReturnType<typeof guards>>;
  runsMax: number;
}

/** Takes requests among stand-ins of all that is around pipeline, and keeps what they were told. */
export class Stand {
  readonly taker: Taker;
  readonly dispatched: { draft: Pick<Dispatch, 'usage' | 'cacheFill'>; body: string }[] = [];
  readonly answers: Complete[] = [];
  readonly heads: Parameters<AnswerSender['head']>[0][] = [];
  readonly rows: UsageEvent[] = [];
  readonly entries: Entry[] = [];
  readonly published: string[] = [];
  /** What JetStream has not acknowledged is at its bounds. */
  usageIsFull = false;

  constructor({ snapshot, parser, pools, runsMax }: StandOptions) {
    const tools = { ...guards(), ...pools, parser } as unknown as Tools;
    this.taker = new Taker({
      ...{ bus: this.#bus(snapshot), tools, logger: silent, runsMax },
      dispatcher: {
        dispatch: async (draft: Dispatch, body: Uint8Array) => {
          this.dispatched.push({ draft, body: Buffer.from(body).toString() });
          return { accepted: true, owner: 'upstream' };
        },
      } as unknown as Dispatcher,
    });
  }

  #bus(snapshot: ConfigSnapshot): Bus {
    const answer = {
      head: (head: (typeof this.heads)[number]) => this.heads.push(head),
      complete: (complete: Complete) => this.answers.push(complete),
      handOver: () => {},
    };
    return {
      ...{ replica: 'pipeline-1', inbox: 'pipeline' },
      config: { current: () => snapshot },
      usage: { full: () => this.usageIsFull, publish: (row: UsageEvent) => this.rows.push(row) },
      mailbox: { send: (_to: string, entry: Entry) => this.entries.push(entry) },
      owned: { open: () => answer },
      publish: (subject: string) => this.published.push(subject),
    } as unknown as Bus;
  }

  /** A chat completion is taken and followed until pipeline has done with it. */
  async take(content: string, fields: Partial<Request> = {}): Promise<void> {
    const body = Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }));
    const nowMs = Date.now();
    const request = {
      ...Request.decode(noBytes),
      ...{ requestId: 'r', surface: Surface.CHAT_COMPLETIONS, context: 'proxy', body, bodyBytes: body.length },
      ...{ startedAtMs: nowMs, acceptByMs: nowMs + 1000, deadlineAtMs: nowMs + 10_000, ingressInbox: 'ingress' },
      ...fields,
    };
    this.taker.take(Request.encode(request).finish());
    await this.taker.drained();
  }

  /** The one answer that pipeline gave itself, in short. */
  get answered(): { status: number; code: string | undefined } {
    const [answer] = this.answers;
    return { status: answer?.response.httpStatus ?? 0, code: answer?.end.error?.code };
  }
}

/** In memory: what is published is received in the same turn. */
export function memoryBus(): GuardBus {
  const emitter = new EventEmitter().setMaxListeners(0);
  return {
    publish: (subject, bytes) => void emitter.emit(subject, bytes),
    subscribe: (subject, receive) => {
      emitter.on(subject, receive);
      return { stop: () => emitter.off(subject, receive) };
    },
  };
}
