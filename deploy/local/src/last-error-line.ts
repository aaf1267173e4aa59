import { open } from 'node:fs/promises';

const TAIL_BYTES = 256 * 1024;
const PINO_ERROR = 50;
const PLAIN_ERROR = /\b(FATAL|PANIC|ERROR|Error)\b|\[(FTL|ERR)\]/;

/**
 * The last error in a log of JSON lines (pino's) or of plain lines (PostgreSQL's, NATS').
 *
 * @param start where to begin to look, in bytes
 * @returns its message; the last line when none is an error; undefined when there is no line at all
 */
export async function lastErrorLine(file: string, start = 0): Promise<string | undefined> {
  const lines = (await tail(file, start)).split('\n').filter((line) => line.trim() !== '');
  for (const line of lines.toReversed()) {
    const message = errorMessage(line);
    if (message !== undefined) return message;
  }
  const last = lines.at(-1);
  return last === undefined ? undefined : (parseEntry(last)?.msg ?? last.trim());
}

interface LogEntry {
  level?: number;
  msg?: string;
  err?: { message?: string };
}

function errorMessage(line: string): string | undefined {
  const entry = parseEntry(line);
  if (entry === undefined) return PLAIN_ERROR.test(line) ? line.trim() : undefined;
  if ((entry.level ?? 0) < PINO_ERROR) return undefined;
  const parts = [entry.msg, entry.err?.message].filter((part) => part !== undefined && part.trim() !== '');
  return parts.length === 0 ? undefined : [...new Set(parts)].join(': ');
}

function parseEntry(line: string): LogEntry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as LogEntry;
  } catch {
    return undefined; // a plain line, or one that is just being written
  }
}

async function tail(path: string, start: number): Promise<string> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return '';
  try {
    const { size } = await file.stat();
    const from = Math.max(start, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - from)), 0, null, from);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
