/**
 * The body with its model's JSON literal replaced by the deployment's name, or with a member inserted right after the
 * opening brace where it names none (pipeline sees to it that another member follows). Every other byte stays as it is.
 * No copy when the literal says the same already.
 */
export function spliceModel(body: Buffer, offset: number, length: number, deployment: string): Buffer {
  const literal = JSON.stringify(deployment);
  if (length === 0) return spliced(body, offset, offset, Buffer.from(`"model":${literal},`));
  const replacement = Buffer.from(literal);
  const same = length === replacement.length && body.compare(replacement, 0, length, offset, offset + length) === 0;
  return same ? body : spliced(body, offset, offset + length, replacement);
}

function spliced(body: Buffer, start: number, end: number, middle: Buffer): Buffer {
  if (start < 0 || end > body.length)
    throw new RangeError(`model at ${start} to ${end} of a body of ${body.length} bytes`);
  const result = Buffer.allocUnsafe(body.length - (end - start) + middle.length);
  body.copy(result, 0, 0, start);
  middle.copy(result, start);
  body.copy(result, start + middle.length, end);
  return result;
}
