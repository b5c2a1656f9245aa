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
