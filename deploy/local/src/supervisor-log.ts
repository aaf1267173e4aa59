import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';

type LogFunction = (fields: object, message: string) => void;

/** The log of the supervisor. */
export interface SupervisorLog {
  info: LogFunction;
  warn: LogFunction;
  error: LogFunction;
}

/**
 * A log of JSON lines in a file.
 *
 * @param onNotice gets the lines that a person at the terminal should see: warnings and errors
 */
export function createSupervisorLog(file: string, onNotice: (line: string) => void): SupervisorLog {
  mkdirSync(dirname(file), { recursive: true });
  // Synchronous: the last lines, when everything ends, must not be lost.
  const destination = pino.destination({ dest: file, sync: true });
  let complained = false;
  destination.on('error', (error: Error) => {
    if (!complained) onNotice(`the log ${file} cannot be written: ${error.message}`);
    complained = true;
  });
  const logger = pino({ name: 'supervisor' }, destination);
  return {
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => {
      logger.warn(fields, message);
      onNotice(message);
    },
    error: (fields, message) => {
      logger.error(fields, message);
      onNotice(message);
    },
  };
}
