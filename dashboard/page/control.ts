/** Sets one of the line's controls; returns what went wrong, if something did. */
export async function sendControl(name: string, value: Readonly<Record<string, number>>): Promise<string | undefined> {
  try {
    const response = await fetch(`/controls/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(value),
    });
    if (response.ok) return undefined;
    const problem = (await response.json()) as { detail?: string };
    return problem.detail ?? `the page answered ${response.status}`;
  } catch {
    return 'Gapline does not answer.';
  }
}
