/** SQLSTATE classes of errors that mean that PostgreSQL cannot serve now; the statement is not wrong. */
const UNAVAILABLE_STATES = /^(08|53|57)/;
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);
/** The driver reports these without a code. */
const DRIVER_MESSAGES =
  /^(timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|Cannot use a pool after calling end)/;

/** Whether an error means that the database does not answer, so that the same request may work later. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return UNAVAILABLE_STATES.test(code) || SOCKET_CODES.has(code);
  return DRIVER_MESSAGES.test(error.message);
}

/**
 * SQLSTATE classes of values that cannot be stored: a NUL in a text, a number out of range, a row that is too large.
 */
const REFUSED_DATA = /^(22|54)/;

/** Whether an error means that the database can never store these values, so that trying again is useless. */
export function isDataRefused(error: unknown): error is Error {
  return error instanceof Error && REFUSED_DATA.test(String((error as { code?: unknown }).code ?? ''));
}

/** Whether an error means that the role lacks a right. */
export function isPermissionDenied(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === '42501';
}
