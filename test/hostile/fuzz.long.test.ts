import { defineFuzzSuite } from './fuzz/fuzz.suite';

defineFuzzSuite({ bodies: 100_000, raw: 10_000 });
