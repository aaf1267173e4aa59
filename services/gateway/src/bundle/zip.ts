import { Zip, ZipDeflate } from 'fflate';

/** A file of an archive: its text or bytes, part by part. */
export interface ZipEntry {
  name: string;
  parts: AsyncIterable<string | Uint8Array>;
}

/** Bytes that are compressed in one go: other requests are answered in between. */
const GO = 65_536;

/** The bytes of a ZIP archive of these files, made as they are read. Nothing but one part of a file is in memory at a time. */
export async function* zipped(entries: AsyncIterable<ZipEntry>): AsyncGenerator<Buffer> {
  const ready: Uint8Array[] = [];
  let failure: Error | undefined;
  const zip = new Zip((error, data) => {
    if (error) failure = error;
    else ready.push(data);
  });
  function* take(): Generator<Buffer> {
    if (failure) throw failure;
    for (const data of ready.splice(0)) yield Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }
  for await (const { name, parts } of entries) {
    const file = new ZipDeflate(name, { level: 6 });
    zip.add(file);
    for await (const part of parts) {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      for (let at = 0; at < bytes.length; at += GO) {
        file.push(bytes.subarray(at, at + GO));
        yield* take();
      }
    }
    file.push(new Uint8Array(0), true);
    yield* take();
  }
  zip.end();
  yield* take();
}
