/** How far back a rate looks: Grafana takes four scrapes, which a second each would make too few to be smooth. */
const RATE_INTERVAL = '15s';

/** An expression of a panel with its variables replaced, as Grafana does. @param client a regular expression of names */
export function substituted(expression: string, client: string): string {
  return expression.replaceAll('$__rate_interval', RATE_INTERVAL).replaceAll('$client', client);
}

/** The name of a series: `{{label}}` of the pattern is what the series has as that label. */
export function legendOf(pattern: string, labels: Readonly<Record<string, string>>): string {
  return pattern.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? '');
}
