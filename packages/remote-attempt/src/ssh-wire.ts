/** A string as SSH writes it: its length in four bytes, then the bytes. */
export function sshString(value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Reads values in the format of SSH. Every read throws a RangeError if the bytes end too early. */
export class SshReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  /** The number of bytes that have been read. */
  get position(): number {
    return this.at;
  }

  get atEnd(): boolean {
    return this.at === this.bytes.length;
  }

  string(): Buffer {
    const length = this.take(4).readUInt32BE();
    return this.take(length);
  }

  text(): string {
    return this.string().toString('utf8');
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.take(8).readBigUInt64BE();
  }

  private take(length: number): Buffer {
    const end = this.at + length;
    if (end > this.bytes.length) throw new RangeError('it ends too early');
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }
}
