import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions, symbols } from 'pino';
import { redact } from './redact.ts';

export type { Logger };

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  service: string;
  replica: string;
  level: LogLevel;
  /** Default: the process's standard output. */
  output?: DestinationStream;
  /** Called for each line that was dropped, as nobody read our output. */
  onDropped?: () => void;
}

/** Unwritten lines, bytes. A reader of our output that hangs costs lines, never memory or time. */
const BUFFER_BYTES_MAX = 4 * 1024 * 1024;

/** The same output and level for another service that runs in this process. */
export function memberLogger(logger: Logger, options: { service: string; replica: string }): Logger {
  const output = (logger as unknown as Record<symbol, DestinationStream>)[symbols.streamSym];
  return createLogger({ ...options, level: logger.level as LogLevel, output });
}

/** JSON lines without secrets. Texts of prompts and answers must not be given to it. */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service, replica: options.replica },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redact },
    },
    options.output ?? standardOutput(options.onDropped),
  );
}

/** Asynchronous, as a blocked pipe would stop every request. Whoever ends the process calls the logger's flush() before. */
function standardOutput(onDropped: () => void = () => {}): DestinationStream {
  // Every line is written at once with 0 as with 1; but with 0 sonic-boom's flush() does not wait for the write under way,
  // and an exit right behind it loses the last lines.
  const output = destination({ dest: 1, sync: false, minLength: 1, maxLength: BUFFER_BYTES_MAX });
  // Called by pino at an exit. It tries a broken or full pipe again for ever: the process would outlive whoever started it.
  output.flushSync = () => {};
  output.on('drop', onDropped);
  return output;
}
