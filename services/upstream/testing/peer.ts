import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type AnswerReceiver, type Bus, payloadBytesMax, subjects, type UsageConsumer } from '@tollgate/bus';
import {
  type Accepted,
  CacheFill,
  Dispatch,
  type End,
  type Frame,
  LeaseRenewal,
  Reclaim,
  type Rejected,
  RouteReport,
  Surface,
  type Target,
  UsageEvent,
} from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';

export type DispatchFields = Partial<Omit<Dispatch, 'body'>> & { body: object };

export interface Answer {
  requestId: string;
  status: number;
  headers: Record<string, string>;
  text: string;
  end: End;
  /** When each frame with content came, milliseconds. */
  arrivals: number[];
}

export const target = (model: 'gpt-4o' | 'mini' = 'gpt-4o', fields: Partial<Target> = {}): Target => {
  const name = model === 'mini' ? 'gpt-4o-mini' : model;
  return { provider: 'azure', model, deployment: name, baseModel: name, region: '', probe: false, ...fields };
};

export const chat = (prompt: string, more: object = {}) => ({
  model: 'x',
  messages: [{ role: 'user', content: prompt }],
  ...more,
});

/** Plays pipeline and ingress to the upstreams under test, and hears what they tell the others. */
export class Peer {
  revision = 1;
  readonly #bus: Bus;
  readonly #events = new EventEmitter().setMaxListeners(0);
  readonly #consumer: UsageConsumer;
  readonly rows = new Map<string, UsageEvent[]>();
  readonly reports: RouteReport[] = [];
  readonly renewals: LeaseRenewal[] = [];
  readonly fills: CacheFill[] = [];

  private constructor(bus: Bus, consumer: UsageConsumer) {
    this.#bus = bus;
    this.#consumer = consumer;
  }

  static async start(bus: Bus): Promise<Peer> {
    const onBatch: { handle: (events: UsageEvent[]) => void } = { handle: () => {} };
    const consumer = await bus.consumeUsage({
      durable: 'test',
      batchMax: 100,
      onBatch: async (messages) => onBatch.handle(messages.flatMap(({ batch }) => batch.events)),
    });
    const peer = new Peer(bus, consumer);
    onBatch.handle = (events) => peer.#rows(events);
    bus.subscribe(subjects.routeReport, (bytes) => {
      peer.reports.push(RouteReport.decode(bytes));
      peer.#events.emit('report');
    });
    bus.subscribe(subjects.leaseRenew, (bytes) => {
      peer.renewals.push(LeaseRenewal.decode(bytes));
      peer.#events.emit('renewal');
    });
    bus.subscribe(subjects.cacheFill, (bytes) => peer.fills.push(CacheFill.decode(bytes)));
    bus.onNoResponders((requestId) => {
      peer.#events.emit(requestId, {
        dispatch: 0,
        error: toErrorDetail(new TollgateError('overloaded', { internal: nobodyThere })),
      });
    });
    bus.onDispatchReply(({ requestId, body }) => {
      if (body?.$case === 'accepted' || body?.$case === 'rejected') peer.#events.emit(requestId, body.value);
    });
    return peer;
  }

  /** A dispatch as pipeline would send it. */
  dispatch({ body, ...fields }: DispatchFields): Dispatch {
    const bytes = Buffer.from(JSON.stringify(body));
    const requestId = fields.requestId ?? randomUUID();
    const literal = JSON.stringify((body as { model?: string }).model);
    const now = Date.now();
    const surface = fields.surface ?? Surface.CHAT_COMPLETIONS;
    return {
      requestId,
      dispatch: 1,
      acceptByMs: now + 20_000,
      deadlineAtMs: now + 20_000,
      pipelineInbox: this.#bus.inbox,
      ingressInbox: this.#bus.inbox,
      revision: this.revision,
      surface,
      stream: (body as { stream?: boolean }).stream === true,
      includeUsage: false,
      targets: [target()],
      attemptsMax: 3,
      headers: {},
      modelOffset: literal ? bytes.indexOf(literal) : 1,
      modelLength: literal ? literal.length : 0,
      usage: usageRow(requestId, surface, now),
      cacheFill: undefined,
      bodyBytes: bytes.length,
      body: bytes,
      hops: 0,
      proxyId: 'sample.proxy',
      firstContentByMs: 0,
      ...fields,
    };
  }

  offer(dispatch: Dispatch): void {
    const { provider = '' } = dispatch.targets[0] ?? {};
    this.#bus.offer(subjects.dispatch(provider), Dispatch.encode(dispatch).finish(), dispatch.requestId);
  }

  reclaim(requestId: string): void {
    const { inbox } = this.#bus;
    this.#bus.publish(subjects.reclaim, Reclaim.encode({ requestId, pipelineInbox: inbox }).finish());
  }

  /** What an upstream says to a dispatch or a reclaim. */
  async reply(requestId: string): Promise<Accepted | Rejected> {
    const [reply] = (await once(this.#events, requestId)) as [Accepted | Rejected];
    return reply;
  }

  /** Dispatches and reads the answer to its end. `onFrame` hears each frame; false: it is not consumed yet. */
  async ask(
    fields: DispatchFields,
    onFrame: (frame: Frame, receiver: AnswerReceiver) => unknown = () => {},
  ): Promise<Answer> {
    const dispatch = this.dispatch(fields);
    const { requestId, body: whole } = dispatch;
    if (whole.length > payloadBytesMax / 2) dispatch.body = new Uint8Array();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const answer: Answer = { requestId, status: 0, headers: {}, text: '', end: emptyEnd, arrivals: [] };
    const parts: Uint8Array[] = [];
    const receiver = this.#bus.awaited.open(requestId, {
      onFrame: (frame) => {
        if (frame.response) {
          answer.status = frame.response.httpStatus;
          answer.headers = frame.response.headers;
        }
        if (frame.content.length > 0) {
          parts.push(frame.content);
          answer.arrivals.push(Date.now());
        }
        const consumed = onFrame(frame, receiver) !== false;
        if (consumed && !receiver.closed) receiver.consumed(frame.content.length);
        if (!frame.end) return;
        answer.text = Buffer.concat(parts).toString('utf8');
        answer.end = frame.end;
        resolve(answer);
      },
      onLost: () => reject(new Error(`the owner of ${requestId} was lost`)),
    });
    const said = await this.#offerUntilHeard(dispatch);
    if (!('controlSubject' in said)) throw new Error(`rejected: ${said.error?.code} ${said.error?.internal}`);
    if (whole.length > dispatch.body.length) this.#bus.bodies.send(requestId, whole, said.controlSubject);
    const head = {
      headers: {},
      restore: {},
      owner: '',
      stream: dispatch.stream,
      surface: dispatch.surface,
    };
    const sender = this.#bus.owned.open({
      requestId,
      ingressInbox: this.#bus.inbox,
      firstSequence: 0,
      onCancel: () => {},
    });
    sender.head(head);
    sender.handOver(said.controlSubject);
    return promise;
  }

  /** As pipeline does it: again while nobody is there, who may be just joining. */
  async #offerUntilHeard(dispatch: Dispatch): Promise<Accepted | Rejected> {
    for (let offers = 1; ; offers++) {
      const reply = this.reply(dispatch.requestId);
      this.offer(dispatch);
      const said = await reply;
      const nobody = 'error' in said && said.error?.internal === nobodyThere;
      if (!nobody || offers === 50) return said;
      await delay(20);
    }
  }

  async row(requestId: string): Promise<UsageEvent> {
    for (;;) {
      const row = this.rows.get(requestId)?.at(-1);
      if (row) return row;
      await once(this.#events, 'row');
    }
  }

  /** The reports of one request, once there are so many. */
  async reportsOf(requestId: string, count = 1): Promise<RouteReport[]> {
    for (;;) {
      const found = this.reports.filter((report) => report.requestId === requestId);
      if (found.length >= count) return found;
      await once(this.#events, 'report');
    }
  }

  async renewal(): Promise<LeaseRenewal> {
    if (this.renewals.length === 0) await once(this.#events, 'renewal');
    return this.renewals.shift() as LeaseRenewal;
  }

  async stop(): Promise<void> {
    await this.#consumer.stop();
  }

  #rows(events: UsageEvent[]): void {
    for (const event of events) {
      const id = event.receipt?.requestId ?? '';
      this.rows.set(id, [...(this.rows.get(id) ?? []), event]);
    }
    this.#events.emit('row');
  }
}

const nobodyThere = 'nobody is there';
const emptyEnd: End = { status: 0, error: undefined, contentBytes: 0 };

/** The row as pipeline hands it over. */
function usageRow(requestId: string, surface: Surface, startedAtMs: number): UsageEvent {
  const row = UsageEvent.decode(new Uint8Array());
  row.version = 3;
  row.proxy = 'sample.proxy';
  row.surface = surface;
  row.delivered = 1;
  row.stageUs = { auth: 10 };
  row.receipt = {
    requestId,
    organizationId: 'acme',
    organization: 'acme',
    projectId: 'sample',
    project: 'sample',
    teamId: 'sample.engineering',
    team: 'engineering',
    keyId: 'k',
    startedAtMs,
    revision: 1,
    reservations: [],
    estimatedPromptTokens: 33,
    estimatedCompletionTokens: 100,
  };
  return row;
}
