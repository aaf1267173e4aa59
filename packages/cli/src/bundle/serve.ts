import { randomBytes } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { answerFrom } from './answers.js';
import type { Archive } from './archive.js';

/*
 * The console over an archive, on the loopback address: the pages of the task, from the files in the archive.
 */

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
  json: 'application/json',
};

/** What the page may load: files of this server alone. What came with the archive can send nothing to anybody else. */
const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    "base-uri 'self'",
    "connect-src 'self'",
    "font-src 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "img-src 'self' data:",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "worker-src 'self'",
    "require-trusted-types-for 'script'",
    'trusted-types rigel',
  ].join('; ');

/** Serves an archive. @param port 0: any free one. @returns the server, and the address of the task's page. */
export async function serveArchive(archive: Archive, port = 0): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const { host = '' } = request.headers;
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    // A page of another site that had its name lead here could else read the archive.
    if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host))
      return refuse(response, 421, 'the host has another name');
    if (request.method !== 'GET')
      return refuse(response, 403, 'an archive is only read: nothing can be changed here');
    if (url.pathname === '/' || url.pathname === '/console/')
      return void response.writeHead(302, { Location: `/console/task/${archive.manifest.task}` }).end();
    if (url.pathname.startsWith('/console/'))
      return sendPage(response, archive, url.pathname.slice('/console/'.length));
    const answer = answerFrom(archive, url.pathname, url.searchParams);
    if ('data' in answer) return send(response, 200, { code: 0, msg: 'success', data: answer.data });
    return refuse(response, answer.code, answer.msg);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: own } = server.address() as { port: number };
  return { server, url: `http://127.0.0.1:${own}/console/task/${archive.manifest.task}` };
}

function send(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'X-Rigel-Time': String(Date.now()),
    })
    .end(JSON.stringify(body));
}

const refuse = (response: ServerResponse, code: number, msg: string): void =>
  send(response, code, { code, msg, data: {} });

function sendPage(response: ServerResponse, archive: Archive, rest: string): void {
  const file = /^(assets\/[\w.-]+|icon\.svg)$/.test(rest) ? archive.file(`console/${rest}`) : undefined;
  const headers = { 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' };
  if (file) {
    const type = TYPES[rest.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
    return void response
      .writeHead(200, {
        ...headers,
        'Content-Type': type,
        'Content-Security-Policy':
          "default-src 'none'; connect-src 'self'; script-src 'self'; frame-ancestors 'none'",
      })
      .end(file);
  }
  const page = archive.file('console/index.html');
  if (!page || rest.startsWith('assets/')) {
    refuse(response, 404, 'the archive was made without the console');
    return;
  }
  const nonce = randomBytes(18).toString('base64url');
  const depth = rest.split('/').length - 1;
  const base = depth === 0 ? './' : '../'.repeat(depth);
  response
    .writeHead(200, {
      ...headers,
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      'Content-Security-Policy': policy(nonce),
    })
    .end(
      Buffer.from(page)
        .toString('utf8')
        .replace('<head>', `<head><base href="${base}"><meta property="csp-nonce" nonce="${nonce}">`),
    );
}
