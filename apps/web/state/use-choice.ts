import { useState } from 'react';
import { type Choice, readChoice, writeChoice } from '../domain/choice.ts';

/** What the page shows, kept in the address. */
export function useChoice(): [Choice, (change: Partial<Choice>) => void] {
  const [choice, setChoice] = useState(() => readChoice(location.search));
  const change = (part: Partial<Choice>) => {
    const next = { ...choice, ...part };
    const query = writeChoice(next);
    history.replaceState(null, '', query ? `?${query}` : location.pathname);
    setChoice(next);
  };
  return [choice, change];
}
