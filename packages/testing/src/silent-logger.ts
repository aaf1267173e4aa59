import { type Logger, pino } from 'pino';

/** A real logger that says nothing, for parts that need one. `RIGEL_LOG_LEVEL` makes it speak, to look into a test. */
export const silentLogger: Logger = pino({ level: process.env.RIGEL_LOG_LEVEL || 'silent' });
