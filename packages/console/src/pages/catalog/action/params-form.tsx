import { type ReactNode, useState } from 'react';
import { useWords } from '../../../text/intl.js';
import { Button } from '../../../ui/button.js';
import { Select, TextInput } from '../../../ui/field.js';
import styles from './action.module.css';
import { actionWords } from './words.js';

type Params = Record<string, 'string' | 'integer'>;

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** The parameters that an action declares, each with its type. */
export function ParamsForm({
  params,
  onChange,
}: {
  params: Params;
  onChange: (params: Params) => void;
}): ReactNode {
  const text = useWords(actionWords);
  const [added, setAdded] = useState('');
  const isWrong = added !== '' && (!NAME.test(added) || Object.hasOwn(params, added));
  const add = (): void => {
    if (added === '' || isWrong) return;
    onChange({ ...params, [added]: 'string' });
    setAdded('');
  };
  return (
    <div className={styles.params}>
      {Object.entries(params).map(([name, type]) => (
        <div key={name} className={styles.param}>
          <Select
            name={`params.${name}`}
            label={text('typeOf', { name })}
            value={type}
            choices={[
              ['string', text('string')],
              ['integer', text('integer')],
            ]}
            onChange={(chosen) => onChange({ ...params, [name]: chosen })}
          />
          <Button
            kind="quiet"
            needs="admin"
            label={text('removeParam', { name })}
            onPress={() =>
              onChange(Object.fromEntries(Object.entries(params).filter(([other]) => other !== name)))
            }
          >
            ✕
          </Button>
        </div>
      ))}
      <form
        className={styles.param}
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
      >
        <TextInput
          label={text('newParam')}
          value={added}
          onChange={setAdded}
          isCode
          error={isWrong ? text('badName') : undefined}
        />
        <Button onPress={add} needs="admin">
          {text('add')}
        </Button>
      </form>
    </div>
  );
}
