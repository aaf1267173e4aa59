import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const RECORDS = 'processes.json';

/** What must be known about a process to end it when its supervisor has died. */
export interface ProcessRecord {
  name: string;
  pid: number;
  /** See processStart: tells the process from a later one of the same number. */
  started: string;
  stopStage: number;
  /** Signal that asks it to end. */
  stopSignal: NodeJS.Signals;
}

/**
 * The folder with a file `<name>.pid` for each running process, for people and scripts, and one file for the next
 * supervisor, which must know more than the numbers.
 *
 * Writes are synchronous: a process must be on record before anything else can go wrong.
 */
export class RunFolder {
  private readonly dir: string;
  private readonly records = new Map<string, ProcessRecord>();

  constructor(dir: string) {
    this.dir = dir;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  /** The records that an earlier supervisor left here. */
  leftRecords(): ProcessRecord[] {
    try {
      return JSON.parse(readFileSync(join(this.dir, RECORDS), 'utf8')) as ProcessRecord[];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      // Half a file is left by a crash of the whole machine, which ended the processes as well.
      if (error instanceof SyntaxError) return [];
      throw error;
    }
  }

  pidFile(name: string): string {
    return join(this.dir, `${name}.pid`);
  }

  add(record: ProcessRecord): void {
    this.records.set(record.name, record);
    this.writeRecords();
    this.write(`${record.name}.pid`, `${record.pid}\n`);
  }

  remove(name: string): void {
    if (!this.records.delete(name)) return;
    rmSync(this.pidFile(name), { force: true });
    this.writeRecords();
  }

  /** Removes every file, also those of an earlier supervisor. */
  clear(): void {
    this.records.clear();
    for (const file of readdirSync(this.dir)) {
      if (file.endsWith('.pid') || file === RECORDS) rmSync(join(this.dir, file), { force: true });
    }
  }

  private writeRecords(): void {
    if (this.records.size === 0) rmSync(join(this.dir, RECORDS), { force: true });
    else this.write(RECORDS, `${JSON.stringify([...this.records.values()], undefined, 2)}\n`);
  }

  // Through a rename: who reads finds the old text or the new one, never half of one.
  private write(name: string, text: string): void {
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    const path = join(this.dir, name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
}
