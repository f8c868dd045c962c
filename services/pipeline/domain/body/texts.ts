import { isMessages, Surface } from '@tollgate/contracts';
import { type Collected, descriptions, guardDepth, ofItems, structural, take, takeMark, takeTag } from './collected.ts';
import { collectMessages } from './message-texts.ts';
import type { Scanner } from './scanner.ts';

/** Members whose strings the model reads, all of them but those under `structural` keys. */
const conversation: Partial<Record<Surface, ReadonlySet<string>>> = {
  [Surface.CHAT_COMPLETIONS]: new Set(['messages', 'prediction']),
  [Surface.RESPONSES]: new Set(['input', 'instructions', 'prompt']),
  [Surface.EMBEDDINGS]: new Set(['input']),
};

/** Members in which only descriptions are text; the rest is schema. */
const schemas = new Set(['tools', 'functions', 'response_format', 'text']);

/**
 * Who the end user is, and where an agent works (Codex: the remotes of the repository): not read by the model, but it leaves the
 * house with the request.
 */
const labels = new Set(['user', 'safety_identifier', 'metadata', 'client_metadata']);

/** Steps over the value of the top-level member `key` and collects what is to be found in it. */
export function collect(scanner: Scanner, surface: Surface, key: string, found: Collected): void {
  if (isMessages(surface)) collectMessages(scanner, key, found);
  else if (conversation[surface]?.has(key)) {
    // A text alone, like `input`, is item -1; `instructions` and `prompt` are no turns and get -2.
    const alone = key === 'input' ? -1 : -2;
    if (scanner.atArray && (key === 'messages' || key === 'input'))
      scanner.array((item) => all(scanner, item, found, 0));
    else all(scanner, alone, found, 0);
  } else if (labels.has(key)) all(scanner, -2, found, 0);
  else if (schemas.has(key)) descriptions(scanner, found, 0);
  else scanner.skip();
}

function all(scanner: Scanner, item: number, found: Collected, depth: number): void {
  if (scanner.atString) take(scanner, item, found);
  else if (scanner.atArray) {
    guardDepth(depth);
    scanner.array(() => all(scanner, item, found, depth + 1));
  } else if (scanner.atObject) {
    guardDepth(depth);
    scanner.object((key) => {
      if (!structural.has(key)) all(scanner, item, found, depth + 1);
      else if (key === 'encrypted_content' && scanner.atString) takeMark(scanner, found);
      else if (ofItems.has(key) && scanner.atString) takeTag(scanner, found);
      else scanner.skip();
    });
  } else scanner.skip();
}
