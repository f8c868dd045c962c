import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerSender } from '@tollgate/bus';
import type { ConfigSnapshot, ProxySettings } from '@tollgate/config';
import { Request, Surface } from '@tollgate/contracts';
import { Body } from '../domain/body/body.ts';
import { indexBody } from '../domain/body/index-body.ts';
import { Run } from './run.ts';

const bytes = Buffer.from('{"input":"Hello"}');
const body = new Body(bytes, indexBody(bytes, Surface.RESPONSES));

function deadlineAfterMs(asked: { callerMs: number; proxyMs: number }): number {
  const startedAtMs = 1_700_000_000_000;
  const request = { ...Request.decode(new Uint8Array(0)), startedAtMs, deadlineAtMs: startedAtMs + asked.callerMs };
  const proxy = { deadlineMs: asked.proxyMs } as ProxySettings;
  const run = new Run(request, {} as ConfigSnapshot, proxy, body, {} as AnswerSender);
  return run.request.deadlineAtMs - startedAtMs;
}

test("the sooner of the proxy's deadline and the caller's counts", () => {
  assert.equal(deadlineAfterMs({ callerMs: 280_000, proxyMs: 5000 }), 5000);
  assert.equal(deadlineAfterMs({ callerMs: 2000, proxyMs: 5000 }), 2000);
});
