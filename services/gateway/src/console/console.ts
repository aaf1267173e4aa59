import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { failureEnvelope } from '../envelope.js';
import { pathOf } from '../request/address.js';
import { baseOf, newNonce, pagePolicy, renderPage } from './page.js';

/** Where the package of the console has its built files. */
function builtFiles(): string {
  return fileURLToPath(new URL('build/files/', import.meta.resolve('@rigel/console/package.json')));
}

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

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Rigel</title>
<h1>The console is not built</h1>
<p>Its files are missing in this installation. In a checkout, <code>npx pnpm@12 start</code> builds them; <code>npx pnpm@12 console</code>
builds them alone. Then start the gateway again. The API works without them.</p></html>
`;

/**
 * Serves the web console at `/console/`, and leads browsers there that ask for `/`. Its page is answered at every address below
 * that is no file, because the addresses of its pages are the console's own. Missing files keep nothing else from working.
 * @param folder instead of the package's own files.
 */
export async function registerConsole(
  app: FastifyInstance,
  { log, folder = builtFiles() }: { log: Logger; folder?: string },
): Promise<void> {
  const built = readPage(folder, log);
  await app.register(async (scope) => {
    // Files and page hold nothing that a token would have to protect; what they show they read from the API.
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, open: true };
    });
    const hidden = { schema: { hide: true } };
    scope.get('/', hidden, (request, reply) =>
      wantsPage(request)
        ? reply.redirect('console/')
        : reply.code(404).send(failureEnvelope(404, 'not found', {})),
    );
    // The router's address has lost the slash at its end, by which a browser reads relative addresses.
    scope.get('/console', hidden, (request, reply) =>
      pathOf(request.originalUrl).endsWith('/')
        ? sendPage(request, reply, built)
        : reply.redirect('console/'),
    );
    scope.get('/console/*', hidden, (request, reply) => sendPage(request, reply, built));
    if (built === undefined) return;
    await scope.register(fastifyStatic, {
      root: join(folder, 'assets'),
      prefix: '/console/assets/',
      preCompressed: true,
      index: false,
      decorateReply: false,
      setHeaders: (response) => response.header('Cache-Control', ASSETS_KEPT),
    });
    const icon = readFileSync(join(folder, 'icon.svg'));
    scope.get('/console/icon.svg', hidden, (_request, reply) => reply.type('image/svg+xml').send(icon));
  });
}

function readPage(folder: string, log: Logger): string | undefined {
  try {
    return readFileSync(join(folder, 'index.html'), 'utf8');
  } catch (error) {
    log.warn({ folder, err: error }, 'the console is not built: /console/ says how to build it');
    return undefined;
  }
}

function wantsPage({ headers }: FastifyRequest): boolean {
  return /\btext\/html\b/.test(headers.accept ?? '');
}

function sendPage(request: FastifyRequest, reply: FastifyReply, built: string | undefined): FastifyReply {
  const nonce = newNonce();
  reply.headers({ ...PAGE_HEADERS, 'Content-Security-Policy': pagePolicy(nonce) });
  if (built === undefined) return reply.code(503).send(NOT_BUILT);
  const rest = pathOf(request.originalUrl).slice('/console/'.length);
  return reply.send(renderPage(built, { base: baseOf(rest), nonce }));
}
