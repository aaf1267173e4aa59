import { AllowedSecrets, RetryOption, type StepOption, stepLimits, stepLimitsOf } from '@rigel/contracts';
import { type Static, Type } from 'typebox';

const RetryTimes = Type.Integer({
  ...RetryOption.properties.retry_times,
  description: 'Extra attempts after the first.',
});
const IgnoreError = Type.Boolean({
  description:
    'After the last attempt the node goes on to the next step all the same, unless no command ran on it.',
});

/**
 * One step of a template as clients write it: the retry option nested, or its members beside the others; an empty text
 * where there are no parameter values or no retry option.
 */
export const StepInput = Type.Object({
  name: Type.String({ description: 'A built-in step or a remote step.' }),
  param_values: Type.Optional(
    Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Literal('')], {
      description: 'Parameter values; {"secret": name} names a secret of the executors.',
    }),
  ),
  retry: Type.Optional(
    Type.Union([
      Type.Object({ retry_times: Type.Optional(RetryTimes), ignore_error: Type.Optional(IgnoreError) }),
      Type.Literal(''),
    ]),
  ),
  retry_times: Type.Optional(RetryTimes),
  ignore_error: Type.Optional(IgnoreError),
  ...stepLimits,
  allowed_secrets: Type.Optional(
    Type.Unsafe<AllowedSecrets>({
      ...AllowedSecrets,
      description:
        'Secrets that params of a call by an operator may name, beside those that param_values name: {parameter: [name]}. ' +
        'Default: none. Remote steps only.',
    }),
  ),
});

export const StepsInput = Type.Array(StepInput, { description: 'Steps in running order.' });

/** The nested retry option goes before the flat one, what is absent means no retry. */
export function toStepOption(step: Static<typeof StepInput>): StepOption {
  const nested = step.retry === '' || step.retry === undefined ? {} : step.retry;
  return {
    name: step.name,
    param_values: step.param_values === '' || step.param_values === undefined ? {} : step.param_values,
    retry: {
      retry_times: nested.retry_times ?? step.retry_times ?? 0,
      ignore_error: nested.ignore_error ?? step.ignore_error ?? false,
    },
    ...stepLimitsOf(step),
    ...(step.allowed_secrets === undefined ? {} : { allowed_secrets: step.allowed_secrets }),
  };
}
