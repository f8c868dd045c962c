import { type FormEvent, useState } from 'react';
import { checkToken } from '../api/client.ts';
import { Mark } from './mark.tsx';

interface SignInProps {
  /** The token that was used so far is not valid any more. */
  refused: boolean;
  onToken: (token: string) => void;
}

export function SignIn({ refused, onToken }: SignInProps) {
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState(refused ? 'The admin token was refused. Give the current one.' : '');
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const given = token.trim();
    if (given === '') return setFault('Give the admin token.');
    setBusy(true);
    try {
      if (await checkToken(given)) return onToken(given);
      setFault('This is not the admin token of this console.');
    } catch (error) {
      setFault((error as Error).message);
    }
    setBusy(false);
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit} noValidate>
        <h1>
          <Mark /> Tollgate
        </h1>
        <p>
          Sign in with the admin token. <code>npm start</code> says where it is kept: <code>admin-token</code> in the
          home folder, unless <code>TOLLGATE_ADMIN_TOKEN</code> is set.
        </p>
        <label htmlFor="token">Admin token</label>
        <input
          id="token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          value={token}
          onChange={(event) => setToken(event.target.value)}
          aria-invalid={fault !== ''}
          aria-describedby="token-fault"
          // biome-ignore lint/a11y/noAutofocus: the page has this one field
          autoFocus
        />
        <p id="token-fault" className="fault-text" role="alert">
          {fault}
        </p>
        <button type="submit" className="button primary" disabled={busy}>
          {busy ? 'Signing in …' : 'Sign in'}
        </button>
        <p className="hint">It is kept for this tab only, and forgotten when the tab is closed.</p>
      </form>
    </main>
  );
}
