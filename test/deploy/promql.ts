/** Names that are not metrics. */
const keywords = new Set(['and', 'or', 'unless', 'offset', 'bool', 'inf', 'nan']);

interface Selector {
  metric: string;
  /** The selector without range and offset: `up{job="x"}`. */
  text: string;
}

/** What an expression reads. Knows as much of PromQL as our rules and dashboards use. */
export function selectorsIn(expression: string): Selector[] {
  const plain = expression.replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  return [...plain.matchAll(/(?<![\w:.$])([a-zA-Z_:][\w:]*)(\s*\{[^}]*\})?(?!\s*\()(?![\w:])/g)]
    .map(([text, metric = '']) => ({ metric, text }))
    .filter(({ metric }) => !keywords.has(metric));
}

/** The metric that a sample of a histogram belongs to; others are their own. */
export function familyOf(name: string): string {
  return name.replace(/_(bucket|sum|count)$/, '');
}
