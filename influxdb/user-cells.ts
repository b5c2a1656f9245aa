import type { CellWithViewProperties, DashboardsAPI } from '@influxdata/influxdb-client-apis';

/**
 * Cells that a person has put on the dashboard: those whose names no template ever had. Applying a template replaces all cells, so they are taken
 * off before and put back after.
 */
export async function readUserCells(
  dashboards: DashboardsAPI,
  dashboardID: string,
  ours: ReadonlySet<string>,
): Promise<CellWithViewProperties[]> {
  const { cells = [] } = await dashboards.getDashboardsID({ dashboardID, include: 'properties' });
  return (cells as CellWithViewProperties[]).filter(({ name = '' }) => !ours.has(name));
}

/** Cells that are there, and those that are lost: taken off by an import that broke off before it put them back. */
export function withLost(
  there: readonly CellWithViewProperties[],
  taken: readonly CellWithViewProperties[],
): CellWithViewProperties[] {
  const identityOf = ({ name, x, y, w, h }: CellWithViewProperties) => JSON.stringify([name, x, y, w, h]);
  const present = new Set(there.map(identityOf));
  return [...there, ...taken.filter((cell) => !present.has(identityOf(cell)))];
}

/** Puts cells on a dashboard, where they were. */
export async function addUserCells(
  dashboards: DashboardsAPI,
  dashboardID: string,
  cells: readonly CellWithViewProperties[],
): Promise<void> {
  for (const { name = '', properties, x, y, w, h } of cells) {
    const { id } = await dashboards.postDashboardsIDCells({ dashboardID, body: { name, x, y, w, h } });
    if (id === undefined || properties === undefined) continue;
    await dashboards.patchDashboardsIDCellsIDView({ dashboardID, cellID: id, body: { name, properties } });
  }
}
