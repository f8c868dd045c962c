import { readFileSync } from 'node:fs';

/** One question of the page for analysts, as it stands there. */
export interface Question {
  number: number;
  title: string;
  sql: string;
  /** What stands below the statement: what its columns mean. */
  text: string;
}

const page = new URL('../../../../docs/ledger-for-analysts.md', import.meta.url);

/** The questions of docs/ledger-for-analysts.md, in order. */
export function readQuestions(markdown = readFileSync(page, 'utf8')): Question[] {
  const sections = markdown.split(/^### /m).slice(1);
  return sections.map((section) => {
    const parts = /^(\d+)\. (.+)\n[\s\S]*?```sql\n([\s\S]+?)\n```\n\n([\s\S]+)$/.exec(section);
    if (!parts) throw new Error(`not a number, a title, a statement and a text: ${section.slice(0, 80)}`);
    const [, number, title = '', sql = '', text = ''] = parts;
    return { number: Number(number), title, sql, text: text.trim() };
  });
}
