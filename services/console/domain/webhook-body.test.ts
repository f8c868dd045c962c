import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Webhook } from '@tollgate/config';
import type { LimitEvent } from '@tollgate/contracts';
import { limitEvent } from '../testing/limit-event.ts';
import { bodyOf } from './webhook-body.ts';

const parsed = (format: Webhook['format'], event: LimitEvent) => JSON.parse(bodyOf(format, event));
const sentence =
  'Team engineering of project sample has used 80 % of the limit of 1,000,000 tokens for 1d. It begins anew at 2026-11-27T00:00:00.000Z.';

test('json: type, timestamp and data, as Standard Webhooks have it', () => {
  assert.deepEqual(parsed('json', limitEvent()), {
    type: 'limit.threshold',
    timestamp: '2026-11-26T00:00:05.000Z',
    data: {
      id: 'lim_1',
      text: sentence,
      ...{ organization: 'acme', project: 'sample', projectId: 'sample', team: 'engineering' },
      ...{ teamId: 'sample.engineering', scope: 'team', scopeId: 'sample.engineering', scopeName: 'engineering' },
      ...{ quantity: 'tokens', amount: 1_000_000, window: '1d', mode: 'hard', timeZone: 'UTC', models: [], per: '' },
      ...{ value: '', percent: 80, spent: 812_345, reserved: 0, revision: 7 },
      windowStart: '2026-11-26T00:00:00.000Z',
      windowEnd: '2026-11-27T00:00:00.000Z',
    },
  });
  const refused = parsed('json', limitEvent({ kind: 'refused', percent: 0 }));
  assert.equal(refused.type, 'limit.refused');
  assert.equal(Object.hasOwn(refused.data, 'percent'), false);
  assert.match(refused.data.text, /^Requests of team engineering of project sample are refused: /);
});

test('slack: a text and blocks, in which nothing is a mention or a link', () => {
  const { text, blocks } = parsed('slack', limitEvent({ scopeName: '<!channel> & co' }));
  assert.ok(text.startsWith('Budget at 80 %: team &lt;!channel&gt; &amp; co of project sample. Team '), text);
  assert.deepEqual(
    blocks.map(({ text: inside }: { text: { type: string } }) => inside.type),
    ['plain_text', 'plain_text', 'plain_text'],
  );
  assert.match(blocks[2].text.text, /^Used: 812,345 tokens of 1,000,000 tokens\n/);
  const long = parsed('slack', limitEvent({ scopeName: 'x'.repeat(300) }));
  assert.ok(long.blocks[0].text.text.length <= 150);
});

test('teams: an Adaptive Card whose texts are not read as Markdown', () => {
  const { type, attachments } = parsed('teams', limitEvent({ scopeName: '**[x](https://evil.example)**' }));
  assert.equal(type, 'message');
  const [{ contentType, content }] = attachments;
  assert.deepEqual(
    [contentType, content.type, content.version],
    ['application/vnd.microsoft.card.adaptive', 'AdaptiveCard', '1.4'],
  );
  for (const { type: block, inlines } of content.body) {
    assert.equal(block, 'RichTextBlock');
    for (const inline of inlines) assert.equal(inline.type, 'TextRun');
  }
});

test('money is said in dollars, exactly', () => {
  const cost = (amount: number, spent: number) =>
    parsed('slack', limitEvent({ quantity: 'cost_nano_usd', amount, spent })).blocks[2].text.text.split('\n')[0];
  assert.equal(cost(50_000_000_000, 40_250_000_000), 'Used: 40.25 US dollars of 50 US dollars');
  assert.equal(cost(9_000_000_000_000_000, 1), 'Used: 0.000000001 US dollars of 9000000 US dollars');
});
