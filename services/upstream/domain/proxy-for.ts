export interface ProxyVariables {
  httpsProxy: string | undefined;
  httpProxy: string | undefined;
  noProxy: string | undefined;
}

/**
 * The proxy that leads to an origin, undefined for the direct way. NO_PROXY holds hosts and domains with commas or spaces
 * between them, `host:port`, or `*`; a domain means its subdomains too. The machine itself is never behind a proxy.
 */
export function proxyFor(origin: URL, variables: ProxyVariables): string | undefined {
  const proxy = origin.protocol === 'https:' ? variables.httpsProxy : variables.httpProxy;
  if (!proxy) return undefined;
  const host = origin.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  if (host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)) return undefined;
  const port = origin.port || (origin.protocol === 'https:' ? '443' : '80');
  const direct = (variables.noProxy ?? '')
    .split(/[,\s]+/)
    .some((entry) => entry !== '' && covers(entry.toLowerCase(), host, port));
  return direct ? undefined : proxy;
}

function covers(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const { name, port: entryPort } = parts(entry);
  if (entryPort !== '' && entryPort !== port) return false;
  const domain = name.replace(/^\*?\./, '');
  return host === domain || host.endsWith(`.${domain}`);
}

function parts(entry: string): { name: string; port: string } {
  const bracketed = /^\[(.+)\](?::(\d+))?$/.exec(entry);
  if (bracketed) return { name: bracketed[1] ?? '', port: bracketed[2] ?? '' };
  const [name = '', port = '', ...more] = entry.split(':');
  // Several colons and no brackets: an IPv6 address.
  return more.length > 0 ? { name: entry, port: '' } : { name, port };
}
