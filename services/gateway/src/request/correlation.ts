import type { IncomingHttpHeaders } from 'node:http';
import { newCorrelationId } from '@rigel/runtime';

const SANE = /^[A-Za-z0-9._:-]{1,128}$/;

/** The caller's own correlation id where it can safely stand in logs and headers, else a new one. */
export function correlationIdFrom(headers: IncomingHttpHeaders): string {
  const given = headers['x-correlation-id'];
  return typeof given === 'string' && SANE.test(given) ? given : newCorrelationId();
}
