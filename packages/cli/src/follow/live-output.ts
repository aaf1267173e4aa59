import { StringDecoder } from 'node:string_decoder';
import { unwrap } from '@rigel/api-client';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';

/** What was stored this long before the last look may have been committed after it, in milliseconds. */
const OVERLAP_MS = 5_000;
/** A line is printed in parts when it is longer than this. */
const LONGEST_LINE = 65_536;

/** The output of one attempt, as far as it was printed. */
interface Printed {
  /** Place of the first byte that was not printed. */
  end: number;
  decoder: StringDecoder;
  /** The beginning of a line whose end is missing. */
  rest: string;
}

/** Prints what the nodes of a task print while they do: each line behind the address of its node. */
export class LiveOutput {
  private readonly attempts = new Map<string, Printed & { ip: string }>();
  private since: number | undefined;

  constructor(
    private readonly invocation: Invocation,
    private readonly id: number,
  ) {}

  /** Prints what is new. */
  async look(): Promise<void> {
    const { api } = this.invocation;
    let begun: number | undefined;
    let cursor: string | null | undefined;
    do {
      const query = {
        ...(this.since === undefined ? {} : { since: String(this.since) }),
        ...(cursor ? { cursor } : {}),
      };
      const part = await unwrap(
        api().GET('/task/{id}/output', { params: { path: { id: this.id }, query: query as never } }),
      );
      begun ??= part.now;
      for (const { nsid, ip, step, attempt, from, data } of part.rows)
        this.add(`${nsid}.${step}.${attempt}`, ip, from, Buffer.from(data, 'base64'));
      cursor = part.next;
    } while (cursor !== null);
    this.since = begun - OVERLAP_MS;
  }

  /** Prints the lines whose ends are missing. */
  finish(): void {
    for (const { ip, rest, decoder } of this.attempts.values()) {
      const text = rest + decoder.end();
      if (text !== '') this.print(ip, text);
    }
    this.attempts.clear();
  }

  private add(key: string, ip: string, from: number, bytes: Buffer): void {
    const known = this.attempts.get(key) ?? { end: 0, decoder: new StringDecoder(), rest: '', ip };
    this.attempts.set(key, known);
    if (from + bytes.length <= known.end) return;
    if (from > known.end) this.print(ip, `[${from - known.end} bytes left out]`);
    const lines = (known.rest + known.decoder.write(bytes.subarray(Math.max(0, known.end - from)))).split(
      '\n',
    );
    known.end = from + bytes.length;
    known.rest = lines.pop() ?? '';
    for (const line of lines) this.print(ip, line);
    if (known.rest.length < LONGEST_LINE) return;
    this.print(ip, known.rest);
    known.rest = '';
  }

  private print(ip: string, line: string): void {
    this.invocation.print.line(`${plain(ip)}  ${plain(line)}`);
  }
}
