import type { AnswerSender } from '@tollgate/bus';
import type { ConfigSnapshot, ProxySettings } from '@tollgate/config';
import type {
  BackgroundCall,
  CacheFillPlan,
  GuardRequest,
  Receipt,
  Request,
  ResponseName,
  Target,
  UsageEvent,
} from '@tollgate/contracts';
import type { Body } from '../domain/body/body.ts';
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
