import { type Permission, type Resource, type Right, type Role, rights, roles } from './table.ts';

/** A role that a user has, for one stream or for all (`*`). */
export interface Grant {
  readonly role: Role;
  readonly stream: string;
}

/** What a request wants to do. */
export interface Need {
  readonly resource: Resource;
  readonly permission: Permission;
  /** Which stream it belongs to; undefined where to none. */
  readonly stream?: string;
  /** Whether the user made it. */
  readonly own?: boolean;
}

const rank = (role: Role): number => roles.indexOf(role);

/** Whether the table gives a holder of these grants what a request wants. What the table does not name, nobody may do. */
export function allows(grants: readonly Grant[], need: Need): boolean {
  return rightsFor(need).some((right) =>
    grants.some((grant) => rank(grant.role) >= rank(right.role) && covers(right, grant, need)),
  );
}

/** Whether the grants give this for some stream, or for what the user made: to refuse a request before its body is read. */
export function allowsSomewhere(grants: readonly Grant[], need: Pick<Need, 'resource' | 'permission'>): boolean {
  return grants.some(({ stream }) => allows(grants, { ...need, stream, own: true }));
}

const rightsFor = ({ resource, permission }: Need): readonly Right[] =>
  rights.filter((right) => right.resource === resource && right.permission === permission);

function covers({ pattern }: Right, grant: Grant, { stream, own = false }: Need): boolean {
  const isGranted = grant.stream === '*' || (stream !== undefined && grant.stream === stream);
  if (pattern === 'all') return grant.stream === '*';
  if (stream === undefined) return false;
  return pattern === 'own' ? own && isGranted : isGranted;
}
