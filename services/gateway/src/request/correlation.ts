import type { IncomingHttpHeaders } from 'node:http';
import { newCorrelationId } from '@rigel/runtime';

const SANE = /^[A-Za-z0-9._:-]{1,128}$/;

/** The client's own correlation id if it is safe in logs and headers, else a new one. */
export function correlationIdFrom(headers: IncomingHttpHeaders): string {
  const given = headers['x-correlation-id'];
  return typeof given === 'string' && SANE.test(given) ? given : newCorrelationId();
}
