import { defineAbortSuite } from './aborts.suite';

defineAbortSuite(9_000);
