import { type Collected, descriptions, guardDepth, structural, take, takeMark } from './collected.ts';
import type { Scanner } from './scanner.ts';

/** Of Anthropic's blocks, beside those that every surface has: ids, names and what only the provider can read. */
const structuralHere: ReadonlySet<string> = new Set([
  ...structural,
  ...['tool_use_id', 'tool_id', 'tool_name', 'server_name', 'media_type'],
  ...['encrypted_index', 'encrypted_stdout'],
]);

/** In neither of them a part of the conversation stands outside of its turns. */
const noTurn = -2;

/** Steps over the value of a top-level member of a call of messages and collects every text that the model reads. */
export function collectMessages(scanner: Scanner, key: string, found: Collected): void {
  if (key === 'messages' && scanner.atArray) scanner.array((item) => blocks(scanner, item, found, 0));
  else if (key === 'messages' || key === 'system') blocks(scanner, noTurn, found, 0);
  // Who the end user is: not read by the model, but it leaves the house with the request.
  else if (key === 'metadata') everyText(scanner, noTurn, found, 0);
  else if (key === 'tools') tools(scanner, found, 0);
  else if (key === 'output_config' || key === 'output_format') descriptions(scanner, found, 0);
  else scanner.skip();
}

/** Turns, blocks and what stands in them. What is not known counts as text, so that it is masked rather than missed. */
function blocks(scanner: Scanner, item: number, found: Collected, depth: number): void {
  if (scanner.atString) take(scanner, item, found);
  else if (scanner.atArray) {
    guardDepth(depth);
    scanner.array(() => blocks(scanner, item, found, depth + 1));
  } else if (scanner.atObject) block(scanner, item, found, depth);
  else scanner.skip();
}

function block(scanner: Scanner, item: number, found: Collected, depth: number): void {
  guardDepth(depth);
  let type = '';
  let signed = false;
  /** Places in the texts of a member whose meaning another one decides, which may stand behind it. */
  let data = -1;
  let thinking = -1;
  scanner.object((key) => {
    const at = found.texts.length;
    if (key === 'type' && scanner.atString) type = literal(scanner);
    else if (key === 'signature' && scanner.atString) signed = literal(scanner) !== '';
    else if (key === 'encrypted_content' && scanner.atString) takeMark(scanner, found);
    // What a tool is called with has names of its own, and none of them is structure.
    else if (key === 'input') everyText(scanner, item, found, depth + 1);
    else if (structuralHere.has(key)) scanner.skip();
    else {
      if (key === 'data' && scanner.atString) data = at;
      if (key === 'thinking' && scanner.atString) thinking = at;
      blocks(scanner, item, found, depth + 1);
    }
  });
  // Bytes of an image or a document, or thoughts that only the provider can read; a plain document is text.
  if (data >= 0 && (type === 'base64' || type === 'redacted_thinking')) found.texts.splice(data, 1);
  // The provider's own words under its seal: changed, it would refuse them.
  if (thinking >= 0 && signed && type === 'thinking') found.texts.splice(thinking, 1);
}

/** Descriptions, and whole examples of what a tool is called with. */
function tools(scanner: Scanner, found: Collected, depth: number): void {
  if (scanner.atArray) {
    guardDepth(depth);
    scanner.array(() => tools(scanner, found, depth + 1));
  } else if (scanner.atObject) {
    guardDepth(depth);
    scanner.object((key) => {
      if (key === 'description' && scanner.atString) take(scanner, noTurn, found);
      else if (key === 'input_examples') everyText(scanner, noTurn, found, depth + 1);
      else descriptions(scanner, found, depth + 1);
    });
  } else scanner.skip();
}

function everyText(scanner: Scanner, item: number, found: Collected, depth: number): void {
  if (scanner.atString) take(scanner, item, found);
  else if (scanner.atArray) {
    guardDepth(depth);
    scanner.array(() => everyText(scanner, item, found, depth + 1));
  } else if (scanner.atObject) {
    guardDepth(depth);
    scanner.object(() => everyText(scanner, item, found, depth + 1));
  } else scanner.skip();
}

/** The string at the position, which it steps over. */
function literal(scanner: Scanner): string {
  const start = scanner.position;
  scanner.skipString();
  return scanner.literal(start, scanner.position);
}
