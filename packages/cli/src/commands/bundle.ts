import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { unwrap } from '@rigel/api-client';
import { Archive } from '../bundle/archive.js';
import { serveArchive } from '../bundle/serve.js';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import { plain } from '../output/screen.js';
import { numberOf, taskId } from './task-id.js';

export const bundleCommands = [
  command({
    name: 'task bundle',
    help: {
      en: 'Write everything about a task into one ZIP archive',
      zh: '将任务的全部信息写入一个 ZIP 文件',
    },
    args: taskId,
    flags: {
      file: {
        type: 'text',
        short: 'f',
        value: '<file>',
        help: {
          en: 'the archive (default: rigel-task-<id>.zip)',
          zh: '文件名（默认 rigel-task-<编号>.zip）',
        },
      },
    },
    run: async (invocation, args, flags) => {
      const { api, note } = invocation;
      const id = numberOf(args);
      const path = flags.file ?? `rigel-task-${id}.zip`;
      const answer = await api().GET('/task/{id}/bundle', { params: { path: { id } }, parseAs: 'stream' });
      if (!answer.response.ok || !answer.data) {
        await unwrap(Promise.resolve(answer as never));
        return;
      }
      // Whole or not at all: a part of an archive looks like an archive.
      const part = `${path}.part`;
      try {
        await pipeline(
          Readable.fromWeb(answer.data as unknown as import('node:stream/web').ReadableStream),
          createWriteStream(part, { mode: 0o600 }),
        );
        const { manifest } = Archive.read(part);
        await rename(part, path);
        note(`${path} holds task ${id}: rigel bundle open ${path}`);
        for (const { part: name, why } of manifest.left_out) note(`left out: ${plain(name)}: ${plain(why)}`);
      } catch (error) {
        await rm(part, { force: true });
        if (error instanceof CommandError) throw error;
        throw new CommandError(`${path} cannot be written: ${(error as Error).message}`);
      }
    },
  }),
  command({
    name: 'bundle open',
    help: {
      en: 'Show the pages of a task from its archive, without a server',
      zh: '无需服务器，从文件中查看任务页面',
    },
    args: [{ name: 'file' }],
    flags: {
      port: {
        type: 'number',
        value: '<n>',
        help: {
          en: 'port of the loopback address (default: a free one)',
          zh: '本机端口（默认任意空闲端口）',
        },
      },
    },
    run: async ({ note, print, signal }, [path = ''], { port }) => {
      if (port !== undefined && port > 65_535)
        throw new CommandError(`--port must be 1 to 65535 (got ${port})`);
      const archive = Archive.read(path);
      const { server, url } = await serveArchive(archive, port).catch((error: unknown) => {
        throw new CommandError(`port ${port} cannot be used: ${(error as Error).message}`);
      });
      print.line(url);
      note(`task ${archive.manifest.task} as it was at ${plain(archive.manifest.made_at)}; Ctrl-C ends this`);
      for (const { part, why } of archive.manifest.left_out) note(`left out: ${plain(part)}: ${plain(why)}`);
      if (!signal.aborted)
        await new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        );
      server.close();
      server.closeAllConnections();
      return EXIT.done;
    },
  }),
];
