import { afterEach } from 'vitest';
import { expectNothingInFlight } from './in-flight';

// Registered before the hooks of any test file, so it runs after them: they may still let requests go on.
afterEach(expectNothingInFlight);
