/** The elements of the JSON array that begins at `start`, each as its original text. */
export function elementsOf(json: string, start: number): string[] {
  const elements: string[] = [];
  let depth = 0;
  let begin = start + 1;
  for (let at = start; at < json.length; at++) {
    const character = json[at];
    if (character === '"') {
      at = endOfString(json, at);
    } else if (character === '{' || character === '[') {
      depth += 1;
    } else if (character === '}' || character === ']') {
      depth -= 1;
    }
    if (depth > 1 || (depth === 1 && character !== ',')) continue;
    const element = json.slice(begin, at).trim();
    if (element !== '') elements.push(element);
    begin = at + 1;
    if (depth === 0) return elements;
  }
  throw new Error('the array has no end');
}

function endOfString(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === '\\') at += 1;
    else if (json[at] === '"') return at;
  }
  throw new Error('a string has no end');
}
