import type { Webhook } from '@tollgate/config';
import type { LimitEvent } from '@tollgate/contracts';
import { type EventText, textOf } from './webhook-text.ts';

/** What a receiver of this format is sent, the same at each attempt. */
export function bodyOf(format: Webhook['format'], event: LimitEvent): string {
  const text = textOf(event);
  switch (format) {
    case 'json':
      return JSON.stringify(standard(event, text));
    case 'slack':
      return JSON.stringify(slack(text));
    case 'teams':
      return JSON.stringify(teams(text));
  }
}

/** The payload of the Standard Webhooks specification. */
function standard(event: LimitEvent, { sentence }: EventText) {
  const { id, kind, atMs, windowStartMs, windowEndMs, organizationId, percent, selector: _, ...rest } = event;
  return {
    type: `limit.${kind}`,
    timestamp: new Date(atMs).toISOString(),
    data: {
      id,
      text: sentence,
      organization: organizationId,
      ...rest,
      ...(kind === 'threshold' && { percent }),
      windowStart: new Date(windowStartMs).toISOString(),
      windowEnd: new Date(windowEndMs).toISOString(),
    },
  };
}

/** Of an incoming webhook: `text` for notifications, blocks for the channel, none of it read as markup. */
function slack({ title, sentence, facts }: EventText) {
  const plain = (text: string) => ({ type: 'plain_text', text, emoji: false });
  const lines = facts.map(({ name, value }) => `${name}: ${value}`).join('\n');
  return {
    text: slackText(`${title}. ${sentence}`),
    blocks: [
      { type: 'header', text: plain(title.slice(0, SLACK_HEADER_MAX)) },
      { type: 'section', text: plain(sentence) },
      { type: 'section', text: plain(lines) },
    ],
  };
}

const SLACK_HEADER_MAX = 150;

/** The three characters that Slack reads as mentions and links. */
function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * An Adaptive Card, as Workflows take it (they know no MessageCard). Text runs are not read as Markdown, as text blocks
 * and facts are.
 */
function teams({ title, sentence, facts }: EventText) {
  const run = (text: string, more = {}) => ({ type: 'TextRun', text, ...more });
  const line = (...inlines: object[]) => ({ type: 'RichTextBlock', inlines });
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            line(run(title, { weight: 'Bolder', size: 'Medium' })),
            line(run(sentence)),
            ...facts.map(({ name, value }) => line(run(`${name}: `, { weight: 'Bolder' }), run(value))),
          ],
        },
      },
    ],
  };
}
