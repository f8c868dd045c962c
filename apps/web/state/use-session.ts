import { useEffect, useState } from 'react';
import { tokenIn } from '../domain/fragment.ts';
import { forgetToken, keepToken, readToken } from './kept-token.ts';

export interface Session {
  token: string | undefined;
  /** The token that was tried last is not the console's. */
  refused: boolean;
  signIn: (token: string) => void;
  signOut: (refused: boolean) => void;
}

export function useSession(): Session {
  const [token, setToken] = useState(() => takeFragmentToken() ?? readToken());
  const [refused, setRefused] = useState(false);
  const signIn = (given: string) => {
    keepToken(given);
    setRefused(false);
    setToken(given);
  };
  useEffect(() => {
    const onFragment = () => {
      const given = takeFragmentToken();
      if (given !== undefined) setToken(given);
    };
    addEventListener('hashchange', onFragment);
    return () => removeEventListener('hashchange', onFragment);
  }, []);
  const signOut = (wasRefused: boolean) => {
    forgetToken();
    setRefused(wasRefused);
    setToken(undefined);
  };
  return { token, refused, signIn, signOut };
}

/** Removed from the address at once, so that it is not copied, bookmarked or seen over a shoulder. */
function takeFragmentToken(): string | undefined {
  const token = tokenIn(location.hash);
  if (token === undefined) return undefined;
  history.replaceState(null, '', location.pathname + location.search);
  keepToken(token);
  return token;
}
