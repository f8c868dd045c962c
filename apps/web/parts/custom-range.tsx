import { type FormEvent, useState } from 'react';
import { rangeFault } from '../domain/choice.ts';
import { fromLocalInput, toLocalInput } from '../domain/moments.ts';

interface CustomRangeProps {
  /** What is shown now, to begin with. */
  fromMs: number;
  toMs: number;
  onRange: (range: { fromMs: number; toMs: number }) => void;
}

/** A range between two moments, in the time of this machine. */
export function CustomRange({ fromMs, toMs, onRange }: CustomRangeProps) {
  const [from, setFrom] = useState(() => toLocalInput(fromMs));
  const [to, setTo] = useState(() => toLocalInput(toMs));
  const [fault, setFault] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const range = { fromMs: fromLocalInput(from), toMs: fromLocalInput(to) };
    const found = rangeFault(range.fromMs, range.toMs) ?? '';
    setFault(found);
    if (found === '') onRange(range);
  };
  return (
    <form className="custom-range" onSubmit={submit} noValidate>
      <label className="moment">
        <span className="moment-name">From</span>
        <input type="datetime-local" value={from} onChange={(event) => setFrom(event.target.value)} />
      </label>
      <label className="moment">
        <span className="moment-name">To</span>
        <input type="datetime-local" value={to} onChange={(event) => setTo(event.target.value)} />
      </label>
      <button type="submit" className="button">
        Show
      </button>
      <p className="fault-text" role="alert">
        {fault}
      </p>
    </form>
  );
}
