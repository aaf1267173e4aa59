import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Logger } from 'pino';
import { pathOf } from '../request/address.js';
import { notFound } from '../serve/methods.js';
import { builtFiles } from './built-files.js';
import { baseOf, newNonce, pagePolicy, renderPage } from './page.js';

/** For the file of the worker, which has the policy that it came with: it reads the API of this server alone. */
const WORKER_POLICY = "default-src 'none'; connect-src 'self'; script-src 'self'; frame-ancestors 'none'";

/** A year: a file with another content has another name. */
const ASSETS_KEPT = 'public, max-age=31536000, immutable';

const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
} as const;

/** The file of the page, in the folder of the built console. */
const PAGE = 'index.html';

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Rigel</title>
<h1>The console is not built</h1>
<p>Its files are missing in this installation. In a checkout, <code>npx pnpm@12 start</code> builds them; <code>npx pnpm@12 console</code>
builds them alone. Then start the gateway again. The API works without them.</p></html>
`;

interface ConsoleOptions {
  log: Logger;
  /** Folder of the built files; default: that of the console's package. */
  folder?: string;
}

/**
 * Plugin: serves the web console at `/console/`, and leads browsers there that ask for `/`. Every address below `/console/` that is not
 * a file gets the console's page, which reads from the address what to show. Without built files everything else works.
 */
export const webConsole = fp<ConsoleOptions>(
  async (app, { log, folder = builtFiles() }) => {
    const isBuilt = existsSync(join(folder, PAGE));
    if (!isBuilt) log.warn({ folder }, 'the console is not built: /console/ says how to build it');
    // Read for each answer: the page names its files, which have other names after a build.
    const page = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
      sendPage(request, reply, join(folder, PAGE));
    await app.register(async (scope) => {
      // The files hold nothing to protect. What the page shows it reads from the API, which asks for a token.
      scope.addHook('onRoute', (route) => {
        route.config = { ...route.config, open: true };
      });
      const hidden = { schema: { hide: true } };
      scope.get('/', hidden, (request, reply) =>
        wantsPage(request) ? reply.redirect('console/') : notFound(reply),
      );
      // The router drops the slash at the end of an address. A browser reads relative addresses by it.
      scope.get('/console', hidden, (request, reply) =>
        pathOf(request.originalUrl).endsWith('/') ? page(request, reply) : reply.redirect('console/'),
      );
      scope.get('/console/*', hidden, page);
      if (!isBuilt) return;
      await scope.register(fastifyStatic, {
        root: join(folder, 'assets'),
        prefix: '/console/assets/',
        preCompressed: true,
        index: false,
        decorateReply: false,
        setHeaders: (response) =>
          response.header('Cache-Control', ASSETS_KEPT).header('Content-Security-Policy', WORKER_POLICY),
      });
      const icon = readFileSync(join(folder, 'icon.svg'));
      scope.get('/console/icon.svg', hidden, (_request, reply) => reply.type('image/svg+xml').send(icon));
    });
  },
  { name: 'console', dependencies: ['security-headers', 'access'] },
);

function wantsPage({ headers }: FastifyRequest): boolean {
  return /\btext\/html\b/.test(headers.accept ?? '');
}

async function sendPage(request: FastifyRequest, reply: FastifyReply, file: string): Promise<FastifyReply> {
  const nonce = newNonce();
  reply.headers({ ...PAGE_HEADERS, 'Content-Security-Policy': pagePolicy(nonce) });
  const built = await readFile(file, 'utf8').catch(() => undefined);
  if (built === undefined) return reply.code(503).send(NOT_BUILT);
  const rest = pathOf(request.originalUrl).slice('/console/'.length);
  return reply.send(renderPage(built, { base: baseOf(rest), nonce }));
}
