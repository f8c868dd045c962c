import { z } from 'zod';
import { configFileSchema } from './config-file.ts';

/** JSON Schema of tollgate.yaml, for editors; published as tollgate.schema.json. It cannot say what refers to what. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(configFileSchema, { io: 'input' });
  return {
    $schema,
    $comment: 'Code generated from packages/config by `npm run generate`. DO NOT EDIT.',
    title: 'tollgate.yaml',
    ...schema,
  };
}
