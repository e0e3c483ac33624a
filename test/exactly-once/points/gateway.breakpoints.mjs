// Loaded before the program of a built gateway (node --import) and controlled by a test over the IPC channel: stops a
// request before or after its claim, or before or after its response is cached, until the test resumes it.
import 'reflect-metadata';
import { ClaimStore } from '#libs/idempotency';

let armed;
let resume = () => undefined;

process.on('message', (message) => {
  if (message.arm) armed = message.arm;
  if (message.resume) resume();
});
// The test process has ended.
process.on('disconnect', () => process.exit());

async function stopAt(point) {
  if (armed !== point) return;
  armed = undefined;
  await new Promise((resolve) => {
    resume = resolve;
    process.send({ reached: point });
  });
}

const { claim, storeResponse } = ClaimStore.prototype;

ClaimStore.prototype.claim = async function (...args) {
  await stopAt('before claim');
  const claimed = await claim.apply(this, args);
  await stopAt('after claim');
  return claimed;
};

ClaimStore.prototype.storeResponse = async function (...args) {
  await stopAt('before store');
  const stored = await storeResponse.apply(this, args);
  await stopAt('after store');
  return stored;
};
