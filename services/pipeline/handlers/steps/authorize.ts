import { limitsNeedUser, resolveModel } from '@tollgate/config';
import { type InputBound, KeptAnswer, Surface } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import type { Body } from '../../domain/body/body.ts';
import type { InputParts } from '../../domain/body/input-parts.ts';
import { maskedBytesMax } from '../../domain/body/masked-bytes.ts';
import { noModelText } from '../../domain/no-model.ts';
import { usageRow } from '../../domain/usage-row.ts';
import { next, refuse, type Verdict } from '../../domain/verdict.ts';
import type { Run } from '../run.ts';
import type { Tools } from './tools.ts';

/** One script at Redis; longer, and the store is as good as away. */
const timeoutMs = 2000;

/** Key → team, access, budgets. From its receipt on the request is admitted and ends in a row. */
export async function authorize(run: Run, guards: Tools): Promise<Verdict> {
  const { request, body } = run;
  const { index } = body;
  const result = await guards.auth.call(
    run.call(0, timeoutMs, {
      $case: 'auth',
      value: {
        keyHash: request.keyHash,
        surface: request.surface,
        model: run.askedModel,
        startedAtMs: request.startedAtMs,
        bodyBytes: body.bytes.length,
        outputTokensMax: index.outputTokensMax,
        n: Math.max(1, index.n),
        stream: index.stream,
        user: limitsNeedUser(run.snapshot) ? index.user : '',
        metadata: request.metadata,
        clientAddress: request.clientAddress,
        owner: run.answer.ingressInbox,
        ...(index.input && { input: inputBound(index.input, body, run) }),
        ...(run.claim && { idempotency: run.claim }),
      },
    }),
  );
  if (result.$case === 'error') return refuse(result.value);
  if (result.$case !== 'auth') throw unexpected(result.$case);
  const { receipt, refusal, headers, hits, models, idempotency } = result.value;
  Object.assign(run.headers, headers);
  if (receipt) {
    run.receipt = receipt;
    run.row = usageRow(request, receipt, body, run.proxy.name, run.snapshot.priceListVersion);
    Object.assign(run.row.guardrailHits, hits);
  }
  if (refusal) return refuse(refusal);
  if (!receipt) throw unexpected('auth without receipt');
  if (run.claim) {
    run.joining = idempotency?.running ?? '';
    run.holdsKey = idempotency === undefined;
    if (idempotency) {
      return run.joining === '' ? { kind: 'replay', answer: KeptAnswer.decode(idempotency.answer) } : next;
    }
  }
  run.allowedModels = models;
  const works = request.surface !== Surface.MODELS && request.surface !== Surface.STORED_RESPONSES;
  return works ? resolve(run) : next;
}

function inputBound({ dataBytes, ...parts }: InputParts, { bytes }: Body, { proxy }: Run): InputBound {
  return { ...parts, textBytesMax: maskedBytesMax(bytes.length, proxy) - dataBytes };
}

/** Which model was meant; only somebody with a key learns which models exist. */
function resolve(run: Run): Verdict {
  // A rotation's next model would be one for chats, and each has a space of its own.
  if (run.request.surface === Surface.EMBEDDINGS && run.askedModel === '') {
    return refuse(
      toErrorDetail(new TollgateError('invalid_request', { message: '"model" is missing.', param: 'model' })),
    );
  }
  const { surface } = run.request;
  const resolved = resolveModel(run.snapshot, run.proxy, run.askedModel, surface);
  if (resolved.kind === 'unknown') {
    const message = noModelText(run.askedModel, surface, resolved.elsewhere ?? false);
    return refuse(toErrorDetail(new TollgateError('model_not_found', { message, param: 'model' })));
  }
  run.model = resolved.kind === 'named' ? run.askedModel : '';
  return next;
}

export function unexpected(what: string): TollgateError {
  return new TollgateError('internal_error', { internal: `a guard answered "${what}", which was not asked` });
}
