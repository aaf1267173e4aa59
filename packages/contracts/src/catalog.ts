import { type Static, Type } from 'typebox';
import { Created, Done, Id, pageFields, pageOf } from './paging.js';
import { defineRpc, WITHIN_ANOTHER_MS } from './rpc.js';
import { AllowedSecrets } from './secret-parameter.js';
import { stepLimits } from './step-limits.js';

/*
 * Operations of the catalog service: actions, their implementations, remote steps and task templates. Field names are
 * those of the HTTP API.
 */

/** Parameter name to its type. */
export const ActionParams = Type.Record(
  Type.String(),
  Type.Union([Type.Literal('string'), Type.Literal('integer')]),
);

export const Action = Type.Object({
  id: Id,
  name: Type.String(),
  desc: Type.String(),
  params: ActionParams,
});
export type Action = Static<typeof Action>;

/**
 * How an action is done. `template.action` is `{module: 'shell', args}` (one command line) or
 * `{module: 'longscript', content}` (a script); anything else is stored, and refused when a task would use it.
 */
export const ActionImpl = Type.Object({
  id: Id,
  action_id: Id,
  type: Type.String(),
  template: Type.Record(Type.String(), Type.Unknown()),
});
export type ActionImpl = Static<typeof ActionImpl>;

export const RemoteStep = Type.Object({
  id: Id,
  name: Type.String(),
  desc: Type.String(),
  /** Names of actions in running order; they need not exist yet. */
  actions: Type.Array(Type.String()),
});
export type RemoteStep = Static<typeof RemoteStep>;

export const RetryOption = Type.Object({
  /** Extra attempts after the first: at most `retry_times + 1` in all. */
  retry_times: Type.Integer({ minimum: 0, maximum: 100 }),
  ignore_error: Type.Boolean(),
});

/** One step of a template, with the values of its parameters. */
export const StepOption = Type.Object({
  name: Type.String(),
  param_values: Type.Record(Type.String(), Type.Unknown()),
  retry: RetryOption,
  ...stepLimits,
  /** Absent: none. */
  allowed_secrets: Type.Optional(AllowedSecrets),
});
export type StepOption = Static<typeof StepOption>;

export const Template = Type.Object({
  id: Id,
  name: Type.String(),
  desc: Type.String(),
  steps: Type.Array(StepOption),
});
export type Template = Static<typeof Template>;

export const StepKind = Type.Union([Type.Literal('vm'), Type.Literal('sd'), Type.Literal('remote')]);
export type StepKind = Static<typeof StepKind>;

/** A step that templates can name: the built-in ones first, then the remote steps. */
export const UsableStep = Type.Object({
  id: Id,
  name: Type.String(),
  desc: Type.String(),
  type: StepKind,
  params: Type.Record(Type.String(), Type.String()),
});
export type UsableStep = Static<typeof UsableStep>;

/** The steps that need no catalog entry, their kind and parameters; ids 1 to 4 in this order. */
export const BUILT_IN_STEPS = [
  { name: 'create_vm', type: 'vm', params: { vm_type_id: 'integer' } },
  { name: 'return_vm', type: 'vm', params: { vm_type_id: 'integer' } },
  { name: 'register', type: 'sd', params: { service_discovery_id: 'integer' } },
  { name: 'unregister', type: 'sd', params: { service_discovery_id: 'integer' } },
] as const;

/** One action of a resolved remote step: what the executor runs. */
export const ResolvedAction = Type.Object({
  name: Type.String(),
  /** Parameters the action declares; others in its template count as strings. */
  params: ActionParams,
  /** `noop` does nothing (benchmarks of the engine); it needs an executor with that capability. */
  module: Type.Union([Type.Literal('shell'), Type.Literal('longscript'), Type.Literal('noop')]),
  /** Command line or script text, with its `{{param}}` places. */
  text: Type.String(),
});
export type ResolvedAction = Static<typeof ResolvedAction>;

/** A step of a template with all it takes to run it: later edits of the catalog do not reach it. */
export const ResolvedStep = Type.Object({
  name: Type.String(),
  kind: StepKind,
  param_values: Type.Record(Type.String(), Type.Unknown()),
  retry: RetryOption,
  ...stepLimits,
  /** Beside those that `param_values` name; absent: none. Only who makes a task needs it. */
  allowed_secrets: Type.Optional(AllowedSecrets),
  /** Remote steps: in running order. Empty for built-in steps. */
  actions: Type.Array(ResolvedAction),
});
export type ResolvedStep = Static<typeof ResolvedStep>;

const text = Type.String();
const keyword = Type.Optional(Type.String());
const byId = Type.Object({ id: Id });
const list = Type.Object({ ...pageFields, name: keyword });
const template = Type.Record(Type.String(), Type.Unknown());

/** What was saved differently than it was given, and why: sentences for whoever saves. */
const noted = { notes: Type.Optional(Type.Array(Type.String())) };

export const catalog = {
  listActions: defineRpc('catalog.action.list', { request: list, response: pageOf(Action) }),
  createAction: defineRpc('catalog.action.create', {
    request: Type.Object({ name: text, desc: text, params: Type.Record(Type.String(), Type.Unknown()) }),
    response: Created,
    keyed: true,
  }),
  /** A new name is refused (`in_use`) while a remote step names the action. */
  updateAction: defineRpc('catalog.action.update', {
    request: Type.Object({
      id: Id,
      name: Type.Optional(text),
      desc: Type.Optional(text),
      params: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    }),
    response: Done,
  }),
  /** Its implementations go with it. `in_use` while a remote step names it. */
  deleteAction: defineRpc('catalog.action.delete', { request: byId, response: Done }),
  getAction: defineRpc('catalog.action.get', { request: byId, response: Action }),

  listActionImpls: defineRpc('catalog.actimpl.list', {
    request: Type.Object(pageFields),
    response: pageOf(ActionImpl),
  }),
  /** One implementation for each action and type (`conflict`). `not_found` (field `action_id`): unknown action. */
  createActionImpl: defineRpc('catalog.actimpl.create', {
    request: Type.Object({ type: text, action_id: Id, template }),
    response: Type.Object({ id: Id, ...noted }),
    keyed: true,
  }),
  /**
   * `by` says how to read `id`. Absent: when `action_id` is given and equals `id`, then `id` is an action's, whose
   * implementation is made when it has none (`type` and `template` given); else an implementation's. `in_use`: a remote step
   * would be left with an action that has nothing to run.
   */
  updateActionImpl: defineRpc('catalog.actimpl.update', {
    request: Type.Object({
      id: Id,
      by: Type.Optional(Type.Union([Type.Literal('impl'), Type.Literal('action')])),
      type: Type.Optional(text),
      action_id: Type.Optional(Id),
      template: Type.Optional(template),
    }),
    response: Type.Object(noted),
  }),
  /** `by` absent: an implementation's id; a destructive call does not guess. `in_use`: as for a change. */
  deleteActionImpl: defineRpc('catalog.actimpl.delete', {
    request: Type.Object({
      id: Id,
      by: Type.Optional(Type.Union([Type.Literal('impl'), Type.Literal('action')])),
    }),
    response: Done,
  }),
  /** `by` absent: an action's id, or, when no action has it, an implementation's. */
  getActionImpl: defineRpc('catalog.actimpl.get', {
    request: Type.Object({
      id: Id,
      by: Type.Optional(Type.Union([Type.Literal('impl'), Type.Literal('action')])),
    }),
    response: ActionImpl,
  }),

  listRemoteSteps: defineRpc('catalog.remote_step.list', { request: list, response: pageOf(RemoteStep) }),
  createRemoteStep: defineRpc('catalog.remote_step.create', {
    request: Type.Object({ name: text, desc: text, actions: Type.Array(text) }),
    response: Created,
    keyed: true,
  }),
  /** A new name is refused (`in_use`) while a template names the step. */
  updateRemoteStep: defineRpc('catalog.remote_step.update', {
    request: Type.Object({
      id: Id,
      name: Type.Optional(text),
      desc: Type.Optional(text),
      actions: Type.Optional(Type.Array(text)),
    }),
    response: Done,
  }),
  /** `in_use` while a template names it. */
  deleteRemoteStep: defineRpc('catalog.remote_step.delete', { request: byId, response: Done }),
  getRemoteStep: defineRpc('catalog.remote_step.get', { request: byId, response: RemoteStep }),

  listTemplates: defineRpc('catalog.template.list', { request: list, response: pageOf(Template) }),
  /** `not_found` (field `steps`): a step is neither built in nor a remote step; `conflict`: the name is taken. */
  createTemplate: defineRpc('catalog.template.create', {
    request: Type.Object({ name: text, desc: text, steps: Type.Array(StepOption) }),
    response: Created,
    keyed: true,
  }),
  updateTemplate: defineRpc('catalog.template.update', {
    request: Type.Object({
      id: Id,
      name: Type.Optional(text),
      desc: Type.Optional(text),
      steps: Type.Optional(Type.Array(StepOption)),
    }),
    response: Done,
  }),
  /** The name is free again; tasks keep their own copy. `in_use` while a pool names it, or comes to name it. */
  deleteTemplate: defineRpc('catalog.template.delete', { request: byId, response: Done }),
  getTemplate: defineRpc('catalog.template.get', { request: byId, response: Template }),

  /**
   * Keeps templates from being deleted while a pool comes to name them. `deleted`: those that are gone already. The hold ends
   * with `releaseTemplates`, else by itself after `ttl_ms`.
   */
  holdTemplates: defineRpc('catalog.template.hold', {
    request: Type.Object({
      ids: Type.Array(Id),
      /** Names the hold. */
      hold: Type.String(),
      ttl_ms: Type.Integer({ minimum: 1_000, maximum: 60_000 }),
    }),
    response: Type.Object({ deleted: Type.Array(Id) }),
    timeoutMs: WITHIN_ANOTHER_MS,
  }),
  releaseTemplates: defineRpc('catalog.template.release', {
    request: Type.Object({ hold: Type.String() }),
    response: Done,
    timeoutMs: WITHIN_ANOTHER_MS,
  }),

  listUsableSteps: defineRpc('catalog.step.list', { request: list, response: pageOf(UsableStep) }),

  /**
   * A template made self-contained. `not_found`: the template; `invalid`: it has no step, or a step names an action that
   * does not exist or has no implementation that can be run (the message says which).
   */
  resolveTemplate: defineRpc('catalog.template.resolve', {
    request: byId,
    response: Type.Object({ id: Id, name: Type.String(), steps: Type.Array(ResolvedStep) }),
  }),
};
