import { Random } from '../../support/random';

/** Names and ids for generated requests. */
export interface Known {
  recordIds: readonly string[];
}

type Make = (random: Random, known: Known) => string;

const ODD_NUMBERS = [
  ...['0', '-0', '1e400', '-1e400', '1e-400', '5e-324', '4503599627370497.5', '9007199254740993', '-9007199254740993'],
  ...['0.1234567890123456789', '1E5', '1e+2', '123456789012345678901234567890'],
];
const ODD_TEXTS = [
  ...[
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\ud83d\\ude00"',
    '"\u2028\u2029"',
    '"\\u0001"',
    '"$1"',
    '"{}"',
  ],
  ...['"2020-02-30"', '"0000-01-01"', '"9999-12-31T23:59:60Z"', '"%s%n"', '"\'; --"', '"\u200f\ufeff"'],
];
/** Text that is not JSON. */
const BROKEN_TOKENS = [
  ...[
    '01',
    '.5',
    '1.',
    '+1',
    'NaN',
    'Infinity',
    '0x10',
    '1e',
    '-',
    'undefined',
    "'x'",
    '"a\tb"',
    '"\\x"',
    '"\\u12"',
    '"unclosed',
  ],
];
const PROTOTYPE_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
  'then',
  'toJSON',
];
const SLUGS = [
  'name',
  'employees',
  'founded_on',
  'stage',
  'tags',
  'notes',
  'primary_domain',
  'created_at',
  'updated_at',
  'unknown',
];
const MEMBERS = [
  'items',
  'ids',
  'options',
  'default',
  'list',
  'extended',
  'id',
  'if_match',
  'ref',
  'match',
  'if_absent',
  'op',
  'query',
  'x',
];

/** A body that is JSON, almost JSON, or not JSON. @param form the valid form of half of them, so that many reach Postgres */
export function generateBody(random: Random, known: Known, form: Form): Buffer {
  const text = (random.chance(0.5) ? FITTING[form] : weighted(random, FORMS))(random, known);
  // Bytes that are not UTF-8 cannot be written as text.
  if (random.chance(0.01)) {
    const bytes = Buffer.from(text);
    if (bytes.length > 0) bytes[random.integer(0, bytes.length - 1)] = random.integer(128, 255);
    return bytes;
  }
  return Buffer.from(text);
}

/** The body of a create or patch. */
const content: Make = (random, known) => {
  const members = [
    ...(random.chance(0.9) ? [`"default":${block(random)}`] : []),
    ...(random.chance(0.2) ? [`"list":{${key(random.chance(0.8) ? random.uuid() : 'x')}:${block(random)}}`] : []),
    ...(random.chance(0.2) ? [`"extended":${object(random, 3)}`] : []),
    ...(random.chance(0.1) ? [oddMember(random, known)] : []),
  ];
  return `{${members.join(',')}}`;
};

const item: Make = (random, known) => {
  const members = [
    `"id":${random.chance(0.9) ? key(random.pick(known.recordIds)) : value(random, 2)}`,
    content(random, known).slice(1, -1),
    ...(random.chance(0.1) ? [`"if_match":${random.chance(0.5) ? '"\\"1-66126e557fbc0\\""' : value(random, 1)}`] : []),
    ...(random.chance(0.1) ? [`"ref":${value(random, 1)}`] : []),
    ...(random.chance(0.1)
      ? [`"match":{"slug":${key(random.pick(SLUGS))},"value":${value(random, 1)}},"if_absent":"create"`]
      : []),
    ...(random.chance(0.2)
      ? [`"op":${random.chance(0.7) ? key(random.pick(['create', 'update', 'delete', 'restore'])) : value(random, 1)}`]
      : []),
  ];
  return `{${members.filter((member) => member !== '').join(',')}}`;
};

const batch: Make = (random, known) => {
  const count = random.chance(0.02) ? random.integer(90, 110) : random.integer(0, 4);
  const items = Array.from({ length: count }, () => (random.chance(0.95) ? item(random, known) : value(random, 2)));
  const members = [
    `"items":[${items.join(',')}]`,
    ...(random.chance(0.3) ? [`"options":${options(random)}`] : []),
    ...(random.chance(0.05) ? [oddMember(random, known)] : []),
  ];
  return `{${members.join(',')}}`;
};

const ids: Make = (random, known) => {
  const each = (): string =>
    random.chance(0.7) ? key(random.uuid()) : random.chance(0.5) ? key(random.pick(known.recordIds)) : value(random, 1);
  return `{"ids":[${Array.from({ length: random.integer(0, 5) }, each).join(',')}]${random.chance(0.3) ? `,"options":${options(random)}` : ''}}`;
};

const imported: Make = (random, known) => {
  const rows = Array.from({ length: random.integer(0, 4) }, () =>
    random.chance(0.9) ? content(random, known) : value(random, 2),
  );
  const given = [
    ...(random.chance(0.2) ? [`"dedupe_by":${random.chance(0.7) ? key(random.pick(SLUGS)) : value(random, 1)}`] : []),
    ...(random.chance(0.2) ? [`"update_existing":${random.pick(['true', 'false', '1'])}`] : []),
    ...(random.chance(0.1) ? [`"list_id":${random.chance(0.5) ? key(random.uuid()) : value(random, 1)}`] : []),
  ];
  return `{"objects":[${rows.join(',')}]${given.length > 0 ? `,"options":{${given.join(',')}}` : ''}}`;
};

const OPERATORS = [
  ...['=', '!=', '<', '>', '<=', '>=', 'contains', 'begins_with', 'ends_with', 'not_contains', 'exists', 'not_exists'],
  ...['is_null', 'is_not_null', 'between', 'in', 'not_in', 'like', '', '__proto__'],
];

const query: Make = (random, known) => {
  const slug = (): string => key(random.pick([...SLUGS, 'id']));
  const operand = (): string =>
    random.chance(0.6) ? fitting(random, random.pick(SLUGS)) : `[${value(random, 1)},${value(random, 1)}]`;
  const condition = (depth: number): string =>
    depth > 0 && random.chance(0.3)
      ? `{${key(random.pick(['AND', 'OR']))}:[${condition(depth - 1)},${condition(depth - 1)}]}`
      : `{${slug()}:{${key(random.pick(OPERATORS))}:${operand()}}}`;
  const members = [
    `"select":[${slug()},${slug()}]`,
    ...(random.chance(0.8) ? [`"filter":[${condition(2)},${condition(1)}]`] : []),
    ...(random.chance(0.3) ? [`"combinator":${random.pick(['"AND"', '"OR"', '"or"', 'null'])}`] : []),
    ...(random.chance(0.5) ? [`"sort":[{${slug()}:${random.pick(['"asc"', '"desc"', '"up"', '1'])}}]`] : []),
    ...(random.chance(0.3) ? [`"limit":${random.pick(['1', '50', '51', '0', '1e1', '"5"', '-1'])}`] : []),
    ...(random.chance(0.1) ? [`"cursor":${value(random, 1)}`] : []),
    ...(random.chance(0.1) ? [`"list_id":${random.chance(0.5) ? key(random.uuid()) : value(random, 1)}`] : []),
  ];
  const beside = [
    ...(random.chance(0.2)
      ? [`"id":${random.chance(0.5) ? key(random.pick(known.recordIds)) : value(random, 2)}`]
      : []),
    ...(random.chance(0.2) ? [`"deleted":${random.pick(['true', 'false', '1'])}`] : []),
    ...(random.chance(0.2) ? [`"include_total":${random.pick(['true', 'false', 'null'])}`] : []),
  ];
  return `{${[`"query":{${members.join(',')}}`, ...beside].join(',')}}`;
};

/** Valid text with some characters changed, repeated, removed or truncated. */
const damaged: Make = (random, known) => {
  let text = random.pick([batch, batch, content, query])(random, known);
  for (let left = random.integer(1, 3); left > 0; left--) {
    const at = random.integer(0, text.length);
    const rest = random.pick(['cut', 'drop', 'insert', 'token', 'double']);
    if (rest === 'cut') text = text.slice(0, at);
    else if (rest === 'drop') text = text.slice(0, at) + text.slice(at + 1);
    else if (rest === 'token') text = text.slice(0, at) + random.pick(BROKEN_TOKENS) + text.slice(at);
    else if (rest === 'insert')
      text =
        text.slice(0, at) + random.pick(['{', '}', '[', ']', '"', ',', ':', '\\', '\0', ' ', 'e']) + text.slice(at);
    else text = text.slice(0, at) + text.slice(random.integer(0, at));
  }
  return text;
};

/** JSON nested around the limit of 32 levels and far beyond it. */
const deep: Make = (random) => {
  const depth = random.chance(0.8) ? random.integer(26, 36) : random.integer(100, 5_000);
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['[{"a":[', ']}]'],
  ] as const);
  const inside = open.repeat(depth) + (open === '[' ? '' : '0') + close.repeat(depth);
  return random.pick([inside, `{"items":[{"id":"x","extended":{"a":${inside}}}]}`, `{"items":[],"options":${inside}}`]);
};

/** Many keys, elements or items. */
const wide: Make = (random) => {
  const count = random.integer(200, 4_000);
  const keys = Array.from({ length: count }, (_, n) => `"k${n}":0`).join(',');
  const elements = Array.from({ length: count }, () => random.pick(['{}', '0', '[]', '""', '{"a":1}'])).join(',');
  return random.pick([
    ...[`{"items":[{}],${keys}}`, `{"items":[${elements}]}`, `{"items":[{"id":"x","default":{${keys}}}]}`, `{${keys}}`],
    ...[
      `{"items":[{"id":"x"}],"options":[${elements}]}`,
      `{"items":[{"id":"x"}],"options":{${keys}}}`,
      `{"ids":[${elements}]}`,
    ],
    ...[`{"default":{${keys}}}`, `{"default":{"tags":[${elements}]}}`, `[${elements}]`],
  ]);
};

const hugeKey: Make = (random, known) => {
  const name = key(
    random.pick(['k', '\u00e9', '\\u0000', '\\ud800', '\ud83d\ude00']).repeat(random.integer(1_000, 20_000)),
  ).replaceAll('\\\\', '\\');
  const id = key(random.pick(known.recordIds));
  return random.pick([
    `{${name}:0}`,
    `{"items":[{${name}:0}]}`,
    `{"items":[{"id":${id},"default":{${name}:0}}]}`,
    `{"items":[{"id":${id},"extended":{${name}:0}}]}`,
  ]);
};

/** A repeated member, which JSON allows: the last one is used. */
const duplicates: Make = (random, known) => {
  const text = batch(random, known).slice(1, -1);
  return `{${random.pick([`${text},${text}`, `"items":0,${text}`, `${text},"items":${value(random, 2)}`, `${text},"options":null,"options":${options(random)}`])}}`;
};

const prototypes: Make = (random, known) => {
  const member = `${key(random.pick(PROTOTYPE_KEYS))}:${value(random, 2)}`;
  const id = key(random.pick(known.recordIds));
  return random.pick([
    ...[
      `{${member}}`,
      `{"items":[{}],${member}}`,
      `{"items":[{}],"x":{${member}}}`,
      `{"items":[{"id":${id},${member}}]}`,
    ],
    ...[`{"items":[{"id":${id},"default":{${member}}}]}`, `{"items":[{"id":${id},"extended":{${member}}}]}`],
    ...[
      `{"items":[{"id":${id}}],"options":{${member}}}`,
      `{"items":[{"id":${id},"list":{${member}}}]}`,
      `{"default":{${member}}}`,
    ],
  ]);
};

const garbage: Make = (random) =>
  Array.from({ length: random.integer(0, 40) }, () => String.fromCharCode(random.integer(0, 255))).join('');

/** Bodies in the format of a route. */
export type Form = 'batch' | 'ids' | 'content' | 'query' | 'import';

const FITTING: Readonly<Record<Form, Make>> = { batch, ids, content, query, import: imported };

const FORMS: readonly (readonly [number, Make])[] = [
  [10, batch],
  [5, content],
  [5, ids],
  [3, query],
  [12, damaged],
  [4, deep],
  [2, wide],
  [2, hugeKey],
  [6, duplicates],
  [8, prototypes],
  [4, (random) => value(random, 4)],
  [2, garbage],
];

function block(random: Random): string {
  if (random.chance(0.05)) return value(random, 2);
  const members = Array.from({ length: random.integer(0, 4) }, () => {
    const slug = random.pick(SLUGS);
    return `${key(slug)}:${random.chance(0.9) ? fitting(random, slug) : value(random, 2)}`;
  });
  return `{${members.join(',')}}`;
}

/** A value that matches the type of the property or almost does. */
function fitting(random: Random, slug: string): string {
  if (random.chance(0.1)) return 'null';
  if (random.chance(0.1)) return operator(random);
  switch (slug) {
    case 'employees':
      return random.chance(0.7) ? String(random.integer(0, 100_000)) : random.pick(ODD_NUMBERS);
    case 'founded_on':
      return `"${random.integer(1, 9_999)}-${String(random.integer(1, 13)).padStart(2, '0')}-${String(random.integer(1, 31)).padStart(2, '0')}"`;
    case 'stage':
      return key(random.pick(['lead', 'won', 'lost', 'none']));
    case 'tags':
      return `[${Array.from({ length: random.integer(0, 5) }, () => key(random.pick(['a', 'b', 'c', '']))).join(',')}]`;
    default:
      return random.chance(0.8) ? key(`text ${random.integer(0, 9)}`) : random.pick(ODD_TEXTS);
  }
}

function operator(random: Random): string {
  const op = random.chance(0.8) ? key(random.pick(['append', 'remove', 'increment'])) : value(random, 1);
  const values = random.chance(0.8)
    ? `[${Array.from({ length: random.integer(0, 4) }, () => value(random, 1)).join(',')}]`
    : value(random, 1);
  return random.pick([
    `{"_op":${op},"values":${values}}`,
    `{"_op":${op}}`,
    `{"_op":${op},"by":${random.pick(ODD_NUMBERS)}}`,
    `{"_op":${op},"values":${values},"x":1}`,
  ]);
}

function options(random: Random): string {
  if (random.chance(0.1)) return value(random, 2);
  const given: Record<string, readonly string[]> = {
    on_error: ['"continue"', '"stop"', '"rollback"', '"no"'],
    return: ['"representation"', '"minimal"', '""'],
    dry_run: ['true', 'false', '1', '"true"'],
    max_failures: ['1', '0', '-1', '1e9', '1.5', '"1"'],
    skip_unchanged: ['true', 'false', '"x"'],
  };
  const names = Object.keys(given).filter(() => random.chance(0.3));
  const members = names.map(
    (name) => `${key(name)}:${random.chance(0.9) ? random.pick(given[name] ?? []) : value(random, 1)}`,
  );
  return `{${members.join(',')}}`;
}

function oddMember(random: Random, known: Known): string {
  const name = random.pick(random.chance(0.7) ? MEMBERS : PROTOTYPE_KEYS);
  return `${key(name)}:${random.chance(0.1) ? item(random, known) : value(random, 3)}`;
}

/** Any JSON value, sometimes invalid JSON. */
function value(random: Random, depth: number): string {
  switch (random.integer(0, depth > 0 ? 7 : 4)) {
    case 0:
      return random.pick(ODD_NUMBERS);
    case 1:
      return random.pick(ODD_TEXTS);
    case 2:
      return random.chance(0.02) ? random.pick(BROKEN_TOKENS) : random.pick(['true', 'false', 'null']);
    case 3:
      return String(random.integer(-1_000, 1_000));
    case 4:
      return key(random.pick(['x', 'won', 'append', random.uuid()]));
    case 5:
      return operator(random);
    case 6:
      return `[${Array.from({ length: random.integer(0, 3) }, () => value(random, depth - 1)).join(',')}]`;
    default:
      return object(random, depth);
  }
}

function object(random: Random, depth: number): string {
  const names = Array.from({ length: random.integer(0, 3) }, () =>
    random.pick(random.chance(0.1) ? PROTOTYPE_KEYS : random.chance(0.1) ? ['', '\0', '\ud800'] : SLUGS),
  );
  return `{${names.map((name) => `${key(name)}:${value(random, depth - 1)}`).join(',')}}`;
}

function key(text: string): string {
  return JSON.stringify(text);
}

/** A weighted choice. */
export function weighted<T>(random: Random, choices: readonly (readonly [number, T])[]): T {
  let left = random.next() * choices.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, choice] of choices) {
    left -= weight;
    if (left < 0) return choice;
  }
  throw new Error('there is nothing to choose from');
}
