import { addToken, readTokens, revokeToken, type Scope } from '../../core/access/tokens.ts';
import { tokensFile } from '../access.ts';
import { complain, print as printText } from '../print.ts';

export interface TokensOptions {
  readonly data: string;
}

const print = (line: string): void => void printText(`${line}\n`);

/** Makes a token and prints it, this once: only its hash is kept. */
export function makeToken(name: string, { data, scope }: TokensOptions & { readonly scope: readonly Scope[] }): void {
  print(addToken(tokensFile(data), name, scope, new Date()));
  complain('Keep it: it cannot be shown again. Endpoints that were open require a token within seconds.\n');
}

/** One line a token: its name, what it may do, when it was made. */
export function listTokens({ data }: TokensOptions): void {
  for (const { name, scopes, created } of readTokens(tokensFile(data)) ?? [])
    print([name, scopes.join(','), created].join('\t'));
}

/** Makes a token worthless; running endpoints notice within seconds. */
export function dropToken(name: string, { data }: TokensOptions): void {
  revokeToken(tokensFile(data), name);
  print(`${name} is revoked`);
}
