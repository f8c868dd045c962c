import type { AnswerSender } from '@tollgate/bus';
import type { ConfigSnapshot, ProxySettings } from '@tollgate/config';
import {
  type BackgroundCall,
  type CacheFillPlan,
  type GuardRequest,
  type IdempotencyClaim,
  type Receipt,
  type Request,
  type ResponseName,
  Surface,
  type Target,
  type UsageEvent,
} from '@tollgate/contracts';
import type { Body } from '../domain/body/body.ts';
import { isLeave } from '../domain/idempotency.ts';
import { askedModel } from '../domain/usage-row.ts';

/** All that pipeline knows of one request on its way; the steps read and fill it. Nothing of it outlives the request. */
export class Run {
  readonly request: Request;
  readonly snapshot: ConfigSnapshot;
  readonly proxy: ProxySettings;
  readonly answer: AnswerSender;
  body: Body;
  /** Of a large body: its texts, encoded for guard-pii where they were read. */
  encodedPii: Uint8Array | undefined;
  /** As the caller named it, by path or body; empty when not at all. */
  readonly askedModel: string;
  /** Empty: the rotation decides. */
  model = '';
  /** Those that the key may use, of a call of models; none = all. */
  allowedModels: readonly string[] = [];
  receipt: Receipt | undefined;
  row: UsageEvent | undefined;
  targets: Target[] = [];
  attemptsMax = 1;
  cacheFill: CacheFillPlan | undefined;
  /** The response that is read or gone on from. */
  knownResponse: ResponseName | undefined;
  /** Of a request with an idempotency key. */
  claim: IdempotencyClaim | undefined;
  /** This request makes the call for its key. */
  holdsKey = false;
  /** The request that does; empty when none other does. */
  joining = '';
  /** What became of the key is being told. */
  told: Promise<unknown> | undefined;
  headSent = false;
  /** It runs in the background, or asks for a response that did. */
  background: BackgroundCall | undefined;
  /** Tollgate's own headers of the answer. */
  readonly headers: Record<string, string> = {};
  readonly restore: Record<string, string> = {};
  readonly stageUs: Record<string, number> = {};
  /** Why the caller is not waiting any more; empty while it is. */
  cancelled = '';

  constructor(request: Request, snapshot: ConfigSnapshot, proxy: ProxySettings, body: Body, answer: AnswerSender) {
    this.request = request;
    // The proxy's bound, unless the caller's is the sooner one.
    request.deadlineAtMs = Math.min(request.deadlineAtMs, request.startedAtMs + proxy.deadlineMs);
    this.snapshot = snapshot;
    this.proxy = proxy;
    this.body = body;
    this.answer = answer;
    this.askedModel = askedModel(request, body);
  }

  /** Nobody is to work for it any more. Whoever leaves, a request that holds a key runs to its end. */
  get stopped(): boolean {
    return this.cancelled !== '' && !(this.holdsKey && isLeave(this.cancelled));
  }

  /** Frame 0, once. */
  sendHead(): void {
    if (this.headSent) return;
    this.headSent = true;
    const { headers, restore, request, body } = this;
    // Events by id are those of the surface that made them.
    const byId = request.stored?.stream ?? false;
    const surface = byId ? Surface.RESPONSES : request.surface;
    this.answer.head({ headers, restore, owner: '', stream: body.index.stream || byId, surface });
  }

  /** A guard's call, within what is left of the deadline. */
  call(guardrail: number, timeoutMsMax: number, call: GuardRequest['call']): Omit<GuardRequest, 'id'> {
    const leftMs = this.request.deadlineAtMs - Date.now();
    return {
      requestId: this.request.requestId,
      timeoutMs: Math.max(1, Math.min(timeoutMsMax, leftMs)),
      revision: this.snapshot.revision,
      proxy: this.proxy.id,
      guardrail,
      call,
    };
  }
}
