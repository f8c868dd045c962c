import type { QueryParameters } from '../client.ts';

/** What a question is about; what is left out is not narrowed. Names as people say them, ids where they are known. */
export interface UsageFilter {
  organization?: string;
  project?: string;
  team?: string;
  organizationId?: string;
  teamId?: string;
  model?: string;
}

const COLUMNS: Readonly<Record<keyof UsageFilter, string>> = {
  organization: 'organization',
  project: 'project',
  team: 'team',
  organizationId: 'organization_id',
  teamId: 'team_id',
  model: 'model',
};

/** Conditions for a WHERE, each beginning with AND, and the values they bind. */
export function conditions(filter: UsageFilter, table: string): { sql: string; parameters: QueryParameters } {
  const parameters: QueryParameters = {};
  let sql = '';
  for (const [name, column] of Object.entries(COLUMNS) as [keyof UsageFilter, string][]) {
    const value = filter[name];
    if (value === undefined) continue;
    sql += ` AND ${table}.${column} = {${name}:String}`;
    parameters[name] = value;
  }
  return { sql, parameters };
}
