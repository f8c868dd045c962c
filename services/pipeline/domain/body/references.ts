interface Item {
  type?: unknown;
  id?: unknown;
  role?: unknown;
  content?: unknown;
  encrypted_content?: unknown;
  result?: unknown;
}

/**
 * Ids of the input's items that are names of what the provider keeps and nothing more (OpenAI, "Create a model response": item
 * references, whose type may be left out, and reasoning without `encrypted_content`; "Image generation": images by their call's id).
 * Other items say themselves what they are, and their provider takes them from anywhere.
 */
export function referencesOf(input: unknown): string[] {
  const ids: string[] = [];
  if (!Array.isArray(input)) return ids;
  for (const item of input) if (isReference(item)) ids.push(item.id);
  return ids;
}

/** Whether an item is but a name. */
export function isReference(item: unknown): item is Item & { id: string } {
  if (typeof item !== 'object' || item === null) return false;
  const { type, id, role, content, encrypted_content: encrypted, result } = item as Item;
  if (typeof id !== 'string') return false;
  switch (type) {
    case 'item_reference':
      return true;
    case undefined:
    case null:
      return role == null && content == null;
    case 'reasoning':
      return isNothing(encrypted) && isNothing(content);
    case 'image_generation_call':
      return isNothing(result);
    default:
      return false;
  }
}

function isNothing(value: unknown): boolean {
  return value == null || value === '' || (Array.isArray(value) && value.length === 0);
}
