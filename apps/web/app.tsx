import { SignIn } from './parts/sign-in.tsx';
import { UsagePage } from './parts/usage-page.tsx';
import { useSession } from './state/use-session.ts';

export function App() {
  const { token, refused, signIn, signOut } = useSession();
  if (token === undefined) return <SignIn refused={refused} onToken={signIn} />;
  return <UsagePage token={token} onSignOut={() => signOut(false)} onRefused={() => signOut(true)} />;
}
