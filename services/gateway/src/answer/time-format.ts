/** Prints the milliseconds since 1970 that services answer. */
export interface TimeFormat {
  /** `YYYY-MM-DD HH:mm:ss` in the deployment's zone. */
  local(ms: number): string;
  /** RFC 3339 in UTC. */
  rfc3339(ms: number): string;
  /** Whole seconds since 1970. */
  unixSeconds(ms: number): number;
}

/**
 * @param zone IANA name, for example `Asia/Shanghai`.
 * @throws RangeError when the zone does not exist.
 */
export function createTimeFormat(zone: string): TimeFormat {
  // The Swedish form of dates is that of the API.
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  return {
    local: (ms) => format.format(ms),
    rfc3339: (ms) => new Date(ms).toISOString(),
    unixSeconds: (ms) => Math.floor(ms / 1_000),
  };
}
