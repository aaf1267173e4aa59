import { readFileSync, statSync } from 'node:fs';
import { unzipSync } from 'fflate';
import { CommandError } from '../command/exit.js';

/** The largest archive that is opened, and the most that may be in it, in bytes. */
const MOST_PACKED = 256 * 1_048_576;
const MOST_UNPACKED = 1_024 * 1_048_576;

export interface Manifest {
  task: number;
  made_at: string;
  left_out: { part: string; why: string }[];
}

/** An archive of a task, as `GET /task/:id/bundle` makes it. */
export class Archive {
  private readonly known = new Map<string, unknown>();

  private constructor(
    private readonly files: Readonly<Record<string, Uint8Array>>,
    readonly manifest: Manifest,
  ) {}

  /** @throws CommandError that says what is wrong with the file. */
  static read(path: string): Archive {
    const refuse = (why: string): never => {
      throw new CommandError(`${path} ${why}`);
    };
    let files: Record<string, Uint8Array>;
    try {
      if (statSync(path).size > MOST_PACKED)
        return refuse(`is larger than ${MOST_PACKED / 1_048_576} MiB, and no archive of a task is`);
      let unpacked = 0;
      files = unzipSync(readFileSync(path), {
        filter: ({ originalSize }) => {
          unpacked += originalSize;
          return unpacked <= MOST_UNPACKED || refuse('holds more than any archive of a task does');
        },
      });
    } catch (error) {
      if (error instanceof CommandError) throw error;
      return refuse(`cannot be read as a ZIP archive: ${(error as Error).message}`);
    }
    const manifest = Archive.parse<Manifest & { format: string; version: number }>(
      files['manifest.json'],
      'manifest.json',
      path,
    );
    if (manifest.format !== 'rigel-task-bundle' || manifest.version !== 1)
      return refuse('is no archive of a task, or of a later release: rigel task bundle makes one');
    return new Archive(files, manifest);
  }

  private static parse<T>(bytes: Uint8Array | undefined, name: string, path: string): T {
    try {
      return JSON.parse(Buffer.from(bytes ?? []).toString('utf8')) as T;
    } catch {
      throw new CommandError(`${path} has no readable ${name}: rigel task bundle makes such an archive`);
    }
  }

  file(name: string): Uint8Array | undefined {
    return Object.hasOwn(this.files, name) ? this.files[name] : undefined;
  }

  /** The value of `api/<name>.json`; undefined: it is not there. */
  json<T>(name: string): T | undefined {
    return this.once(name, () => {
      const bytes = this.file(`api/${name}.json`);
      return bytes && (JSON.parse(Buffer.from(bytes).toString('utf8')) as T);
    });
  }

  /** The values of `api/<name>.jsonl`, one a line. */
  lines<T>(name: string): T[] {
    return this.once(name, () =>
      Buffer.from(this.file(`api/${name}.jsonl`) ?? [])
        .toString('utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as T),
    );
  }

  private once<T>(name: string, read: () => T): T {
    if (!this.known.has(name)) this.known.set(name, read());
    return this.known.get(name) as T;
  }
}
