/** The database's schema is not one that this build works with. The message says what to do. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}
