import autocannon, { type Request, type Result } from 'autocannon';

/** Requests on their way at once. */
const CONNECTIONS = 50;

/** What a server did under load. */
export interface Load {
  requestsPerSecond: number;
  /** The 99th percentile, in milliseconds. */
  p99: number;
  requests: number;
}

/** A kind of request. */
export interface Operation {
  name: string;
  method: 'GET' | 'POST';
  path: string;
  /** Makes the body of each request. */
  body?: () => object;
}

/** Sends requests for so many seconds. @throws Error when one of them fails. */
export async function load(url: string, operation: Operation, seconds: number): Promise<Load> {
  const times: number[] = [];
  const { body } = operation;
  const request: Request = {
    method: operation.method,
    path: operation.path,
    headers: { 'content-type': 'application/json' },
    ...(body && { setupRequest: (request) => ({ ...request, body: JSON.stringify(body()) }) }),
  };
  const result = await new Promise<Result>((resolve, reject) => {
    const running = autocannon(
      { url, connections: CONNECTIONS, duration: seconds, requests: [request] },
      (error: Error | null, result: Result) => (error ? reject(error) : resolve(result)),
    );
    // Its own histogram knows whole milliseconds only.
    running.on('response', (_client, _status, _bytes, ms) => times.push(ms));
  });
  const wrong = result.non2xx + result.errors + result.timeouts;
  if (wrong > 0 || times.length === 0) {
    throw new Error(
      `${operation.name} at ${url}: ${wrong} of ${times.length + result.errors} requests failed`,
    );
  }
  times.sort((a, b) => a - b);
  return {
    requestsPerSecond: times.length / result.duration,
    requests: times.length,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
  };
}
