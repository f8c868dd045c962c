/**
 * Calls as Codex CLI 0.171.0 sends them (`codex exec`, recorded on loopback): its headers, members and nesting, with other texts
 * and ids, and three of its nine tools.
 */
const session = '01a21848-585d-75b1-956e-2916ac9ccba7';
const turn = '01a21848-5877-7ea0-be96-3d30c6e6b6cb';
const installation = '3a48c5cd-499e-4086-8e63-f3a7d52f7863';

/** JSON in a string, with braces and quotes: whoever steps over it must not read them. */
const turnMetadata = JSON.stringify({
  installation_id: installation,
  session_id: session,
  thread_id: session,
  agent_name: '/root',
  turn_id: turn,
  window_id: `${session}:0`,
  window_number: 0,
  request_kind: 'turn',
  thread_source: 'user',
  turn_trigger: 'exec',
  sandbox: 'none',
  auto_review_enabled: false,
  turn_started_at_unix_ms: 1795703724155,
  workspaces: {
    '/work': { associated_remote_urls: { origin: 'https://ada@example.org/work.git' }, has_changes: false },
  },
  model: 'gpt-4o',
});

const ownHeaders = {
  'x-codex-beta-features': 'remote_compaction_v2',
  'x-codex-window-id': `${session}:0`,
  'x-codex-turn-metadata': turnMetadata,
  'x-client-request-id': session,
  'session-id': session,
  'thread-id': session,
  originator: 'codex_exec',
  'user-agent': 'codex_exec/0.171.0 (Debian 12.0.0; x86_64) unknown (codex_exec; 0.171.0)',
};

export const codexHeaders = {
  ...ownHeaders,
  accept: 'text/event-stream',
  'content-type': 'application/json',
  'accept-encoding': 'zstd,gzip',
};

/** The handshake with which it begins where it is told that its provider has WebSockets. */
export const codexHandshakeHeaders = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'kFp0GrLMZ/oZLofDvS8KjA==',
  'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits',
  'openai-beta': 'responses_websockets=2026-02-06',
  ...ownHeaders,
};

const message = (role: string, id: string, ...texts: string[]) => ({
  type: 'message',
  id: `msg_${id}`,
  role,
  content: texts.map((text) => ({ type: 'input_text', text })),
});

/** @param further what a later turn has behind the question: thoughts, calls and what they found */
export function codexBody(model: string, prompt: string, further: readonly object[] = []) {
  return {
    model,
    stream: true,
    input: [
      message('developer', '5126d665-5dbe-56b8-889f-77025de39edf', 'You are an agent in a terminal.'),
      message(
        'developer',
        '01a21848-590f-7453-aef7-e0bbc303e662',
        '<skills_instructions>\nNone.\n</skills_instructions>',
        '<permissions instructions>\nAll.\n</permissions instructions>',
      ),
      message(
        'user',
        '01a21848-590f-7453-aef7-e0cb221c9cbd',
        '<environment_context>\n  <cwd>/work</cwd>\n</environment_context>',
      ),
      message('user', '01a21848-5921-74f0-8189-fd111133fda4', prompt),
      ...further,
    ],
    tools: [
      {
        type: 'function',
        name: 'exec_command',
        description: 'Runs a command.',
        strict: false,
        parameters: {
          type: 'object',
          properties: {
            cmd: { type: 'string', description: 'The command.' },
            prefix_rule: { type: 'array', description: 'For example ["git", "pull"].', items: { type: 'string' } },
            sandbox_permissions: { type: 'string', enum: ['use_default', 'require_escalated'] },
            yield_time_ms: { type: 'number' },
          },
          required: ['cmd'],
          additionalProperties: false,
        },
      },
      {
        type: 'namespace',
        name: 'multi_agent_v1',
        description: 'Further agents.',
        tools: [
          {
            type: 'function',
            name: 'close_agent',
            description: 'Ends an agent.',
            strict: false,
            parameters: { type: 'object', properties: { target: { type: 'string' } }, required: ['target'] },
          },
        ],
      },
      { type: 'web_search', external_web_access: true },
    ],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    reasoning: { summary: 'auto' },
    store: false,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: session,
    client_metadata: {
      'x-codex-installation-id': installation,
      'x-codex-turn-metadata': turnMetadata,
      root_turn_id: turn,
      session_id: session,
      thread_id: session,
      turn_id: turn,
      'x-codex-window-id': `${session}:0`,
    },
  };
}
