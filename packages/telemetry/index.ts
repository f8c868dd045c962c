// Logs without secrets, and metrics.
export { createLogger, type Logger, type LoggerOptions, type LogLevel, logLevels, memberLogger } from './logger.ts';
export { type Counter, createMetrics, type Gauge, type Histogram, type Metrics } from './metrics.ts';
export { REDACTED, redact } from './redact.ts';
