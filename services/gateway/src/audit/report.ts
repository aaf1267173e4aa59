import { type Outcome, visible } from '@rigel/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { pathOf } from '../request/address.js';
import { operatorFrom } from '../request/operator.js';
import type { Unnumbered } from './denial-sums.js';
import type { RequestReporter } from './reporter.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The message of the refusal, if the request was refused. */
    refusal: string;
    /** The service did not answer, so it is unknown whether the request changed something. */
    uncertain: boolean;
    /** It was carried out, and no event tells of it. */
    toldAsDone: boolean;
  }
}

/** Longer texts are cut: a path may have thousands of addresses. */
const MAX_TEXT = 300;

/**
 * The kind of thing that `id` in an endpoint's path names, by the first part of the endpoint's id; as streams of events
 * are named.
 */
const KINDS: Readonly<Record<string, string>> = {
  cluster: 'cluster',
  service: 'service',
  pool: 'pool',
  task: 'task',
  task_tpl: 'template',
  task_impl: 'template',
  remote_step: 'remote_step',
  action: 'action',
  action_impl: 'actimpl',
  actimpl: 'actimpl',
  token: 'token',
};

interface AuditOptions {
  reporter: RequestReporter;
  accessIsOn: boolean;
}

/**
 * Plugin: reports every request that was refused for its credentials, every request that should have changed something
 * and did not, and those that were carried out without an event.
 */
export const audit = fp<AuditOptions>(
  (app, { reporter, accessIsOn }, done) => {
    app.addHook('onClose', () => reporter.close());
    app.decorateRequest('refusal', '');
    app.decorateRequest('uncertain', false);
    app.decorateRequest('toldAsDone', false);
    app.addHook('preSerialization', (request, reply, payload, done) => {
      if (reply.statusCode >= 400) request.refusal = String((payload as { msg?: unknown }).msg ?? '');
      done();
    });
    app.addHook('onResponse', (request, reply, done) => {
      const outcome = auditOutcome(request, reply);
      if (outcome) reporter.add(reportOf(request, reply, { outcome, accessIsOn }));
      done();
    });
    done();
  },
  { name: 'audit', dependencies: ['principal'] },
);

function reportOf(
  request: FastifyRequest,
  reply: FastifyReply,
  { outcome, accessIsOn }: { outcome: Outcome; accessIsOn: boolean },
): Unnumbered {
  const { principal, headers } = request;
  const { endpoint } = request.routeOptions.config;
  return {
    time: Date.now(),
    operator: principal?.name ?? (accessIsOn ? '' : shorten(operatorFrom(headers.authorization))),
    action: endpoint?.id ?? shorten(`${request.method} ${pathOf(request.url)}`),
    target: targetOf(request),
    client: request.ip,
    correlation_id: request.id,
    outcome,
    status: outcome === 'done' ? 0 : reply.statusCode,
    reason: shorten(request.denial || request.refusal),
  };
}

function auditOutcome(request: FastifyRequest, reply: FastifyReply): Outcome | undefined {
  const { statusCode } = reply;
  const { endpoint, open } = request.routeOptions.config;
  if (statusCode < 400) return request.toldAsDone ? 'done' : undefined;
  if (open) return undefined;
  if (statusCode === 401 || statusCode === 403) return 'denied';
  // Requests over the limit would be too many for the audit as well.
  if (endpoint?.access !== 'write' || statusCode === 429) return undefined;
  return statusCode >= 500 || request.uncertain ? 'failed' : 'refused';
}

function targetOf(request: FastifyRequest): string {
  const { endpoint } = request.routeOptions.config;
  const kind = KINDS[endpoint?.id.split('.')[0] ?? ''];
  const { id } = (request.params ?? {}) as { id?: string };
  return kind !== undefined && id !== undefined && /^\d{1,15}$/.test(id) ? `${kind}-${Number(id)}` : '';
}

/** A client's text may hold characters that the database refuses, or that a reader of the audit does not see. */
function shorten(text: string): string {
  const clean = visible(text);
  return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT - 3).replace(/\p{Cs}/gu, '')}...` : clean;
}
