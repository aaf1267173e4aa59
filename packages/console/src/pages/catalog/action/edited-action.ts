import { type Action, type ActionImplementation, ApiError, unwrap } from '@rigel/api-client';
import { api } from '../../../api/api.js';

/** An action with the implementation that tasks run. */
export interface WholeAction {
  action: Action;
  /** undefined: it has none. */
  impl: ActionImplementation | undefined;
  /** Versions of both: `4.2`. */
  version: string;
  updated_by: string | undefined;
  updated_at: string | undefined;
  managed_by: string | undefined;
}

/** What of an action can be edited. */
export interface ActionValues {
  name: string;
  desc: string;
  params: Record<string, 'string' | 'integer'>;
  module: 'shell' | 'longscript';
  text: string;
}

/** The kind of implementation that tasks run. */
const RUN = 'ansible';

export async function readAction(id: number): Promise<WholeAction> {
  const [action, impl] = await Promise.all([
    unwrap(api.GET('/action/{id}', { params: { path: { id } } })),
    unwrap(api.GET('/actimpl/{id}', { params: { path: { id }, query: { by: 'action' } } })).catch(
      (error: unknown) => {
        if (error instanceof ApiError && error.code === 404) return undefined;
        throw error;
      },
    ),
  ]);
  const last = [action, impl]
    .filter((part) => part?.updated_at !== undefined)
    .sort((a, b) => (b?.updated_at ?? '').localeCompare(a?.updated_at ?? ''))[0];
  return {
    action,
    impl: impl?.type === RUN ? impl : undefined,
    version: `${action.version ?? 0}.${(impl?.type === RUN && impl.version) || 0}`,
    updated_by: last?.updated_by,
    updated_at: last?.updated_at,
    managed_by: action.managed_by,
  };
}

/** The module and the text of an implementation; a module that Rigel does not run has none. */
function textOf(impl: ActionImplementation | undefined): Pick<ActionValues, 'module' | 'text'> {
  const { module, args, content } = (impl?.template.action ?? {}) as Record<string, unknown>;
  if (module === 'longscript' && typeof content === 'string') return { module, text: content };
  return { module: 'shell', text: module === 'shell' && typeof args === 'string' ? args : '' };
}

/** The module of an implementation that Rigel does not run; undefined: it runs it, or there is none. */
export function foreignModule({ impl }: WholeAction): string | undefined {
  const { module } = (impl?.template.action ?? { module: 'shell' }) as { module?: unknown };
  return module === 'shell' || module === 'longscript' ? undefined : String(module);
}

export function valuesOf(whole: WholeAction): ActionValues {
  const { name, desc, params } = whole.action;
  return { name, desc, params, ...textOf(whole.impl) };
}

export function asText({ name, desc, params, module, text }: ActionValues): string {
  const declared = Object.entries(params).map(([param, type]) => `param ${param}: ${type}`);
  return [`name: ${name}`, `desc: ${desc}`, ...declared, `module: ${module}`, '', text].join('\n');
}

function templateOf({ module, text }: ActionValues): Record<string, unknown> {
  return { action: module === 'shell' ? { module, args: text } : { module, content: text } };
}

/** The version that saving the values makes. */
export function nextVersion(base: WholeAction, values: ActionValues): string {
  const before = valuesOf(base);
  const action = sameAction(before, values) ? 0 : 1;
  const impl = sameText(before, values) ? 0 : 1;
  return `${(base.action.version ?? 0) + action}.${(base.impl?.version ?? 0) + impl}`;
}

function sameAction(a: ActionValues, b: ActionValues): boolean {
  return JSON.stringify([a.name, a.desc, a.params]) === JSON.stringify([b.name, b.desc, b.params]);
}

function sameText(a: ActionValues, b: ActionValues): boolean {
  return a.module === b.module && a.text === b.text;
}

const versionOf = ({ version }: { version?: number | undefined }) =>
  version === undefined ? {} : { if_version: version };

/**
 * Saves what differs from the state that the values were made from. The parameters go first, because the text may use new ones.
 * @throws ApiError also when another person saved the action meanwhile; then nothing more is saved.
 */
export async function saveAction(base: WholeAction, values: ActionValues): Promise<void> {
  const before = valuesOf(base);
  const { id } = base.action;
  const { name, desc, params } = values;
  if (!sameAction(before, values))
    await unwrap(
      api.POST('/action/update/{id}', {
        params: { path: { id } },
        body: { name, desc, params, ...versionOf(base.action) },
      }),
    );
  if (sameText(before, values)) return;
  const template = templateOf(values);
  if (base.impl)
    await unwrap(
      api.POST('/actimpl/update/{id}', {
        params: { path: { id: base.impl.id } },
        body: { by: 'impl', template, ...versionOf(base.impl) },
      }),
    );
  // Of two that make one at once, the second is refused: an action has one implementation of a kind.
  else await unwrap(api.POST('/actimpl/create', { body: { type: RUN, action_id: id, template } }));
}
