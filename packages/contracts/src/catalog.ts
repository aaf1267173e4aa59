import { type Static, Type } from 'typebox';
import { changeFields, changesBefore } from './changes.js';
import { AnyFields, listOf, Text, Word } from './forms.js';
import { Created, Done, Id, pageFields, pageOf } from './paging.js';
import { defineRpc, WITHIN_ANOTHER_MS } from './rpc.js';
import { AllowedSecrets } from './secret-parameter.js';
import { ifVersion, managedBy, stampFields } from './stamp.js';
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
  managed_by: managedBy,
  ...stampFields,
});
export type Action = Static<typeof Action>;

/**
 * The implementation of an action. `template.action` is `{module: 'shell', args}` (one command line) or `{module:
 * 'longscript', content}` (a script). The catalog stores other values too; a task that would use one is refused.
 */
export const ActionImpl = Type.Object({
  id: Id,
  action_id: Id,
  type: Type.String(),
  template: Type.Record(Type.String(), Type.Unknown()),
  ...stampFields,
});
export type ActionImpl = Static<typeof ActionImpl>;

export const RemoteStep = Type.Object({
  id: Id,
  name: Type.String(),
  desc: Type.String(),
  /** Names of actions in the order in which they run; they need not exist yet. */
  actions: Type.Array(Type.String()),
  managed_by: managedBy,
  ...stampFields,
});
export type RemoteStep = Static<typeof RemoteStep>;

export const RetryOption = Type.Object({
  /** Further attempts after the first: at most `retry_times + 1` in all. */
  retry_times: Type.Integer({ minimum: 0, maximum: 100 }),
  ignore_error: Type.Boolean(),
});

/** One step of a template, with the values of its parameters. */
export const StepOption = Type.Object({
  name: Text,
  param_values: AnyFields,
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
  managed_by: managedBy,
  ...stampFields,
});
export type Template = Static<typeof Template>;

export const StepKind = Type.Union([Type.Literal('vm'), Type.Literal('sd'), Type.Literal('remote')]);
export type StepKind = Static<typeof StepKind>;

/** A step that templates can name: a built-in one or a remote step. */
export const UsableStep = Type.Object({
  id: Id,
  name: Type.String(),
  desc: Type.String(),
  type: StepKind,
  params: Type.Record(Type.String(), Type.String()),
});
export type UsableStep = Static<typeof UsableStep>;

/** The steps without a catalog entry, with kind and parameters. Their ids are 1 to 4, in this order. */
export const BUILT_IN_STEPS = [
  { name: 'create_vm', type: 'vm', params: { vm_type_id: 'integer' } },
  { name: 'return_vm', type: 'vm', params: { vm_type_id: 'integer' } },
  { name: 'register', type: 'sd', params: { service_discovery_id: 'integer' } },
  { name: 'unregister', type: 'sd', params: { service_discovery_id: 'integer' } },
] as const;

/** One action of a resolved remote step, as the executor runs it. */
export const ResolvedAction = Type.Object({
  name: Type.String(),
  /** Parameters that the action declares. Other ones in its template are strings. */
  params: ActionParams,
  /** `noop` does nothing (benchmarks of the engine); it needs an executor with that capability. */
  module: Type.Union([Type.Literal('shell'), Type.Literal('longscript'), Type.Literal('noop')]),
  /** Command line or script text, with its `{{param}}` places. */
  text: Type.String(),
  /**
   * The text stands for itself: `{{` in it is no place of a parameter. Only one-off commands have it; an executor of an earlier
   * release reads their text as a template, and fails where that asks for a parameter.
   */
  literal: Type.Optional(Type.Boolean()),
});
export type ResolvedAction = Static<typeof ResolvedAction>;

/** A step of a template with everything that is needed to run it. Later edits of the catalog do not change it. */
export const ResolvedStep = Type.Object({
  name: Type.String(),
  kind: StepKind,
  param_values: Type.Record(Type.String(), Type.Unknown()),
  retry: RetryOption,
  ...stepLimits,
  /**
   * Secrets that callers may name besides those in `param_values`; absent: none. Only the creation of a task needs it.
   */
  allowed_secrets: Type.Optional(AllowedSecrets),
  /** The actions of a remote step, in the order in which they run; empty for built-in steps. */
  actions: Type.Array(ResolvedAction),
});
export type ResolvedStep = Static<typeof ResolvedStep>;

/** Kinds of things that have a history. That of an action has the changes of its implementations. */
export const CatalogKind = Type.Union([
  Type.Literal('action'),
  Type.Literal('remote_step'),
  Type.Literal('template'),
]);
export type CatalogKind = Static<typeof CatalogKind>;

/** One change of a thing, in public terms. The version is that of the implementation, for changes of one. */
export const CatalogChange = Type.Object({
  ...changeFields,
  change: Type.Union([
    Type.Literal('created'),
    Type.Literal('changed'),
    Type.Literal('deleted'),
    Type.Literal('implementation_created'),
    Type.Literal('implementation_changed'),
    Type.Literal('implementation_deleted'),
  ]),
  /** The id of the implementation, for its changes. */
  implementation: Type.Optional(Id),
});
export type CatalogChange = Static<typeof CatalogChange>;

/** Things of one kind that use another one: the first `MOST_USERS`, and the number of all. */
const Users = Type.Object({
  rows: Type.Array(Type.Object({ id: Id, name: Type.String() })),
  total: Type.Integer({ minimum: 0 }),
});
export const MOST_USERS = 100;

/** Where a thing is used, directly or by what uses it. */
export const CatalogUses = Type.Object({
  /** Remote steps that name the action; none for the other kinds. */
  remote_steps: Users,
  /** Templates that name one of these steps, or the step; none for a template. */
  templates: Users,
  /**
   * Pools that name one of the first `TEMPLATES_ASKED` of these templates, or the template; the first few of each
   * template. Null: the inventory does not answer.
   */
  pools: Type.Union([
    Type.Null(),
    Type.Object({
      rows: Type.Array(
        Type.Object({ id: Id, name: Type.String(), kinds: Type.Array(Type.String()), template_id: Id }),
      ),
      total: Type.Integer({ minimum: 0 }),
    }),
  ]),
});
export type CatalogUses = Static<typeof CatalogUses>;
/** Templates for which one call asks the inventory for pools. */
export const TEMPLATES_ASKED = 20;

const keyword = Type.Optional(Text);
const byId = Type.Object({ id: Id });
const toDelete = Type.Object({ id: Id, if_version: ifVersion });
const list = Type.Object({ ...pageFields, name: keyword });

/** Sentences for the client: what the catalog saved differently than given, and why. */
const noted = { notes: Type.Optional(Type.Array(Type.String())) };

export const catalog = {
  listActions: defineRpc('catalog.action.list', { request: list, response: pageOf(Action) }),
  createAction: defineRpc('catalog.action.create', {
    request: Type.Object({ name: Text, desc: Text, params: AnyFields, managed_by: managedBy }),
    response: Created,
    keyed: true,
  }),
  /** `in_use`: the name changes and a remote step names the action. */
  updateAction: defineRpc('catalog.action.update', {
    request: Type.Object({
      id: Id,
      if_version: ifVersion,
      name: Type.Optional(Text),
      desc: Type.Optional(Text),
      params: Type.Optional(AnyFields),
      managed_by: managedBy,
    }),
    response: Done,
  }),
  /** Deletes its implementations too. `in_use`: a remote step names the action. */
  deleteAction: defineRpc('catalog.action.delete', { request: toDelete, response: Done }),
  getAction: defineRpc('catalog.action.get', { request: byId, response: Action }),

  listActionImpls: defineRpc('catalog.actimpl.list', {
    request: Type.Object(pageFields),
    response: pageOf(ActionImpl),
  }),
  /** One implementation for each action and type (`conflict`). `not_found` (field `action_id`): unknown action. */
  createActionImpl: defineRpc('catalog.actimpl.create', {
    request: Type.Object({ type: Text, action_id: Id, template: AnyFields }),
    response: Type.Object({ id: Id, ...noted }),
    keyed: true,
  }),
  /**
   * `by` says whether `id` is that of an implementation or of an action. Without `by`: if `action_id` is given and
   * equals `id`, it is the id of an action, and an implementation is created if the action has none (`type` and
   * `template` are needed); otherwise it is the id of an implementation. `in_use`: a remote step would have an action
   * with nothing to run.
   */
  updateActionImpl: defineRpc('catalog.actimpl.update', {
    request: Type.Object({
      id: Id,
      if_version: ifVersion,
      by: Type.Optional(Type.Union([Type.Literal('impl'), Type.Literal('action')])),
      type: Type.Optional(Text),
      action_id: Type.Optional(Id),
      template: Type.Optional(AnyFields),
    }),
    response: Type.Object(noted),
  }),
  /** Without `by`, `id` is that of an implementation: a destructive call does not guess. `in_use`: as for a change. */
  deleteActionImpl: defineRpc('catalog.actimpl.delete', {
    request: Type.Object({
      id: Id,
      if_version: ifVersion,
      by: Type.Optional(Type.Union([Type.Literal('impl'), Type.Literal('action')])),
    }),
    response: Done,
  }),
  /** Without `by`, `id` is that of an action, or, if no action has it, of an implementation. */
  getActionImpl: defineRpc('catalog.actimpl.get', {
    request: Type.Object({
      id: Id,
      by: Type.Optional(Type.Union([Type.Literal('impl'), Type.Literal('action')])),
    }),
    response: ActionImpl,
  }),

  listRemoteSteps: defineRpc('catalog.remote_step.list', { request: list, response: pageOf(RemoteStep) }),
  createRemoteStep: defineRpc('catalog.remote_step.create', {
    request: Type.Object({ name: Text, desc: Text, actions: listOf(Text), managed_by: managedBy }),
    response: Created,
    keyed: true,
  }),
  /** `in_use`: the name changes and a template names the step. */
  updateRemoteStep: defineRpc('catalog.remote_step.update', {
    request: Type.Object({
      id: Id,
      if_version: ifVersion,
      name: Type.Optional(Text),
      desc: Type.Optional(Text),
      actions: Type.Optional(listOf(Text)),
      managed_by: managedBy,
    }),
    response: Done,
  }),
  /** `in_use`: a template names the step. */
  deleteRemoteStep: defineRpc('catalog.remote_step.delete', { request: toDelete, response: Done }),
  getRemoteStep: defineRpc('catalog.remote_step.get', { request: byId, response: RemoteStep }),

  listTemplates: defineRpc('catalog.template.list', { request: list, response: pageOf(Template) }),
  /** `not_found` (field `steps`): a step is neither built in nor a remote step; `conflict`: the name is taken. */
  createTemplate: defineRpc('catalog.template.create', {
    request: Type.Object({ name: Text, desc: Text, steps: listOf(StepOption), managed_by: managedBy }),
    response: Created,
    keyed: true,
  }),
  updateTemplate: defineRpc('catalog.template.update', {
    request: Type.Object({
      id: Id,
      if_version: ifVersion,
      name: Type.Optional(Text),
      desc: Type.Optional(Text),
      steps: Type.Optional(listOf(StepOption)),
      managed_by: managedBy,
    }),
    response: Done,
  }),
  /** The name is free again; tasks keep their own copy. `in_use`: a pool names the template, or is about to. */
  deleteTemplate: defineRpc('catalog.template.delete', { request: toDelete, response: Done }),
  getTemplate: defineRpc('catalog.template.get', { request: byId, response: Template }),

  /**
   * Prevents the deletion of templates that a pool is about to name. `deleted`: the ids that no longer exist. The hold
   * ends with `releaseTemplates`, or after `ttl_ms`.
   */
  holdTemplates: defineRpc('catalog.template.hold', {
    request: Type.Object({
      ids: listOf(Id),
      /** Name of the hold. */
      hold: Word,
      ttl_ms: Type.Integer({ minimum: 1_000, maximum: 60_000 }),
    }),
    response: Type.Object({ deleted: Type.Array(Id) }),
    timeoutMs: WITHIN_ANOTHER_MS,
  }),
  releaseTemplates: defineRpc('catalog.template.release', {
    request: Type.Object({ hold: Word }),
    response: Done,
    timeoutMs: WITHIN_ANOTHER_MS,
  }),

  /**
   * Changes of a thing, newest first, before a position of the history; also of a thing that was deleted. `not_found`:
   * there never was such a thing.
   */
  history: defineRpc('catalog.history.read', {
    request: Type.Object({ kind: CatalogKind, id: Id, ...changesBefore }),
    response: Type.Object({ entries: Type.Array(CatalogChange), more: Type.Boolean() }),
  }),
  /** Where a thing is used. `not_found`: no such thing. */
  uses: defineRpc('catalog.uses.read', {
    request: Type.Object({ kind: CatalogKind, id: Id }),
    response: CatalogUses,
  }),

  listUsableSteps: defineRpc('catalog.step.list', { request: list, response: pageOf(UsableStep) }),

  /**
   * A template with everything that is needed to run it. `not_found`: no such template; `invalid`: it has no step, or a
   * step names an action that does not exist or has no usable implementation (the message names it).
   */
  resolveTemplate: defineRpc('catalog.template.resolve', {
    request: byId,
    response: Type.Object({ id: Id, name: Type.String(), steps: Type.Array(ResolvedStep) }),
  }),
};
