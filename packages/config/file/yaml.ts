import { type Document, isMap, isNode, isPair, isSeq, LineCounter, parseDocument } from 'yaml';
import { type Fault, faultsError, type Path } from './fault.ts';

/** A file of a thousand teams has a tenth of it. */
const BYTES_MAX = 1024 * 1024;

/** Bounds what a short text can unfold to. */
const ALIASES_MAX = 1000;

export interface YamlText {
  data: unknown;
  /** Of the setting, or of the nearest thing around it that is there; from 1. */
  lineOf(path: Path): number | undefined;
}

/**
 * @param file its name, where it is not the configuration itself
 * @throws TollgateError `invalid_request` with every fault of the syntax. It never repeats a part of the text.
 */
export function readYaml(text: string, file?: string): YamlText {
  if (Buffer.byteLength(text) > BYTES_MAX) throw single(`is larger than ${BYTES_MAX} bytes`, file);
  const lines = new LineCounter();
  // The library's pretty messages quote the text, which may hold a secret at the wrong place.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults = [...document.errors, ...document.warnings].map(({ message, pos }) => ({
    path: [],
    message,
    file,
    line: lines.linePos(pos[0]).line,
  }));
  if (faults.length > 0) {
    const byFault = new Map<Fault, number>(faults.map((fault) => [fault, fault.line]));
    throw faultsError(faults, (fault) => byFault.get(fault));
  }
  return { data: unfold(document, file), lineOf: (path) => lineOf(document, lines, path) };
}

function unfold(document: Document, file: string | undefined): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch {
    throw single('has too many aliases', file);
  }
}

function single(message: string, file: string | undefined): Error {
  const fault: Fault = { path: [], message: `The file ${message}`, file };
  return faultsError([fault], () => undefined);
}

function lineOf(document: Document, lines: LineCounter, path: Path): number | undefined {
  let node: unknown = document.contents;
  let offset = rangeStart(node);
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isNode(key) ? key.toJSON() : key) === String(part));
      if (!isPair(pair)) break;
      offset = rangeStart(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = rangeStart(node) ?? offset;
    } else break;
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

function rangeStart(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
