import { defineFuzzSuite } from './fuzz/fuzz.suite';

defineFuzzSuite({ bodies: 10_000, raw: 2_000 });
