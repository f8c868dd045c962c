import { readFileSync } from 'node:fs';

export interface Pair {
  readonly category: string;
  readonly question: string;
  readonly other: string;
}

/** Labelled pairs of questions: `different` must never answer each other, `same` may. */
export function loadPairs(label: 'different' | 'same'): readonly Pair[] {
  const lines = readFileSync(new URL(`./${label}.tsv`, import.meta.url), 'utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [category = '', question = '', other = ''] = line.replaceAll('\\n', '\n').split('\t');
      if (other === '') throw new Error(`not a pair: ${line}`);
      return { category, question, other };
    });
}
