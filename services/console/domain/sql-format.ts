const plain = 'text/plain; charset=utf-8';

/** By the beginning of ClickHouse's name of the format; the first that fits. */
const types: readonly [RegExp, string][] = [
  [/EachRow/, 'application/x-ndjson; charset=utf-8'],
  [/^JSON/, 'application/json; charset=utf-8'],
  [/^CSV/, 'text/csv; charset=utf-8'],
  [/^(TSV|TabSeparated)/, 'text/tab-separated-values; charset=utf-8'],
  [/^Markdown$/, 'text/markdown; charset=utf-8'],
  [/^XML$/, 'application/xml; charset=utf-8'],
  [/^(Pretty|Vertical|Values|SQLInsert|LineAsString)/, plain],
];

/** Content type of an answer in one of ClickHouse's formats; those that are not text are bytes. */
export function contentTypeOf(format: string): string {
  return types.find(([name]) => name.test(format))?.[1] ?? 'application/octet-stream';
}
