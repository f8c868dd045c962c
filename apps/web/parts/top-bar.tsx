import { formatClock } from '../domain/moments.ts';
import { Mark } from './mark.tsx';

interface TopBarProps {
  organization: string;
  /** Undefined: the range is a fixed one. */
  live: boolean | undefined;
  onLive: (live: boolean) => void;
  answeredAtMs: number;
  failing: boolean;
  onSignOut: () => void;
}

export function TopBar({ organization, live, onLive, answeredAtMs, failing, onSignOut }: TopBarProps) {
  const state = live === undefined ? 'fixed' : failing ? 'failing' : live ? 'live' : 'paused';
  return (
    <header className="top-bar">
      <span className="brand">
        <Mark /> Tollgate
      </span>
      {organization && <span className="organization">{organization}</span>}
      <span className="spacer" />
      {answeredAtMs > 0 && (
        <span className="updated">
          <span className={`dot ${state}`} aria-hidden="true" />
          <span className="updated-text">{texts[state]} </span>
          {formatClock(answeredAtMs)}
        </span>
      )}
      {live !== undefined && (
        <button type="button" className="button quiet" aria-pressed={!live} onClick={() => onLive(!live)}>
          Pause
        </button>
      )}
      <button type="button" className="button quiet" onClick={onSignOut}>
        Sign out
      </button>
    </header>
  );
}

const texts = { live: 'Live, as of', paused: 'Paused, as of', failing: 'As of', fixed: 'As of' } as const;
