import { defineAbortSuite } from './aborts.suite';

defineAbortSuite(2_000);
