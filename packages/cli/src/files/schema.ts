/*
 * The documents of a fleet in files, as a JSON schema: the reader checks documents by it, and editors read the same
 * schema in `docs/fleet.schema.json`. Only the keywords of `JsonSchema` are used.
 */

export interface JsonSchema {
  description?: string;
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'null';
  const?: string;
  enum?: readonly string[];
  /** Says what the pattern means, for people; editors show it too. */
  pattern?: string;
  patternErrorMessage?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, JsonSchema>;
  required?: readonly string[];
  additionalProperties?: false | JsonSchema;
  maxProperties?: number;
  /** Alternatives of different types. */
  anyOf?: readonly JsonSchema[];
  /** Any value. */
  default?: unknown;
}

const text = (description: string, maxLength = 65_536): JsonSchema => ({
  description,
  type: 'string',
  maxLength,
});
const integer = (description: string, minimum: number, maximum: number): JsonSchema => ({
  description,
  type: 'integer',
  minimum,
  maximum,
});
const yesOrNo = (description: string): JsonSchema => ({ description, type: 'boolean' });
const list = (description: string, items: JsonSchema, maxItems = 10_000): JsonSchema => ({
  description,
  type: 'array',
  items,
  maxItems,
});
const object = (
  properties: Record<string, JsonSchema>,
  required: readonly string[],
  description?: string,
): JsonSchema => ({
  ...(description === undefined ? {} : { description }),
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

const NAME = {
  type: 'string',
  minLength: 1,
  maxLength: 50,
  pattern: '^\\S(?:[\\s\\S]*\\S)?$',
  patternErrorMessage: 'must be a name: 1 to 50 characters without blanks around it',
} as const satisfies JsonSchema;
const name = (description: string): JsonSchema => ({ description, ...NAME });
const desc = text('Description, up to 255 characters.', 255);
const providerId = (description: string) => integer(description, 0, 2_147_483_647);

const secretName: JsonSchema = {
  type: 'string',
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
  patternErrorMessage:
    'must be the name of a secret: 1 to 100 of A-Z a-z 0-9 . _ -, the first a letter or digit',
};

const templateStep = object(
  {
    step: name('A step of the fleet, or create_vm, return_vm, register or unregister.'),
    params: {
      description: 'Values of parameters. {secret: name} names a secret of the executors.',
      type: 'object',
      additionalProperties: {},
      maxProperties: 10_000,
    },
    retries: integer('Further attempts after the first.', 0, 100),
    ignore_error: yesOrNo('After the last attempt the node goes on to the next step all the same.'),
    timeout: integer('Seconds that one attempt may take.', 1, 86_400),
    stop_grace: integer('Seconds between TERM and KILL when the command is ended.', 0, 600),
    reboot: yesOrNo('The command restarts its node.'),
    ready_wait: integer('With reboot: seconds until the node has to answer.', 1, 86_400),
    allowed_secrets: {
      description: 'Secrets that callers may name for a parameter, besides those of params.',
      type: 'object',
      additionalProperties: { type: 'array', items: secretName, maxItems: 100 },
      maxProperties: 50,
    },
  },
  ['step'],
);

const address: JsonSchema = {
  description: 'Address of a node.',
  type: 'string',
  minLength: 1,
  maxLength: 300,
};
/** Labels that one node may have. */
const MOST_LABELS = 64;
const nodeLabels: JsonSchema = {
  description: 'Labels of the node; null: it does not have this one. Others stay as they are.',
  type: 'object',
  additionalProperties: { anyOf: [{ type: 'string', maxLength: 63 }, { type: 'null' }] },
  maxProperties: MOST_LABELS,
};

const templateName: JsonSchema = {
  description: 'Name of a template; null: none.',
  anyOf: [name('Name of a template.'), { type: 'null' }],
};

const scheduleItem = object(
  {
    at: {
      description: 'HH:mm or HH:mm:ss, in the time zone of the schedule.',
      type: 'string',
      pattern: '^([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d)?$',
      patternErrorMessage: 'must be a time: HH:mm or HH:mm:ss, in quotation marks',
    },
    day: {
      description: 'The day of the week; absent: every day.',
      type: 'string',
      enum: ['every', 'sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'],
    },
    nodes: integer('Type expand: number of nodes made by schedules from then on.', 0, 200),
    percent: integer('Type deploy: percent of the nodes in a batch, 0 = all.', 0, 100),
    at_once: integer('Type deploy: most nodes in a batch, 0 = no limit.', 0, 1_000_000),
    ignore: yesOrNo('The item is kept and never fires.'),
  },
  ['at'],
);

const takenAlong = object(
  {
    pool: name('The pool that has to change first.'),
    ratio: {
      description: 'Its nodes for each node of the pool.',
      type: 'number',
      minimum: 0,
      maximum: 1_000,
    },
    spare: integer('Its nodes beyond that.', 0, 1_000),
    after_step: name('The step of its template that its nodes must have passed.'),
    ignore: yesOrNo('The dependency is kept and has no effect.'),
  },
  ['pool', 'after_step'],
);

/** The kinds in the order in which they are applied. */
export const KINDS = ['Action', 'Step', 'Template', 'Cluster', 'Service', 'Pool', 'Schedule'] as const;
export type Kind = (typeof KINDS)[number];

/** Most items of a schedule. */
const MOST_ITEMS = 500;

const FIELDS: Record<Kind, { fields: Record<string, JsonSchema>; required: readonly string[] }> = {
  Action: {
    fields: {
      name: name('Name of the action.'),
      desc,
      params: {
        description: 'Names of parameters, each with its type.',
        type: 'object',
        additionalProperties: { type: 'string', enum: ['string', 'integer'] },
        maxProperties: 10_000,
      },
      shell: text('One command line for /bin/sh.', 1_048_576),
      script: text('A script.', 1_048_576),
      script_file: text('A file with the script, from the folder of this file on.', 4_096),
    },
    required: ['name'],
  },
  Step: {
    fields: {
      name: name('Name of the step.'),
      desc,
      actions: list('Names of actions, in the order in which they run.', name('Name of an action.')),
    },
    required: ['name'],
  },
  Template: {
    fields: {
      name: name('Name of the template.'),
      desc,
      steps: list('Steps in running order: a name, or a name with options.', {
        anyOf: [name('Name of a step.'), templateStep],
      }),
    },
    required: ['name'],
  },
  Cluster: {
    fields: { name: name('Name of the cluster.'), desc, biz: text('Product line.') },
    required: ['name'],
  },
  Service: {
    fields: {
      name: name('Name of the service.'),
      desc,
      cluster: name('The cluster that it belongs to.'),
      type: text('Kind of service, for example Java.'),
      image: text('Image that deployments by the clock bring; - means none.'),
    },
    required: ['name', 'cluster'],
  },
  Pool: {
    fields: {
      name: name('Name of the pool.'),
      desc,
      service: name('The service that it belongs to. A pool stays with its service.'),
      vm_type: providerId('VM template of new machines, 0 = none.'),
      sd: providerId('Entry of the service discovery, 0 = none.'),
      templates: object(
        { expand: templateName, deploy: templateName, shrink: templateName },
        [],
        'The templates that change the pool.',
      ),
      protected: yesOrNo('What takes its nodes out of service must come with its name.'),
      labels: {
        description: 'Labels of nodes that enter it from now on.',
        type: 'object',
        additionalProperties: { type: 'string', maxLength: 63 },
        maxProperties: MOST_LABELS,
      },
      nodes: list(
        'Exactly these addresses, for nodes entered by hand. Absent: files do not manage the nodes.',
        { anyOf: [address, object({ address, labels: nodeLabels }, ['address'])] },
        250_000,
      ),
    },
    required: ['name', 'service'],
  },
  Schedule: {
    fields: {
      pool: name('The pool that it changes.'),
      type: {
        description:
          'expand: sets the number of nodes that schedules make; deploy: brings the image of the service.',
        type: 'string',
        enum: ['expand', 'deploy'],
      },
      time_zone: text('IANA time zone of its times; empty: that of the deployment.', 100),
      exec_type: {
        description:
          'crontab: fires by its items; depend: never fires, and only takes pools along. Default: crontab if it has items.',
        type: 'string',
        enum: ['crontab', 'depend'],
      },
      items: list('When it does what.', scheduleItem, MOST_ITEMS),
      takes_along: list('Pools that change before it.', takenAlong, MOST_ITEMS),
    },
    required: ['pool', 'type'],
  },
};

/** The schema of a document of a kind. */
export const SCHEMAS = Object.fromEntries(
  KINDS.map((kind) => [
    kind,
    object(
      {
        rigel: { const: 'v1', description: 'The form of the document.' },
        kind: { const: kind },
        ...FIELDS[kind].fields,
      },
      ['rigel', 'kind', ...FIELDS[kind].required],
    ),
  ]),
) as Record<Kind, JsonSchema>;

/** What editors read. */
function publishedSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A document of a fleet in files (rigel lint, plan, apply)',
    oneOf: KINDS.map((kind) => ({ $ref: `#/$defs/${kind}` })),
    $defs: SCHEMAS,
  };
}

/** `docs/fleet.schema.json` */
export const schemaFile = (): string => `${JSON.stringify(publishedSchema(), undefined, 2)}\n`;
