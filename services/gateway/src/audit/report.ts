import { type UnsuccessfulRequest, visible } from '@rigel/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pathOf } from '../request/address.js';
import { operatorFrom } from '../request/operator.js';
import type { Unnumbered } from './denial-sums.js';
import type { RequestReporter } from './reporter.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** What a refused request was told. */
    refusal: string;
    /** Nobody can say what came of it: the service did not answer. */
    uncertain: boolean;
  }
}

/** Longer ones are cut: a path may have thousands of addresses. */
const MAX_TEXT = 300;

/** What an endpoint's `id` in the path names, by the beginning of the endpoint's own id; as the streams of events are named. */
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

/** Has the reporter told of every request that was not let in, and of every one that was to change something and did not. */
export function registerReports(
  app: FastifyInstance,
  { reporter, accessIsOn }: { reporter: RequestReporter; accessIsOn: boolean },
): void {
  app.decorateRequest('refusal', '');
  app.decorateRequest('uncertain', false);
  app.addHook('preSerialization', (request, reply, payload, done) => {
    if (reply.statusCode >= 400) request.refusal = String((payload as { msg?: unknown }).msg ?? '');
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const outcome = outcomeOf(request, reply);
    if (outcome) reporter.add(reportOf(request, reply, { outcome, accessIsOn }));
    done();
  });
}

function reportOf(
  request: FastifyRequest,
  reply: FastifyReply,
  { outcome, accessIsOn }: { outcome: UnsuccessfulRequest['outcome']; accessIsOn: boolean },
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
    status: reply.statusCode,
    reason: shorten(request.denial || request.refusal),
  };
}

function outcomeOf(request: FastifyRequest, reply: FastifyReply): UnsuccessfulRequest['outcome'] | undefined {
  const { statusCode } = reply;
  const { endpoint, open } = request.routeOptions.config;
  if (open || statusCode < 400) return undefined;
  if (statusCode === 401 || statusCode === 403) return 'denied';
  // Too many are too many for the audit as well.
  if (endpoint?.access !== 'write' || statusCode === 429) return undefined;
  return statusCode >= 500 || request.uncertain ? 'failed' : 'refused';
}

function targetOf(request: FastifyRequest): string {
  const { endpoint } = request.routeOptions.config;
  const kind = KINDS[endpoint?.id.split('.')[0] ?? ''];
  const { id } = (request.params ?? {}) as { id?: string };
  return kind !== undefined && id !== undefined && /^\d{1,15}$/.test(id) ? `${kind}-${Number(id)}` : '';
}

/** What a client sent may hold what the database refuses, and what whoever reads the audit does not see. */
function shorten(text: string): string {
  const clean = visible(text);
  return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT - 3).replace(/\p{Cs}/gu, '')}...` : clean;
}
