import { afterEach } from 'vitest';
import { expectNothingInFlight } from './in-flight';

// Registered before the hooks of any test file, so that it runs after them: they may release waiting requests.
afterEach(expectNothingInFlight);
