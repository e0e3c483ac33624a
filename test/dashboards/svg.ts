/** Text sizes, in pixels. */
export const fontSize = { title: 13, legend: 11, axis: 10 } as const;

type Attributes = Readonly<Record<string, string | number>>;

/** An element; `children` are elements or text that {@link escaped} has gone over. */
export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(shortest(value))}"`);
  const content = children.join('');
  return content === '' ? `<${name}${list.join('')}/>` : `<${name}${list.join('')}>${content}</${name}>`;
}

/** Text whose baseline begins at a point, or by `text-anchor` ends there. */
export function text(content: string, x: number, y: number, size: number, attributes: Attributes = {}): string {
  return element('text', { x, y, 'font-size': size, ...attributes }, escaped(content));
}

export function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** How wide a text gets at most: the font is the reader's own. */
export function textWidth(content: string, size: number): number {
  const ems = Array.from(content, (letter) => {
    if (/[ijlrtfI.,:;|!'/ ()[\]]/.test(letter)) return 0.36;
    return /[mwMW%]/.test(letter) ? 0.92 : /[A-Z]/.test(letter) ? 0.7 : 0.59;
  });
  return ems.reduce((sum, width) => sum + width, 0) * size;
}

/** The text, or as much of its beginning as has room. */
export function fitted(content: string, size: number, width: number): string {
  if (textWidth(content, size) <= width) return content;
  let kept = content;
  while (kept !== '' && textWidth(`${kept}…`, size) > width) kept = kept.slice(0, -1);
  return `${kept.trimEnd()}…`;
}

/** A tenth of a pixel is as exact as anyone sees. */
function shortest(value: string | number): string {
  return typeof value === 'number' ? String(Math.round(value * 10) / 10) : value;
}
