// Loaded into a built gateway before its program (node --import), by a test that speaks to it over the IPC channel:
// stops a request before or after its claim, or before or after its answer is stored, until it is told to go on.
import 'reflect-metadata';
import { ClaimStore } from '#libs/idempotency';

let armed;
let goOn = () => undefined;

process.on('message', (message) => {
  if (message.arm) armed = message.arm;
  if (message.go) goOn();
});
// The test is gone, and nobody else knows of this process.
process.on('disconnect', () => process.exit());

async function stopAt(point) {
  if (armed !== point) return;
  armed = undefined;
  await new Promise((resolve) => {
    goOn = resolve;
    process.send({ reached: point });
  });
}

const { claim, storeResponse } = ClaimStore.prototype;

ClaimStore.prototype.claim = async function (...given) {
  await stopAt('before claim');
  const claimed = await claim.apply(this, given);
  await stopAt('after claim');
  return claimed;
};

ClaimStore.prototype.storeResponse = async function (...given) {
  await stopAt('before keep');
  const stored = await storeResponse.apply(this, given);
  await stopAt('after keep');
  return stored;
};
