const name = 'tollgate.admin-token';

/** For a browser that keeps nothing for this page: the token then lives as long as the page. */
let unkept: string | undefined;

/** The admin token lives as long as the tab, and in no other. */
export function readToken(): string | undefined {
  try {
    return sessionStorage.getItem(name) ?? undefined;
  } catch {
    return unkept;
  }
}

export function keepToken(token: string): void {
  unkept = token;
  try {
    sessionStorage.setItem(name, token);
  } catch {
    // Kept in memory.
  }
}

export function forgetToken(): void {
  unkept = undefined;
  try {
    sessionStorage.removeItem(name);
  } catch {
    // It was in memory.
  }
}
