import { type Logger, pino } from 'pino';

/** A real logger that writes nothing. To look into a test, set `RIGEL_LOG_LEVEL`, and it writes. */
export const silentLogger: Logger = pino({ level: process.env.RIGEL_LOG_LEVEL || 'silent' });
