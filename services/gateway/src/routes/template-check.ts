import { isSecretName, isSecretParameter, show } from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure, WrongParameter } from '../failures.js';
import { TemplateChecker } from '../template-check/template-checker.js';

const Place = {
  line: Type.Integer({ minimum: 1 }),
  column: Type.Integer({ minimum: 1, description: 'In UTF-16 units.' }),
};

/** Why a text or a value is refused, at its place. */
export const ProblemRow = Type.Object({
  ...Place,
  parameter: Type.Union([Type.String(), Type.Null()], { description: 'The parameter that it is about.' }),
  reason: Type.String({ description: 'What is wrong; never with a value, which may be a secret.' }),
  advice: Type.Union([Type.String(), Type.Null()], {
    description: 'What to write instead; null: the reason says it.',
  }),
});
const MaybeProblem = Type.Union([ProblemRow, Type.Null()]);
const Declared = Type.Enum(['string', 'integer']);

const checker = new TemplateChecker();

export const templateCheck: Endpoint[] = [
  defineEndpoint({
    id: 'template.check',
    title: 'Check the text of an action as saving it does, and show what an executor would run',
    notes:
      'Nothing is saved and nothing is run. A secret is given by its name, {secret: name}, and stays a name in the answer. ' +
      'A text that the catalog would refuse is answered with its refusal; the request itself succeeds.',
    methods: ['POST'],
    paths: ['/template/check'],
    access: 'read',
    body: 'text',
    strict: true,
    params: Type.Object({
      text: Type.String({ description: 'A command line or a script, with its {{parameters}}.' }),
      module: Type.Enum(['shell', 'longscript'], {
        description: 'shell: a command line; longscript: a script.',
      }),
      params: Type.Record(Type.String(), Declared, {
        description: 'The parameters that the action declares, with their types.',
        default: {},
      }),
      values: Type.Record(Type.String(), Type.Unknown(), {
        description: 'Values of the parameters, to render the text with.',
        default: {},
      }),
    }),
    failures: { otherwise: failure(400, '', {}), busy: failure(503, '', {}) },
    result: Type.Object({
      accepted: Type.Boolean({ description: 'Whether the catalog saves the text.' }),
      refusal: MaybeProblem,
      uses: Type.Array(
        Type.Object({
          name: Type.String(),
          ...Place,
          context: Type.Enum(['bare', 'single', 'double', 'heredoc', 'arithmetic', 'verbatim'], {
            description:
              'Where it stands: a bare word, single or double quotes, a here-document, arithmetic; verbatim: it is code (| raw).',
          }),
          integer: Type.Boolean({ description: 'The shell counts with it, so it takes integers only.' }),
          raw: Type.Boolean(),
          declared: Type.Union([Declared, Type.Null()], {
            description: 'Its declared type; null: the action does not declare it.',
          }),
        }),
        { description: 'Each use of a parameter, in the order of the text; at most 1,000.' },
      ),
      total_uses: Type.Integer({ minimum: 0 }),
      unused: Type.Array(Type.String(), { description: 'Declared parameters that the text does not use.' }),
      notes: Type.Array(Type.String(), { description: 'What saving changes in the text.' }),
      value_refusal: Type.Union([ProblemRow, Type.Null()], {
        description: 'Why a task could not be made of these values.',
      }),
      rendered: Type.Union([Type.String(), Type.Null()], {
        description: 'What an executor would run; null: the text or a value is refused.',
      }),
    }),
    example: {
      accepted: true,
      refusal: null,
      uses: [
        {
          name: 'tag',
          line: 1,
          column: 15,
          context: 'double',
          integer: false,
          raw: false,
          declared: 'string',
        },
      ],
      total_uses: 1,
      unused: [],
      notes: [],
      value_refusal: null,
      rendered: `rigel_param_1='web:8'; docker run -d "\${rigel_param_1}"`,
    },
    handler: async ({ text, module, params, values }) => {
      for (const [name, value] of Object.entries(values)) {
        if (isSecretParameter(value) && !isSecretName(value.secret))
          throw new WrongParameter(
            `values.${show(name)} names the secret ${show(value.secret)}: a name is 1 to 100 of A-Z a-z 0-9 . _ - and begins with a letter or digit`,
            'values',
          );
      }
      return done(await checker.check({ text, module, params, values }));
    },
  }),
];
