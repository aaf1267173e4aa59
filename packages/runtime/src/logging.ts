import { type Logger, pino } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** Logs JSON lines to standard output. The supervisor of the process decides where they go. */
export function createLogger(name: string, level: string): Logger {
  return pino({
    name,
    level,
    base: { name, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // Fields with these names are secrets at any depth.
    redact: {
      paths: ['password', 'privateKey', 'authorization', '*.password', '*.privateKey', '*.authorization'],
      censor: '(secret)',
    },
  });
}
