/** ClickHouse's own error numbers, where the face itself raises or recognises them. */
export const Code = {
  NOT_IMPLEMENTED: 48,
  SYNTAX_ERROR: 62,
  UNEXPECTED_PACKET_FROM_CLIENT: 101,
  NO_DATA_TO_INSERT: 108,
  UNKNOWN_SETTING: 115,
  READONLY: 164,
  REQUIRED_PASSWORD: 194,
  TOO_MANY_SIMULTANEOUS_QUERIES: 202,
  QUERY_IS_TOO_LARGE: 229,
  ABORTED: 236,
  INTO_OUTFILE_NOT_ALLOWED: 358,
  BAD_REQUEST_PARAMETER: 408,
  AUTHENTICATION_FAILED: 516,
} as const;

export type CodeName = keyof typeof Code;

/** An error in the form that ClickHouse's server gives it, so that every client reads it as one of the engine's own. */
export class EngineException extends Error {
  override readonly name = 'EngineException';
  /** ClickHouse's error number; 1002 (UNKNOWN_EXCEPTION) when the engine gave none. */
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }

  static of(name: CodeName, message: string): EngineException {
    return new EngineException(Code[name], `Code: ${Code[name]}. DB::Exception: ${message}. (${name})`);
  }

  /** Takes the engine's text as it is, without the second wrapping that chDB puts around some errors. */
  static from(error: unknown): EngineException {
    if (error instanceof EngineException) return error;
    const text = error instanceof Error ? error.message : String(error);
    const match = /^Code: (\d+)\. DB::Exception: /.exec(text);
    if (!match) return new EngineException(1002, `Code: 1002. DB::Exception: ${text} (UNKNOWN_EXCEPTION)`);
    return new EngineException(Number(match[1]), text.replace(/^Code: \d+\. DB::Exception: (?=Code: \d+\. )/, ''));
  }
}
