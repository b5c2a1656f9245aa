/** The value of a metric of Prometheus' text format, summed over its labels; undefined where the process does not answer. */
export async function metric(url: string, name: string): Promise<number | undefined> {
  try {
    const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2_000) });
    return sumOf(await answer.text(), name);
  } catch {
    return undefined;
  }
}

function sumOf(text: string, name: string): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) sum += Number(line.slice(line.lastIndexOf(' ')));
  }
  return sum;
}
