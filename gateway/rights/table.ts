/** From least to most: each role may do what those before it may. */
export const roles = ['viewer', 'user', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

/**
 * What a right covers. `stream`: what belongs to a stream that the role was granted for; `own`: the same, where the user made it;
 * `all`: what belongs to no stream, for which the role has to be granted for every stream (`*`).
 */
export type Pattern = 'stream' | 'own' | 'all';

export interface Right {
  /** The least role that has it. */
  readonly role: Role;
  readonly resource: string;
  readonly pattern: Pattern;
  readonly permission: string;
}

/** Every right there is: requests are checked by it, docs/gateway.md shows it, and tests try each cell both ways. */
export const rights = [
  { role: 'viewer', resource: 'status', pattern: 'stream', permission: 'read' },
  { role: 'viewer', resource: 'models', pattern: 'stream', permission: 'read' },
  { role: 'viewer', resource: 'samples', pattern: 'stream', permission: 'predict' },
  { role: 'user', resource: 'predictions', pattern: 'stream', permission: 'create' },
  { role: 'user', resource: 'tasks', pattern: 'own', permission: 'read' },
  { role: 'user', resource: 'tasks', pattern: 'own', permission: 'cancel' },
  { role: 'operator', resource: 'tasks', pattern: 'stream', permission: 'read' },
  { role: 'operator', resource: 'tasks', pattern: 'stream', permission: 'cancel' },
  { role: 'operator', resource: 'simulation', pattern: 'stream', permission: 'control' },
  { role: 'operator', resource: 'training', pattern: 'stream', permission: 'start' },
  { role: 'admin', resource: 'champion', pattern: 'stream', permission: 'move' },
  { role: 'admin', resource: 'users', pattern: 'all', permission: 'read' },
  { role: 'admin', resource: 'users', pattern: 'all', permission: 'change' },
  { role: 'admin', resource: 'audit', pattern: 'all', permission: 'read' },
] as const satisfies readonly Right[];

export type Resource = (typeof rights)[number]['resource'];
export type Permission = (typeof rights)[number]['permission'];
