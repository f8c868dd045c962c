// Writes tollgate.schema.json: `npm run generate -w @tollgate/config`.
import { writeFile } from 'node:fs/promises';
import { configJsonSchema } from './file/json-schema.ts';

await writeFile(
  new URL('./tollgate.schema.json', import.meta.url),
  `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`,
);
