import { useState } from 'react';
import type { Dashboard } from '../api/types.ts';
import { type Choice, type Last, lastNames, lasts } from '../domain/choice.ts';
import { CustomRange } from './custom-range.tsx';
import { Segments } from './segments.tsx';

interface ControlsProps {
  choice: Choice;
  onChange: (change: Partial<Choice>) => void;
  dashboard: Dashboard | undefined;
}

const ranges = [
  ...lasts.map((last) => ({ value: last, text: lastNames[last] })),
  { value: 'custom' as const, text: 'Custom' },
];
const hourMs = 3_600_000;

/** Range, team, model, and what the charts are stacked by. */
export function Controls({ choice, onChange, dashboard }: ControlsProps) {
  const { range, team, model, by } = choice;
  const [asked, setAsked] = useState(false);
  // A range that was drawn in a chart is a custom one too.
  const custom = asked || !('last' in range);
  const chooseRange = (value: Last | 'custom') => {
    setAsked(value === 'custom');
    if (value !== 'custom') onChange({ range: { last: value } });
  };
  const shown = 'last' in range ? (dashboard ?? { fromMs: Date.now() - hourMs, toMs: Date.now() }) : range;
  return (
    <search className="controls" aria-label="What is shown">
      <Segments
        label="Time range"
        name="range"
        options={ranges}
        value={custom ? 'custom' : range.last}
        onChange={chooseRange}
      />
      {custom && (
        <CustomRange
          // What is being typed stays while live figures move on.
          key={'last' in range ? 'new' : `${range.fromMs} ${range.toMs}`}
          fromMs={shown.fromMs}
          toMs={shown.toMs}
          onRange={(moments) => onChange({ range: moments })}
        />
      )}
      <Choose
        label="Team"
        all="All teams"
        value={team}
        options={dashboard?.teams ?? []}
        // One team alone has nothing to be stacked by but its models.
        onChange={(value) => onChange(value === '' ? { team: '' } : { team: value, by: 'model' })}
      />
      <Choose
        label="Model"
        all="All models"
        value={model}
        options={(dashboard?.models ?? []).map((name) => ({ id: name, name }))}
        onChange={(value) => onChange({ model: value })}
      />
      <span className="stack-by">
        <span aria-hidden="true">Stack by</span>
        <Segments
          label="Stack charts by"
          name="by"
          options={[
            { value: 'team', text: 'Team' },
            { value: 'model', text: 'Model' },
          ]}
          value={by}
          onChange={(value) => onChange({ by: value })}
        />
      </span>
    </search>
  );
}

interface ChooseProps {
  label: string;
  all: string;
  value: string;
  options: readonly { id: string; name: string }[];
  onChange: (value: string) => void;
}

function Choose({ label, all, value, options, onChange }: ChooseProps) {
  // One that came with the address stays there, known or not.
  const known = value === '' || options.some(({ id }) => id === value);
  return (
    <select aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">{all}</option>
      {!known && <option value={value}>{value}</option>}
      {options.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}
