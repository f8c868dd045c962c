import type { PiiResult } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import { next, refuse, type Verdict } from '../../domain/verdict.ts';
import type { Run } from '../run.ts';
import { unexpected } from './authorize.ts';
import type { Tools } from './tools.ts';

/** 16 MiB of text are scanned in a few seconds on a slow core. */
const timeoutMs = 20_000;

/** Tokens would pass unseen what this proxy promises to mask. */
const tokensRefused = new TollgateError('invalid_request', {
  message:
    'This proxy masks personal data, which it cannot do in tokens: send "input" as text (in LangChain, check_embedding_ctx_length=False).',
  param: 'input',
});

/** Personal data out of every text that the model reads, before anything else sees it. */
export function mask(run: Run, tools: Tools, guardrail: number): Promise<Verdict> {
  if (run.body.index.hasTokens) return Promise.resolve(refuse(toErrorDetail(tokensRefused)));
  return run.encodedPii ? maskLarge(run, tools, run.encodedPii) : maskSmall(run, tools, guardrail);
}

async function maskSmall(run: Run, { pii }: Tools, guardrail: number): Promise<Verdict> {
  const texts = run.body.texts();
  if (texts.length === 0) return next;
  const result = await pii.call(run.call(guardrail, timeoutMs, { $case: 'pii', value: { texts } }));
  if (result.$case === 'error') return refuse(result.value);
  if (result.$case !== 'pii') throw unexpected(result.$case);
  return take(run, result.value);
}

/** Texts of a large body are encoded and put back in the worker thread: this one only passes them on. */
async function maskLarge(run: Run, { pii, parser }: Tools, encoded: Uint8Array): Promise<Verdict> {
  run.encodedPii = undefined;
  const { requestId, timeoutMs: leftMs } = run.call(0, timeoutMs, undefined);
  const answer = await pii.callEncoded({ encoded, requestId, timeoutMs: leftMs });
  let result: typeof answer | undefined = answer;
  if (answer.$case === 'encoded') {
    const { body, said } = await parser.mask(run.body, answer.value);
    run.body = body;
    result = said;
  }
  if (result?.$case === 'error') return refuse(result.value);
  if (result?.$case !== 'pii') throw unexpected(result?.$case ?? 'nothing');
  return take(run, result.value, answer.$case === 'encoded');
}

function take(run: Run, { masked, entities, originals, refusal }: PiiResult, alreadyIn = false): Verdict {
  if (run.row) {
    run.row.piiEntities = entities;
    const found = masked.length > 0 || alreadyIn || refusal !== undefined;
    if (found) run.row.guardrailHits.piiMasking = (run.row.guardrailHits.piiMasking ?? 0) + 1;
  }
  if (refusal) return refuse(refusal);
  if (masked.length > 0) run.body = run.body.withTexts(masked);
  Object.assign(run.restore, originals);
  return next;
}
