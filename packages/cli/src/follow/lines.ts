import { plain } from '../output/screen.js';

/** A line that is longer is printed in parts, so that what waits for its end stays small. */
const LONGEST_LINE = 65_536;

/** Makes lines of bytes that come in parts. */
export class Lines {
  private readonly decoder = new TextDecoder();
  private rest = '';

  constructor(private readonly print: (line: string) => void) {}

  /** Takes the next bytes, and prints the lines that are whole. */
  take(bytes: Uint8Array): void {
    this.rest += this.decoder.decode(bytes, { stream: true });
    const lines = this.rest.split('\n');
    this.rest = lines.pop() as string;
    for (const line of lines) this.print(plain(line.replace(/\r$/, '')));
    if (this.rest.length > LONGEST_LINE) this.end();
  }

  /** Prints what has no end of a line yet. */
  end(): void {
    const rest = this.rest + this.decoder.decode();
    this.rest = '';
    if (rest !== '') this.print(plain(rest));
  }
}
