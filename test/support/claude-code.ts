/**
 * A call as Claude Code 2.1.332 sends it (`claude -p`, recorded on loopback): its headers, members and nesting, with other texts and
 * two of its twelve tools.
 */
export const claudeCodeHeaders = {
  accept: 'application/json',
  'content-type': 'application/json',
  'user-agent': 'claude-cli/2.1.332 (external, sdk-cli)',
  'x-claude-code-session-id': '4f461fe5-c4e5-4ddb-8829-af0121304d4a',
  'x-stainless-lang': 'js',
  'x-stainless-package-version': '0.128.0',
  'x-stainless-retry-count': '0',
  'x-stainless-timeout': '600',
  'anthropic-beta':
    'claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,per-turn-control-2026-07-01,mid-conversation-tool-changes-2026-07-01,thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24',
  'anthropic-dangerous-direct-browser-access': 'true',
  'anthropic-version': '2023-06-01',
  'x-app': 'cli',
};

const ephemeral = { type: 'ephemeral' };

export function claudeCodeBody(model: string, prompt: string) {
  return {
    model,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: '<system-reminder>\nWhat the tool has to remember.\n</system-reminder>\n' },
          { type: 'text', text: prompt },
        ],
      },
      {
        role: 'system',
        content: [{ type: 'text', text: '# Environment\n - Platform: linux', cache_control: ephemeral }],
        output_config: { effort: 'medium' },
      },
    ],
    system: [
      { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.332.1c9; cc_entrypoint=sdk-cli;' },
      { type: 'text', text: 'You are an agent.', cache_control: ephemeral },
      { type: 'text', text: '\nYou work with the user toward their goals.', cache_control: ephemeral },
    ],
    tools: [
      {
        name: 'Bash',
        description: 'Runs a command and returns what it printed.',
        input_schema: {
          $schema: 'https://json-schema.org/draft/2020-12/schema',
          type: 'object',
          properties: {
            command: { description: 'The command to execute', type: 'string' },
            timeout: { description: 'Optional timeout in milliseconds', type: 'number' },
            description: { description: 'What this command does', type: 'string' },
          },
          required: ['command'],
          additionalProperties: false,
        },
      },
      {
        name: 'DeferredToolPlaceholder',
        description: 'Reserved.',
        input_schema: { type: 'object', properties: {} },
        defer_loading: true,
      },
    ],
    metadata: {
      user_id:
        '{"device_id":"8376b749458f1f8535bb202fe5a31e68e188501c552f49a368d6f867cb77221a","account_uuid":"","session_id":"4f461fe5-c4e5-4ddb-8829-af0121304d4a"}',
    },
    max_tokens: 128000,
    thinking: { type: 'adaptive', display: 'omitted' },
    context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
    output_config: { effort: 'medium' },
    stream: true,
  };
}
