import { unwrap } from '@rigel/api-client';
import { connect } from '../api/client.js';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import { plain } from '../output/screen.js';
import { readValue } from './values.js';

const METHODS = ['GET', 'POST', 'DELETE'];

export const apiCommands = [
  command({
    name: 'api',
    help: { en: 'Send any request to the API, and print its data', zh: '向 API 发送任意请求并输出数据' },
    args: [{ name: 'method' }, { name: 'path' }],
    flags: {
      data: {
        type: 'text',
        short: 'd',
        value: '<json|@file|->',
        help: { en: 'body of the request', zh: '请求正文' },
      },
    },
    run: async (invocation, [method = '', path = ''], flags) => {
      const { settings, io, flags: all, signal, print } = invocation;
      const verb = method.toUpperCase();
      if (!METHODS.includes(verb))
        throw new CommandError(`method must be one of ${METHODS.join(', ')} (got ${JSON.stringify(method)})`);
      if (!path.startsWith('/'))
        throw new CommandError(`path must begin with / (got ${JSON.stringify(path)})`);
      const text = flags.data === undefined ? undefined : await readValue(invocation, flags.data);
      let body: unknown;
      try {
        body = text === undefined ? undefined : JSON.parse(text);
      } catch (error) {
        throw new CommandError(`--data must be JSON: ${(error as Error).message}`);
      }
      const client = connect(settings, io, all.debug, signal);
      const answer = await unwrap(
        (client.request as CallableFunction)(verb.toLowerCase(), path, {
          ...(body === undefined ? {} : { body }),
        }),
      );
      print.line(plainJson(answer));
      return EXIT.done;
    },
  }),
];

const plainJson = (value: unknown): string =>
  (JSON.stringify(value, undefined, 2) ?? 'null').split('\n').map(plain).join('\n');
