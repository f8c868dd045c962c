import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { RequestStatus, Surface, type Target, type UsageEvent } from '@tollgate/contracts';
import { type AnthropicSimulator, startAnthropicSimulator } from '@tollgate/testing/anthropic';
import { readAnswer } from '../testing/answers.ts';
import { Harness } from '../testing/harness.ts';
import { type Answer, target } from '../testing/peer.ts';

// The same cases for every type of provider: who asks cannot tell which one answers.

let harness: Harness;
let claude: AnthropicSimulator;

const sonnet = 'claude-sonnet-4-5';
const haiku = 'claude-haiku-4-5';

before(async () => {
  // The key that the harness keeps in a file.
  [harness, claude] = await Promise.all([Harness.start(), startAnthropicSimulator({ apiKey: 'azure-simulator-key' })]);
  const models = `[{ name: sonnet, deployment: ${sonnet}, baseModel: ${sonnet} }, { name: haiku, deployment: ${haiku}, baseModel: ${haiku} }]`;
  const providers =
    harness.provider('azure') +
    harness.provider('openai', { type: 'openai', endpoint: `${harness.simulator.address}/openai/v1` }) +
    harness.provider('claude', { type: 'anthropic', endpoint: claude.address, models });
  const price = '{ prompt: 3.00, cachedPrompt: 0.30, cacheWrite: 3.75, completion: 15.00 }';
  const prices = [...['gpt-4o', 'gpt-4o-mini'], sonnet, haiku].map((model) => `\n  ${model}: ${price}`).join('');
  await harness.apply(providers, prices);
  await harness.service('upstream-1');
});
after(async () => {
  await harness?.close();
  await claude?.close();
});
beforeEach(() => {
  harness.simulator.reset();
  claude.reset();
});

interface Kind {
  name: string;
  /** Two models: a failover goes from the first to the second. */
  targets: [Target, Target];
  simulator(): Harness['simulator'] | AnthropicSimulator;
}

const openaiTargets = (provider: string): [Target, Target] => [
  target('gpt-4o', { provider }),
  target('mini', { provider }),
];
const claudeTarget = (model: string, deployment: string): Target =>
  target('gpt-4o', { provider: 'claude', model, deployment, baseModel: deployment });

const kinds: Kind[] = [
  { name: 'azure-openai', targets: openaiTargets('azure'), simulator: () => harness.simulator },
  { name: 'openai', targets: openaiTargets('openai'), simulator: () => harness.simulator },
  {
    name: 'anthropic',
    targets: [claudeTarget('sonnet', sonnet), claudeTarget('haiku', haiku)],
    simulator: () => claude,
  },
];

/** One question in the words of either surface. */
interface Question {
  prompt: string | object[];
  tools?: string[];
  maxTokens?: number;
  more?: object;
}

const image = 'data:image/png;base64,iVBORw0KGgo=';
const weather = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

function bodyOf(surface: Surface, stream: boolean, { prompt, tools = [], maxTokens, more }: Question): object {
  const functions = tools.map((name) => ({ name, description: `Asks for ${name}.`, parameters: weather }));
  const common = { model: 'x', ...(stream && { stream }), ...more };
  if (surface === Surface.RESPONSES) {
    return {
      ...common,
      input: prompt,
      ...(tools.length > 0 && { tools: functions.map((fn) => ({ type: 'function', ...fn })) }),
      ...(maxTokens && { max_output_tokens: maxTokens }),
    };
  }
  return {
    ...common,
    messages: typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt,
    ...(tools.length > 0 && { tools: functions.map((fn) => ({ type: 'function', function: fn })) }),
    ...(maxTokens && { max_tokens: maxTokens }),
    // Pipeline asks for it always.
    ...(stream && { stream_options: { include_usage: true } }),
  };
}

function assertMeasured({ simulator }: Kind, row: UsageEvent): void {
  const { issued } = simulator().totals().all;
  assert.deepEqual(
    [row.billed?.prompt, row.billed?.completion, row.billed?.cachedPrompt, row.billed?.cacheWritePrompt ?? 0],
    [issued.promptTokens, issued.completionTokens, issued.cachedTokens, issued.cacheWriteTokens],
  );
  assert.equal(row.estimated, false);
  const { promptTokens, cachedTokens, cacheWriteTokens, completionTokens } = issued;
  const plain = promptTokens - cachedTokens - cacheWriteTokens;
  assert.equal(
    row.costNanoUsd,
    plain * 3000 + cachedTokens * 300 + cacheWriteTokens * 3750 + completionTokens * 15_000,
  );
}

for (const kind of kinds) {
  for (const [surfaceName, surface] of [
    ['chat', Surface.CHAT_COMPLETIONS],
    ['responses', Surface.RESPONSES],
  ] as const) {
    for (const stream of [false, true]) {
      const ask = (question: Question, more: object = {}): Promise<Answer> =>
        harness.peer.ask({
          body: bodyOf(surface, stream, question),
          surface,
          targets: kind.targets.slice(0, 1),
          ...more,
        });
      const read = ({ text }: Answer) => readAnswer(surface, stream, text);
      const it = (name: string, run: () => Promise<void>) =>
        test(`${kind.name}, ${surfaceName}, ${stream ? 'stream' : 'JSON'}: ${name}`, run);

      it('a text, its usage and its cost', async () => {
        kind.simulator().addFault({ cachedTokens: 4, cacheWriteTokens: 3 });
        const answer = await ask({ prompt: 'What is the capital of France?' });
        assert.equal(answer.status, 200, answer.text);
        const { text, finish, ended } = read(answer);
        assert.deepEqual([text, finish, ended], ['The capital of France is Paris.', 'stop', true]);
        const row = await harness.peer.row(answer.requestId);
        assert.equal(row.status, RequestStatus.COMPLETED);
        assertMeasured(kind, row);
      });

      it('a call of a tool, and its result', async () => {
        const answer = await ask({ prompt: 'call weather with {"city":"Paris"}', tools: ['weather', 'clock'] });
        const { calls, finish, ended } = read(answer);
        assert.deepEqual(calls, [{ name: 'weather', arguments: { city: 'Paris' } }]);
        assert.deepEqual([finish, ended], ['tool_calls', true]);
        assertMeasured(kind, await harness.peer.row(answer.requestId));
        const user = { role: 'user', content: 'And?' };
        const fn = { name: 'weather', arguments: '{"city":"Paris"}' };
        const prompt =
          surface === Surface.RESPONSES
            ? [
                user,
                { type: 'function_call', call_id: 'call_1', ...fn },
                { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
              ]
            : [
                user,
                { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: fn }] },
                { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
              ];
        assert.equal(read(await ask({ prompt, tools: ['weather'] })).text, 'The tool answered: sunny');
      });

      it('calls of tools in parallel, or one where it may be one only', async () => {
        const question = { prompt: 'call weather, then use clock', tools: ['weather', 'clock'] };
        const names = (answer: Answer) => read(answer).calls.map(({ name }) => name);
        assert.deepEqual(names(await ask(question)), ['weather', 'clock']);
        assert.deepEqual(names(await ask({ ...question, more: { parallel_tool_calls: false } })), ['weather']);
        assert.deepEqual(
          names(await ask({ ...question, prompt: 'Hello', more: { tool_choice: 'required' } })).length,
          1,
        );
      });

      it('an image', async () => {
        const content =
          surface === Surface.RESPONSES
            ? [
                { type: 'input_text', text: 'What is the capital of Spain?' },
                { type: 'input_image', image_url: image },
              ]
            : [
                { type: 'text', text: 'What is the capital of Spain?' },
                { type: 'image_url', image_url: { url: image } },
              ];
        const answer = await ask({ prompt: [{ role: 'user', content }] });
        assert.match(read(answer).text, /Madrid/);
        assert.match(kind.simulator().calls()[0]?.body ?? '', /iVBORw0KGgo=/);
      });

      it('an answer that its limit cuts off', async () => {
        const { finish, ended } = read(await ask({ prompt: 'Write 200 words', maxTokens: 20 }));
        assert.deepEqual([finish, ended], ['length', true]);
      });

      it('a bad request is the caller’s to read, without a second try', async () => {
        kind.simulator().addFault({ kind: 'status', status: 400 });
        const answer = await ask({ prompt: 'Hello' }, { targets: kind.targets });
        assert.equal(answer.status, 400);
        assert.equal(typeof JSON.parse(answer.text).error.message, 'string');
        assert.equal(JSON.parse(answer.text).type, undefined, 'in the shape of OpenAI');
        assert.equal(answer.headers['x-tollgate-attempts'], '1');
      });

      for (const status of [429, 503, 529]) {
        it(`${status}: the target is suspended for as long as it says, the next one answers`, async () => {
          const deployment = kind.targets[0].deployment;
          kind.simulator().addFault({ kind: 'status', status, retryAfterSeconds: 7, deployment });
          const answer = await ask({ prompt: 'What is the capital of France?' }, { targets: kind.targets });
          assert.match(read(answer).text, /Paris/);
          assert.equal(answer.headers['x-tollgate-model'], kind.targets[1].model);
          const [report] = await harness.peer.reportsOf(answer.requestId);
          assert.deepEqual([report?.outcome, report?.retryAfterMs], ['suspend', 7000]);
        });
      }

      it('an error inside of a good answer is a failure: the next one answers', async () => {
        kind.simulator().addFault({ kind: 'errorInOk', deployment: kind.targets[0].deployment });
        const answer = await ask({ prompt: 'What is the capital of France?' }, { targets: kind.targets });
        assert.match(read(answer).text, /Paris/);
        assert.equal(answer.headers['x-tollgate-model'], kind.targets[1].model);
      });

      it('limited everywhere: 429', async () => {
        kind.simulator().addFault({ kind: 'status', status: 429, retryAfterSeconds: 7 });
        const { end } = await ask({ prompt: 'Hello' }, { targets: kind.targets });
        assert.deepEqual([end.error?.code, end.error?.retryAfterMs], ['upstream_rate_limited', 7000]);
      });

      it('what breaks before its first content is replaced', async () => {
        kind.simulator().addFault({ kind: 'cut', afterChunks: 0, deployment: kind.targets[0].deployment });
        const answer = await ask({ prompt: 'What is the capital of France?' }, { targets: kind.targets });
        assert.match(read(answer).text, /Paris/);
        assert.equal(answer.headers['x-tollgate-model'], kind.targets[1].model);
      });

      if (!stream) continue;

      for (const broken of ['cut', 'truncate', 'garbage'] as const) {
        it(`a stream that breaks after its first content never ends cleanly: ${broken}`, async () => {
          kind.simulator().addFault({ kind: broken, afterChunks: 3 });
          const answer = await ask({ prompt: 'Write 50 words' }, { targets: kind.targets });
          const { ended, text } = read(answer);
          assert.equal(ended, false);
          assert.notEqual(text, '');
          assert.equal(answer.end.error?.code, 'upstream_error');
          const row = await harness.peer.row(answer.requestId);
          assert.equal(row.status, RequestStatus.TRUNCATED);
          assert.equal(row.estimated, true);
        });
      }
    }
  }
}
